//! QUIC outside of an established connection: what any version promises to answer, and the TLS messages inside of a
//! handshake.

#[cfg(feature = "quinn")]
pub mod recorder;
pub mod version_negotiation;
