//! Bytes to facts: what TLS, X.509, HTTP and QUIC put on the wire, read and written without sockets.
//!
//! Nothing here does I/O, reads a clock or knows a runtime: bytes, and where it matters the time, come in as arguments
//! and values go out. All input is taken for hostile. Every parser holds a promise: it never panics, it allocates no
//! more than its documented limit, and it fails with a typed error.

pub mod http;
pub mod quic;
mod reader;
pub mod tls;
mod writer;
pub mod x509;
