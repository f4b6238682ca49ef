//! The checks against the real reflector on loopback, and against peers that misbehave.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it did not expect"
)]

mod after_handshake;
mod broker;
mod endpoints;
mod fidelity;
mod hostile;
mod lossy_line;
mod media;
mod reflector;
mod resolver;
mod tls_peer;
mod turns;
mod world;
