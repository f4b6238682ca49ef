//! TLS as seen from outside: the first messages of each side (RFC 8446 section 4, RFC 5246 section 7), read from the
//! octets of a connection and never from a TLS library.
//!
//! Two levels: records and handshake messages are cut out of a stream with [`FirstMessage`], and what they say is a
//! parsed value, [`ClientHello`] or [`ServerHello`], which keeps order, duplicates and code points that nobody has
//! registered. [`TimestampClient`] is the one active part: a handshake that goes just far enough to be shown the
//! server's certificates with the timestamps and the OCSP response that current libraries no longer ask for.

mod client_hello;
mod error;
mod extension;
mod handshake;
mod hello_differences;
pub mod names;
mod record;
mod server_hello;
mod timestamp_client;

pub use client_hello::ClientHello;
pub use error::Error;
pub use extension::Extension;
pub use hello_differences::hello_differences;
pub use record::FirstMessage;
pub use server_hello::ServerHello;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use timestamp_client::read_opened;
pub use timestamp_client::{ServerFlight, TimestampClient};

pub(crate) use handshake::Messages;
