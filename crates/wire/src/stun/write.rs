//! STUN messages as they are sent: a client's requests, and a server's answers to them.

use std::net::SocketAddr;

use super::message::{Class, join};
use super::{ALLOCATE, BINDING, HEADER, MAGIC_COOKIE, TransactionId, address, attribute, fingerprint};
use crate::writer::vector16;

/// Requests without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Who do you see? (RFC 8489 section 2)
    Binding,
    /// May I have a relayed address? (RFC 8656 section 7.1) Without credentials the answer is an error, 401 as a rule, and
    /// that is an answer. It has the form that tests of Microsoft's relays have used since 2013 ("Testing STUN/TURN server
    /// connectivity", blogs.technet.com/b/nettracer, 2013-10-13): the Magic Cookie of [MS-TURN] (section 2.2.2.1) in front, an
    /// empty USERNAME, and nothing else. A server of the standard says in its error what it misses.
    Allocate,
}

/// The name of the program alone: the version is nobody's business on a port that is asked in clear.
const SOFTWARE: &str = "truepath";
/// [MS-TURN] section 2.2.2.1.
const MS_MAGIC_COOKIE: [u8; 4] = [0x72, 0xc6, 0x4b, 0xc6];

impl Request {
    pub fn method(self) -> u16 {
        match self {
            Self::Binding => BINDING,
            Self::Allocate => ALLOCATE,
        }
    }

    /// The datagram. The transaction id has to be random.
    pub fn encode(self, transaction: TransactionId) -> Vec<u8> {
        let mut message = Writer::new(Class::Request, self.method(), transaction);
        match self {
            Self::Binding => {
                message.attribute(attribute::SOFTWARE, SOFTWARE.as_bytes());
                message.finish(true)
            }
            Self::Allocate => {
                message.attribute(attribute::MS_MAGIC_COOKIE, &MS_MAGIC_COOKIE);
                message.attribute(attribute::USERNAME, &[]);
                message.finish(false)
            }
        }
    }
}

/// The answer to a Binding request: whom the server sees. At most 52 octets, 40 over IPv4. It has a fingerprint if the
/// request had one (section 7.3.1 asks for it where the protocols on a port are told apart by it), and no SOFTWARE: what a
/// server sends to an address that anybody may have forged should not be much longer than what it got.
pub fn bound(transaction: TransactionId, mapped: SocketAddr, fingerprinted: bool) -> Vec<u8> {
    let mut message = Writer::new(Class::Success, BINDING, transaction);
    message.attribute(attribute::XOR_MAPPED_ADDRESS, &address::write_xor_mapped(mapped, transaction));
    message.finish(fingerprinted)
}

/// An error response (section 6.3.4), with the attributes that were not understood where the code is 420.
pub fn refused(transaction: TransactionId, method: u16, code: u16, unknown: &[u16]) -> Vec<u8> {
    let mut message = Writer::new(Class::Error, method, transaction);
    let (hundreds, rest) = (code / 100, code % 100);
    let code = [0, 0, u8::try_from(hundreds & 0x07).unwrap_or(0), u8::try_from(rest).unwrap_or(0)];
    message.attribute(attribute::ERROR_CODE, &code);
    if !unknown.is_empty() {
        let types: Vec<u8> = unknown.iter().flat_map(|unknown| unknown.to_be_bytes()).collect();
        message.attribute(attribute::UNKNOWN_ATTRIBUTES, &types);
    }
    message.finish(true)
}

/// A message in the making.
struct Writer(Vec<u8>);

impl Writer {
    fn new(class: Class, method: u16, transaction: TransactionId) -> Self {
        let mut octets = Vec::with_capacity(64);
        octets.extend(join(class, method).to_be_bytes());
        octets.extend([0, 0]);
        octets.extend(MAGIC_COOKIE.to_be_bytes());
        octets.extend(transaction);
        Self(octets)
    }

    /// Padded to a multiple of four octets (section 14).
    fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.0.extend(kind.to_be_bytes());
        vector16(value, &mut self.0);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    fn finish(mut self, fingerprinted: bool) -> Vec<u8> {
        if fingerprinted {
            // The length that the CRC is over counts the attribute in (section 14.7).
            self.set_length(8);
            let crc = fingerprint(&self.0);
            self.attribute(attribute::FINGERPRINT, &crc.to_be_bytes());
        }
        self.set_length(0);
        self.0
    }

    fn set_length(&mut self, more: usize) {
        let length = (self.0.len() + more).saturating_sub(HEADER);
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        for (place, octet) in self.0.iter_mut().skip(2).zip(length) {
            *place = octet;
        }
    }
}
