//! What can be wrong with a captured datagram.

use super::{MAX_PACKETS, crypto_stream};

/// All of it is the doing of a peer, of the path or of the capture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The octets end inside of the named field.
    #[error("{0} is cut short")]
    Truncated(&'static str),
    /// A length that the standard forbids in the named field.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    #[error("QUIC version {0:#010x} is not known here")]
    UnknownVersion(u32),
    /// Damaged, forged, or of a connection whose beginning was not captured.
    #[error("an Initial packet does not decrypt")]
    Decrypt,
    /// The server's keys follow from a packet of the client, which is missing.
    #[error("the server's packet comes before any of the client's")]
    ServerFirst,
    /// A frame that has no place in an Initial packet (RFC 9000 section 12.4).
    #[error("a frame of type {0:#x} in an Initial packet")]
    UnexpectedFrame(u64),
    /// Another handshake message than the one that was due.
    #[error("handshake message of type {found} where type {due} was due")]
    UnexpectedMessage { due: u8, found: u8 },
    /// The same place in the stream came with different octets.
    #[error("CRYPTO frames contradict each other")]
    Contradiction,
    #[error("{what} exceeds {limit} octets")]
    TooLarge { what: &'static str, limit: usize },
    #[error("more than {} pieces of the CRYPTO stream out of order", crypto_stream::MAX_PIECES)]
    TooScattered,
    #[error("more than {MAX_PACKETS} Initial packets of one side")]
    TooManyPackets,
}
