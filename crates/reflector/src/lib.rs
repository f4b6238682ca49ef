//! The honest far end: a server that tells a client what arrived, so that the client can hold it against what it sent.
//!
//! It answers over TCP (TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2) and over QUIC (HTTP/3) on the same port. What it says
//! about a connection is signed with a key that the client pins: an interceptor can relay the answer but not forge it,
//! and what it relays names the interceptor's own connection. `docs/reflector.md` has every endpoint with its limits.
//!
//! It is the smallest trust base of the system: it knows the facts of its own connections and nothing else, keeps
//! nothing when a connection ends (but for a minute who asked its name server, and what arrived of a call for half a
//! minute after it), logs nothing, and puts a limit on everything an outsider can grow ([`Limits`]).
//!
//! [`bind`] takes a [`Config`], opens the sockets and gives a [`Reflector`], whose addresses are then known;
//! [`Reflector::run`] serves until it is told to stop.

mod admission;
mod certificate;
mod config;
mod datagrams;
mod dns;
mod error;
mod http;
mod lifecycle;
mod media;
mod quic;
mod rate;
mod server;
mod session;
mod signing;
mod tcp;

pub use certificate::{Certificate, CertificateError};
pub use config::{Config, Limits};
pub use dns::Dns;
pub use error::Error;
pub use server::{Reflector, bind};
pub use signing::{SigningKey, SigningKeyError};
