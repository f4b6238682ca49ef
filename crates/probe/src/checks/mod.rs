//! One check a file: its page, its code, its tests.

pub(crate) mod casb;
pub(crate) mod content;
pub(crate) mod destination;
pub(crate) mod dns;
pub(crate) mod download;
pub(crate) mod egress;
pub(crate) mod endpoints;
pub(crate) mod exporter;
pub(crate) mod fidelity;
pub(crate) mod hello;
pub(crate) mod http;
pub(crate) mod media;
pub(crate) mod proxy;
pub(crate) mod quic;
pub(crate) mod resolver;
pub(crate) mod route;
pub(crate) mod stream;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod vpn;
pub(crate) mod websocket;

pub use proxy::evaluate_script;
