//! QUIC (RFC 9000) with HTTP/3 (RFC 9114).

mod endpoint;
mod http3;

pub(crate) use endpoint::{accept, configuration};
