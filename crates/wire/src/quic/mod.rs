//! QUIC outside of an established connection: what any version promises to answer, and the TLS messages inside of a
//! handshake, whether they are taken from an endpoint or from captured datagrams.

pub mod initial;
#[cfg(feature = "quinn")]
pub mod recorder;
pub(crate) mod transport_parameters;
pub(crate) mod varint;
pub mod version_negotiation;
