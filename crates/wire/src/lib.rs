//! Bytes to facts: what TCP, TLS, X.509, HTTP and QUIC put on the wire, read and written without sockets.
//!
//! Nothing here does I/O, reads a clock or knows a runtime: bytes, and where it matters the time, come in as arguments
//! and values go out. All input is taken for hostile. Every parser holds a promise: it never panics, it allocates no
//! more than its documented limit, and it fails with a typed error.

pub mod call;
pub mod capture;
pub mod dhcp;
pub mod fingerprint;
mod hkdf;
pub mod http;
pub mod icmp;
#[cfg(feature = "pac")]
pub mod pac;
pub mod quic;
mod reader;
pub mod stun;
pub mod tcp;
pub mod tls;
mod writer;
pub mod x509;
