//! A reflector on loopback, asked by real clients over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do; clippy exempts only the test functions themselves"
)]

mod harness;
mod http;
mod limits;
mod quic;
mod tls;
mod websocket;
