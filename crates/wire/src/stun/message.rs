//! A STUN message as it was received.

use std::net::SocketAddr;

use super::{HEADER, MAGIC_COOKIE, TransactionId, address, attribute, fingerprint};
use crate::reader::Reader;

/// Attributes of one message; real ones have a dozen at most.
const ATTRIBUTES_LIMIT: usize = 64;
/// SOFTWARE has fewer than 128 characters (section 14.14), which UTF-8 may take four octets each for.
const SOFTWARE_LIMIT: usize = 127;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub class: Class,
    pub method: u16,
    pub transaction: TransactionId,
    /// XOR-MAPPED-ADDRESS; where it is absent, MAPPED-ADDRESS, which servers of RFC 3489 send.
    pub mapped: Option<SocketAddr>,
    /// ERROR-CODE: 300 to 699.
    pub error: Option<u16>,
    pub software: Option<String>,
    pub fingerprint: Fingerprint,
    /// Types of the comprehension-required attributes that are not known here.
    pub unknown: Vec<u16>,
}

/// Section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fingerprint {
    Absent,
    Valid,
    /// It is not the one of these octets: they were altered, or this is no STUN.
    Wrong,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StunError {
    #[error("this is not STUN")]
    NotStun,
    #[error("the message has another length than it says")]
    Length,
    #[error("an attribute does not fit into the message")]
    Attribute,
    #[error("there are more than {ATTRIBUTES_LIMIT} attributes")]
    TooMany,
}

/// Whether a datagram can be STUN, by its first octet, its cookie and the shortest length (section 5): on a port that other
/// protocols share (RFC 7983).
pub fn is_stun(datagram: &[u8]) -> bool {
    let mut reader = Reader::new(datagram);
    let kind = reader.u16().is_some_and(|kind| kind & 0xc000 == 0);
    let _length = reader.u16();
    kind && reader.u32() == Some(MAGIC_COOKIE) && datagram.len() >= HEADER
}

impl Message {
    /// Reads one datagram. An attribute that is not what its type calls for counts as absent, as long as its length is right.
    pub fn parse(datagram: &[u8]) -> Result<Self, StunError> {
        if !is_stun(datagram) {
            return Err(StunError::NotStun);
        }
        let mut reader = Reader::new(datagram);
        let kind = reader.u16().ok_or(StunError::NotStun)?;
        let length = reader.u16().map(usize::from).ok_or(StunError::NotStun)?;
        let _cookie = reader.u32();
        let transaction: TransactionId = reader.array().ok_or(StunError::NotStun)?;
        if length % 4 != 0 || length != reader.rest().len() {
            return Err(StunError::Length);
        }
        let (class, method) = split(kind);
        let mut message = Self {
            class,
            method,
            transaction,
            mapped: None,
            error: None,
            software: None,
            fingerprint: Fingerprint::Absent,
            unknown: Vec::new(),
        };
        message.read_attributes(reader, datagram)?;
        Ok(message)
    }

    fn read_attributes(&mut self, mut reader: Reader<'_>, datagram: &[u8]) -> Result<(), StunError> {
        let mut plain = None;
        let mut integrity = false;
        for _ in 0..ATTRIBUTES_LIMIT {
            if reader.is_empty() {
                self.mapped = self.mapped.or(plain);
                return Ok(());
            }
            let before = datagram.len().saturating_sub(reader.rest().len());
            let kind = reader.u16().ok_or(StunError::Attribute)?;
            let value = reader.vector16().ok_or(StunError::Attribute)?;
            reader.take(value.len().next_multiple_of(4) - value.len()).ok_or(StunError::Attribute)?;
            // What follows the integrity is outside of it and not to be read, but for the fingerprint (section 14.5).
            match kind {
                attribute::FINGERPRINT => {
                    let told = Reader::new(value).u32();
                    let ours = datagram.get(..before).map(fingerprint);
                    let is_valid = told == ours && value.len() == 4 && reader.is_empty();
                    self.fingerprint = if is_valid { Fingerprint::Valid } else { Fingerprint::Wrong };
                }
                _ if integrity => {}
                attribute::MESSAGE_INTEGRITY => integrity = true,
                attribute::MAPPED_ADDRESS => plain = plain.or_else(|| address::mapped(value)),
                attribute::XOR_MAPPED_ADDRESS => {
                    self.mapped = self.mapped.or_else(|| address::xor_mapped(value, self.transaction));
                }
                attribute::ERROR_CODE => self.error = self.error.or_else(|| error_code(value)),
                attribute::SOFTWARE => self.software = self.software.take().or_else(|| software(value)),
                attribute::USERNAME
                | attribute::UNKNOWN_ATTRIBUTES
                | attribute::REALM
                | attribute::NONCE
                | attribute::OPTIONAL.. => {}
                unknown => self.unknown.push(unknown),
            }
        }
        if reader.is_empty() {
            self.mapped = self.mapped.or(plain);
            return Ok(());
        }
        Err(StunError::TooMany)
    }
}

/// The message type interleaves the two bits of the class with the method (section 5, figure 3).
fn split(kind: u16) -> (Class, u16) {
    let method = (kind & 0x000f) | ((kind & 0x00e0) >> 1) | ((kind & 0x3e00) >> 2);
    let class = match (kind & 0x0100 != 0, kind & 0x0010 != 0) {
        (false, false) => Class::Request,
        (false, true) => Class::Indication,
        (true, false) => Class::Success,
        (true, true) => Class::Error,
    };
    (class, method)
}

/// Its inverse.
pub(super) fn join(class: Class, method: u16) -> u16 {
    let bits = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    (method & 0x000f) | ((method & 0x0070) << 1) | ((method & 0x0f80) << 2) | bits
}

/// Section 14.8: the hundreds and the rest stand apart, each within its bounds.
fn error_code(value: &[u8]) -> Option<u16> {
    let mut reader = Reader::new(value);
    let _reserved = reader.u16()?;
    let (hundreds, rest) = (reader.u8()? & 0x07, reader.u8()?);
    ((3..=6).contains(&hundreds) && rest < 100).then_some(u16::from(hundreds) * 100 + u16::from(rest))
}

fn software(value: &[u8]) -> Option<String> {
    let text: String =
        String::from_utf8_lossy(value).chars().filter(|c| !c.is_control()).take(SOFTWARE_LIMIT).collect();
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stun::{BINDING, Request, bound, refused};

    /// RFC 5769: the messages of sections 2.1 to 2.3, octet for octet.
    const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff\
        80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004\
        e57a3bcf";
    const IPV4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643\
        000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
    const IPV6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa\
        a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

    fn octets(hex: &str) -> Vec<u8> {
        hex::decode(hex.replace([' ', '\n'], "")).unwrap()
    }

    #[test]
    fn the_published_vectors_are_read() {
        let request = Message::parse(&octets(REQUEST)).unwrap();
        assert_eq!((request.class, request.method), (Class::Request, BINDING));
        assert_eq!(request.software.as_deref(), Some("STUN test client"));
        assert_eq!(request.fingerprint, Fingerprint::Valid);
        // PRIORITY of ICE is not known here; ICE-CONTROLLED may be passed over.
        assert_eq!(request.unknown, [0x0024]);
        for (hex, mapped) in [(IPV4, "192.0.2.1:32853"), (IPV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")] {
            let answer = Message::parse(&octets(hex)).unwrap();
            assert_eq!((answer.class, answer.fingerprint), (Class::Success, Fingerprint::Valid));
            assert_eq!(answer.mapped, Some(mapped.parse().unwrap()));
            assert_eq!(answer.software.as_deref(), Some("test vector"));
        }
    }

    #[test]
    fn one_altered_octet_shows_in_the_fingerprint() {
        let mut answer = octets(IPV4);
        answer[45] ^= 1;
        assert_eq!(Message::parse(&answer).unwrap().fingerprint, Fingerprint::Wrong);
    }

    #[test]
    fn a_server_of_the_first_standard_is_understood() {
        let mut answer = octets("0101000c2112a442000102030405060708090a0b");
        answer.extend(octets("0001000800010d96cb007107"));
        assert_eq!(Message::parse(&answer).unwrap().mapped, Some("203.0.113.7:3478".parse().unwrap()));
    }

    #[test]
    fn what_is_not_whole_is_told_apart() {
        let whole = octets(IPV4);
        assert_eq!(Message::parse(&whole[..19]), Err(StunError::NotStun));
        assert_eq!(Message::parse(&whole[..40]), Err(StunError::Length));
        let mut rtp = whole.clone();
        rtp[0] |= 0x80;
        assert_eq!(Message::parse(&rtp), Err(StunError::NotStun));
        let mut beyond = whole.clone();
        beyond[23] = 0xff;
        assert_eq!(Message::parse(&beyond), Err(StunError::Attribute));
        let mut many = octets("0001010c2112a442000102030405060708090a0b");
        many.extend([0x80, 0x01, 0, 0].repeat(67));
        assert_eq!(Message::parse(&many), Err(StunError::TooMany));
    }

    #[test]
    fn a_refusal_names_what_it_refuses() {
        let transaction = [7; 12];
        let refusal = refused(transaction, BINDING, 420, &[0x0024, 0x0003]);
        let read = Message::parse(&refusal).unwrap();
        assert_eq!((read.class, read.error, read.transaction), (Class::Error, Some(420), transaction));
        // UNKNOWN-ATTRIBUTES with its two types.
        assert!(refusal.windows(8).any(|octets| octets == [0, 0x0a, 0, 4, 0, 0x24, 0, 3]));
    }

    proptest! {
        #[test]
        fn answers_are_read_back(
            transaction: [u8; 12], address: std::net::IpAddr, port: u16, fingerprinted: bool,
        ) {
            let mapped = SocketAddr::new(address, port);
            let answer = bound(transaction, mapped, fingerprinted);
            let read = Message::parse(&answer).unwrap();
            prop_assert_eq!((read.class, read.method, read.mapped), (Class::Success, BINDING, Some(mapped)));
            let fingerprint = if fingerprinted { Fingerprint::Valid } else { Fingerprint::Absent };
            prop_assert_eq!((read.transaction, read.fingerprint), (transaction, fingerprint));
            for end in 0..answer.len() {
                prop_assert!(Message::parse(&answer[..end]).is_err());
            }
        }

        #[test]
        fn requests_are_read_back(transaction: [u8; 12]) {
            for request in [Request::Binding, Request::Allocate] {
                let read = Message::parse(&request.encode(transaction)).unwrap();
                prop_assert_eq!((read.class, read.method), (Class::Request, request.method()));
                let (software, fingerprint, unknown) = match request {
                    Request::Binding => (Some("truepath"), Fingerprint::Valid, &[][..]),
                    Request::Allocate => (None, Fingerprint::Absent, &[0x000f][..]),
                };
                prop_assert_eq!((read.transaction, read.fingerprint), (transaction, fingerprint));
                prop_assert_eq!((read.software.as_deref(), read.unknown.as_slice()), (software, unknown));
            }
        }

        #[test]
        fn every_message_type_is_split_and_joined(kind in 0_u16..0x4000) {
            let (class, method) = split(kind);
            prop_assert_eq!(join(class, method), kind);
        }

        #[test]
        fn any_octets_are_read_without_harm(
            body in prop::collection::vec(any::<u8>(), 0..600), kind: u16,
        ) {
            let _ = Message::parse(&body);
            // With a header that is right, so that the attributes are reached.
            let length = u16::try_from(body.len()).unwrap();
            let mut datagram = (kind & 0x3fff).to_be_bytes().to_vec();
            datagram.extend(length.to_be_bytes());
            datagram.extend(MAGIC_COOKIE.to_be_bytes());
            datagram.extend([0; 12]);
            datagram.extend(body);
            if let Ok(message) = Message::parse(&datagram) {
                prop_assert!(message.unknown.len() <= ATTRIBUTES_LIMIT);
            }
        }
    }
}
