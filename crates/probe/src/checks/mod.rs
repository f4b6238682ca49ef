//! One check a file: its page, its code, its tests.

pub(crate) mod dns;
pub(crate) mod exporter;
pub(crate) mod hello;
pub(crate) mod http;
pub(crate) mod quic;
pub(crate) mod stream;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod websocket;
