//! TLS as seen from outside: the first messages of each side (RFC 8446 section 4, RFC 5246 section 7), read from the
//! octets of a connection and never from a TLS library.
//!
//! Two levels: records and handshake messages are cut out of a stream with [`FirstMessage`], and what they say is a
//! parsed value, [`ClientHello`] or [`ServerHello`], which keeps order, duplicates and code points that nobody has
//! registered. Where only the lists matter and hellos come by the million, [`read_hello`] fills the facts of the model
//! without an allocation. [`TimestampClient`] is the one active part: a handshake that goes just far enough to be shown the
//! server's certificates with the timestamps and the OCSP response that current libraries no longer ask for.

mod client_hello;
mod error;
pub(crate) mod extension;
pub(crate) mod handshake;
mod hello_differences;
mod hello_facts;
mod hello_lists;
pub mod names;
pub(crate) mod record;
mod redact;
mod server_hello;
mod timestamp_client;

pub use client_hello::ClientHello;
pub use error::Error;
pub use extension::Extension;
pub use hello_differences::hello_differences;
pub use hello_facts::{read_hello, read_hello_or_records, read_ja3_text};
pub use hello_lists::read_hello_lists;
pub use record::FirstMessage;
pub use redact::{REDACTED_NAME, redact_hello};
pub use server_hello::ServerHello;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use timestamp_client::read_opened;
pub use timestamp_client::{ServerFlight, TimestampClient};

pub(crate) use handshake::Messages;
