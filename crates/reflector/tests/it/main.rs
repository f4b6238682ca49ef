//! A reflector on loopback, asked by real clients over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do; clippy exempts only the test functions themselves"
)]

mod dns;
mod harness;
mod http;
mod limits;
mod media;
mod quic;
mod tls;
mod websocket;
