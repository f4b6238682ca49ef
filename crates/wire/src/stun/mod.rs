//! STUN (RFC 8489), as far as finding out whether a relay for media answers takes: requests without credentials, and the
//! answers to them.
//!
//! [`Request`] is written, [`Message`] is read from a datagram, and a server writes its answers with [`bound`] and
//! [`refused`]. What is read: the header, MAPPED-ADDRESS, XOR-MAPPED-ADDRESS, ERROR-CODE, SOFTWARE and FINGERPRINT. Other
//! attributes are passed over; of those that RFC 8489 section 14 calls comprehension-required the types are kept, since a
//! server has to name them in its refusal. MESSAGE-INTEGRITY is not verified: nobody here has a password.
//!
//! Nothing is trusted for its content: an answer counts for having come, with the transaction id of its request (96 random
//! bits, section 5), over the path under test.

mod address;
mod message;
mod write;

pub use message::{Class, Fingerprint, Message, StunError, is_stun};
pub use write::{Request, bound, refused};

/// Section 5.
const MAGIC_COOKIE: u32 = 0x2112_a442;
const HEADER: usize = 20;

/// The methods known here: Binding (section 18.2) and TURN's Allocate (RFC 8656 section 17).
pub const BINDING: u16 = 0x001;
pub const ALLOCATE: u16 = 0x003;

/// Which request an answer belongs to.
pub type TransactionId = [u8; 12];

/// Attribute types (section 18.3).
mod attribute {
    pub(super) const MAPPED_ADDRESS: u16 = 0x0001;
    pub(super) const USERNAME: u16 = 0x0006;
    pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(super) const ERROR_CODE: u16 = 0x0009;
    pub(super) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    /// Magic Cookie of [MS-TURN] section 2.2.2.1; it comes first in a message. Unassigned elsewhere.
    pub(super) const MS_MAGIC_COOKIE: u16 = 0x000f;
    pub(super) const REALM: u16 = 0x0014;
    pub(super) const NONCE: u16 = 0x0015;
    pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(super) const SOFTWARE: u16 = 0x8022;
    pub(super) const FINGERPRINT: u16 = 0x8028;
    /// From here on an attribute may be passed over by who does not know it.
    pub(super) const OPTIONAL: u16 = 0x8000;
}

/// CRC-32 (ITU-T V.42) of the message up to the attribute, and a number that tells it from other protocols' CRCs (section
/// 14.7).
fn fingerprint(message: &[u8]) -> u32 {
    const XOR: u32 = 0x5354_554e;
    let mut crc = flate2::Crc::new();
    crc.update(message);
    crc.sum() ^ XOR
}
