//! What can be wrong with the TLS octets of a peer.

use super::names;

/// All but [`Error::Random`] are the peer's doing, or that of whoever answered in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The first octets are no TLS record: another protocol answered.
    #[error("not TLS; it begins with \"{}\"", first.escape_ascii())]
    NotTls {
        /// What was at hand when that was clear: at least one octet and at most [`Error::FIRST_OCTETS`].
        first: Vec<u8>,
    },
    /// An alert instead of the message that was due (RFC 8446 section 6).
    #[error("{} alert {}", if *level == 1 { "warning" } else { "fatal" }, names::alert(*description))]
    Alert { level: u8, description: u8 },
    /// A record of a type that has no place here.
    #[error("a record of type {0} where a handshake message was due")]
    UnexpectedRecord(u8),
    /// Another handshake message than the one that was due.
    #[error("handshake message of type {found} where type {due} was due")]
    UnexpectedMessage { due: u8, found: u8 },
    /// The octets end inside of the named field.
    #[error("{0} is cut short")]
    Truncated(&'static str),
    /// A length or value that the standard forbids in the named field.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    #[error("{what} exceeds {limit} octets")]
    TooLarge { what: &'static str, limit: usize },
    #[error("a chain of more than {limit} certificates")]
    TooManyCertificates { limit: usize },
    /// A parameter that was not offered.
    #[error("the server chose {0}, which was not offered")]
    NotOffered(String),
    /// The server wants a second ClientHello (RFC 8446 section 4.1.4), which [`TimestampClient`](super::TimestampClient)
    /// does not send.
    #[error("the server asked for a second ClientHello")]
    HelloRetryRequest,
    /// The key exchange failed: the server's key share is no point of its group.
    #[error("the server's key share is not usable")]
    KeyShare,
    /// An encrypted record does not open under the keys of this handshake.
    #[error("a record does not decrypt")]
    Decrypt,
    /// This machine gave no random numbers.
    #[error("no random numbers")]
    Random,
}

impl Error {
    /// How much of a foreign protocol is kept for the report.
    pub const FIRST_OCTETS: usize = 64;
}
