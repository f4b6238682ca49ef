//! How a peer can break the protocol.

/// All but [`Error::Random`] are the peer's doing, or ours where they come out of encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A bit that no negotiated extension gives a meaning (RFC 6455 section 5.2).
    #[error("reserved bits set without an extension: RSV1 {rsv1}, RSV2 {rsv2}, RSV3 {rsv3}")]
    ReservedBits { rsv1: bool, rsv2: bool, rsv3: bool },
    #[error("reserved opcode 0x{0:x}")]
    ReservedOpcode(u8),
    /// RFC 6455 section 5.1.
    #[error("a client's frame is not masked")]
    NotMasked,
    #[error("a server's frame is masked")]
    Masked,
    /// RFC 6455 section 5.2: the shortest form that holds the length, and at most 63 bits.
    #[error("a frame's length is not in its shortest form")]
    Length,
    /// RFC 6455 section 5.5: at most 125 octets, in one piece.
    #[error("a control frame that is fragmented or too long")]
    Control,
    /// RFC 6455 section 5.4.
    #[error("a continuation of no message")]
    ContinuationOfNothing,
    #[error("a new message inside of a fragmented one")]
    Interleaved,
    #[error("{what} exceeds {limit} octets")]
    TooLarge { what: &'static str, limit: usize },
    /// RFC 6455 section 8.1.
    #[error("text that is not UTF-8")]
    Utf8,
    /// RFC 6455 section 7.4.
    #[error("a close frame that is malformed")]
    Close,
    #[error("a compressed message that does not inflate")]
    Deflate,
    /// Sec-WebSocket-Extensions of the answer names what was not offered, or lacks what was asked for.
    #[error("extensions negotiated otherwise than offered: {0}")]
    Extensions(String),
    /// This machine gave no random numbers for a mask.
    #[error("no random numbers")]
    Random,
}

impl Error {
    /// The code with which to fail the connection (RFC 6455 section 7.4.1).
    pub fn close_code(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 1009,
            Self::Utf8 | Self::Deflate => 1007,
            Self::Extensions(_) => 1010,
            Self::Random => 1011,
            _ => 1002,
        }
    }
}
