//! One frame (RFC 6455 section 5.2).

use crate::reader::Reader;

use super::Error;

/// The longest payload of a control frame (RFC 6455 section 5.5).
const MAX_CONTROL: u64 = 125;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
    /// One of the opcodes 0x3 to 0x7 and 0xb to 0xf, which have no meaning.
    Reserved(u8),
}

impl Opcode {
    /// From the low four bits of the first octet; the high ones are not looked at.
    pub fn from_code(code: u8) -> Self {
        match code & 0xf {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            other => Self::Reserved(other),
        }
    }

    pub fn code(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
            Self::Reserved(code) => code & 0xf,
        }
    }

    pub fn is_control(self) -> bool {
        self.code() & 0x8 != 0
    }
}

/// What stands before the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    pub fin: bool,
    pub rsv1: bool,
    pub rsv2: bool,
    pub rsv3: bool,
    pub opcode: Opcode,
    pub mask: Option<[u8; 4]>,
    pub length: u64,
}

impl FrameHeader {
    /// Reads a header from the front of `octets` and says how long it is; `None` where more octets are needed. Checks what
    /// concerns one header alone; who may mask and which bits have a meaning depends on the connection.
    pub fn parse(octets: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        let mut reader = Reader::new(octets);
        let Some([first, second]) = reader.array() else { return Ok(None) };
        let opcode = Opcode::from_code(first);
        if let Opcode::Reserved(code) = opcode {
            return Err(Error::ReservedOpcode(code));
        }
        let fin = first & 0x80 != 0;
        let short = second & 0x7f;
        if opcode.is_control() && (!fin || u64::from(short) > MAX_CONTROL) {
            return Err(Error::Control);
        }
        let (length, least) = match short {
            126 => (reader.u16().map(u64::from), 126),
            127 => (reader.array().map(u64::from_be_bytes), 1 << 16),
            short => (Some(short.into()), 0),
        };
        let Some(length) = length else { return Ok(None) };
        if length < least || length >> 63 != 0 {
            return Err(Error::Length);
        }
        let mask = if second & 0x80 == 0 {
            None
        } else {
            let Some(mask) = reader.array() else { return Ok(None) };
            Some(mask)
        };
        let header = Self {
            fin,
            rsv1: first & 0x40 != 0,
            rsv2: first & 0x20 != 0,
            rsv3: first & 0x10 != 0,
            opcode,
            mask,
            length,
        };
        Ok(Some((header, octets.len().saturating_sub(reader.rest().len()))))
    }

    pub fn encode(&self) -> Vec<u8> {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let first = bit(self.fin, 0x80) | bit(self.rsv1, 0x40) | bit(self.rsv2, 0x20) | bit(self.rsv3, 0x10);
        let masked = bit(self.mask.is_some(), 0x80);
        let mut octets = vec![first | self.opcode.code()];
        match (u8::try_from(self.length), u16::try_from(self.length)) {
            (Ok(short), _) if short < 126 => octets.push(masked | short),
            (_, Ok(middle)) => {
                octets.push(masked | 126);
                octets.extend(middle.to_be_bytes());
            }
            _ => {
                octets.push(masked | 127);
                octets.extend(self.length.to_be_bytes());
            }
        }
        octets.extend(self.mask.iter().flatten());
        octets
    }
}

/// A frame as it came or is to go, its payload not masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub fin: bool,
    pub rsv1: bool,
    pub rsv2: bool,
    pub rsv3: bool,
    pub opcode: Opcode,
    pub payload: Vec<u8>,
}

impl Frame {
    /// A whole message, or a control frame, in one frame.
    pub fn new(opcode: Opcode, payload: Vec<u8>) -> Self {
        Self { fin: true, rsv1: false, rsv2: false, rsv3: false, opcode, payload }
    }

    pub(super) fn header(&self, mask: Option<[u8; 4]>) -> Result<FrameHeader, Error> {
        let length = u64::try_from(self.payload.len()).unwrap_or(u64::MAX);
        match self.opcode {
            Opcode::Reserved(code) => return Err(Error::ReservedOpcode(code)),
            opcode if opcode.is_control() && (!self.fin || length > MAX_CONTROL) => return Err(Error::Control),
            _ => {}
        }
        Ok(FrameHeader {
            fin: self.fin,
            rsv1: self.rsv1,
            rsv2: self.rsv2,
            rsv3: self.rsv3,
            opcode: self.opcode,
            mask,
            length,
        })
    }
}

/// Masks or unmasks a payload (RFC 6455 section 5.3).
pub(super) fn apply_mask(mask: [u8; 4], payload: &mut [u8]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    // Eight octets at a time: two turns of the mask.
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (octet, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *octet ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The examples of RFC 6455 section 5.7.
    #[test]
    fn examples_of_the_standard() {
        let check = |octets: &[u8], opcode, fin, mask, length, header_length| {
            let (header, read) = FrameHeader::parse(octets).unwrap().unwrap();
            assert_eq!((header.opcode, header.fin, header.mask, header.length), (opcode, fin, mask, length));
            assert_eq!(read, header_length);
            assert_eq!(header.encode(), octets[..header_length]);
        };
        check(b"\x81\x05Hello", Opcode::Text, true, None, 5, 2);
        check(b"\x81\x85\x37\xfa\x21\x3d\x7f", Opcode::Text, true, Some([0x37, 0xfa, 0x21, 0x3d]), 5, 6);
        check(b"\x01\x03Hel", Opcode::Text, false, None, 3, 2);
        check(b"\x80\x02lo", Opcode::Continuation, true, None, 2, 2);
        check(b"\x89\x05Hello", Opcode::Ping, true, None, 5, 2);
        check(b"\x82\x7e\x01\x00", Opcode::Binary, true, None, 256, 4);
        check(b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", Opcode::Binary, true, None, 65536, 10);

        let mut payload = *b"\x7f\x9f\x4d\x51\x58";
        apply_mask([0x37, 0xfa, 0x21, 0x3d], &mut payload);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn what_the_standard_forbids() {
        for (octets, error) in [
            (&b"\x83\x00"[..], Error::ReservedOpcode(3)),
            (b"\x8f\x00", Error::ReservedOpcode(15)),
            (b"\x09\x00", Error::Control),
            (b"\x88\x7e\x00\x7e", Error::Control),
            (b"\x82\x7e\x00\x7d", Error::Length),
            (b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", Error::Length),
            (b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", Error::Length),
        ] {
            assert_eq!(FrameHeader::parse(octets), Err(error), "{octets:x?}");
        }
    }

    pub(crate) fn header() -> impl Strategy<Value = FrameHeader> {
        let opcode = prop::sample::select(vec![0x0u8, 0x1, 0x2, 0x8, 0x9, 0xa]);
        let length = prop_oneof![0..200u64, 0..70_000u64, 0..1u64 << 63];
        (any::<[bool; 4]>(), opcode, any::<Option<[u8; 4]>>(), length).prop_map(
            |([fin, rsv1, rsv2, rsv3], code, mask, length)| {
                let opcode = Opcode::from_code(code);
                let control = opcode.is_control();
                let length = if control { length % 126 } else { length };
                FrameHeader { fin: fin || control, rsv1, rsv2, rsv3, opcode, mask, length }
            },
        )
    }

    proptest! {
        #[test]
        fn headers_are_read_back_and_never_early(header in header()) {
            let octets = header.encode();
            prop_assert_eq!(FrameHeader::parse(&octets), Ok(Some((header, octets.len()))));
            for end in 0..octets.len() {
                prop_assert_eq!(FrameHeader::parse(&octets[..end]), Ok(None));
            }
        }

        #[test]
        fn masking_twice_is_nothing(mask in any::<[u8; 4]>(), payload in prop::collection::vec(any::<u8>(), 0..70)) {
            let mut masked = payload.clone();
            apply_mask(mask, &mut masked);
            for (index, octet) in masked.iter().enumerate() {
                prop_assert_eq!(*octet, payload[index] ^ mask[index % 4]);
            }
            apply_mask(mask, &mut masked);
            prop_assert_eq!(masked, payload);
        }
    }
}
