//! One datagram of a call.

use crate::reader::Reader;

/// Octets of every datagram, RTP header included.
pub const PACKET: usize = 172;

/// Names a call. Given over TLS, by the reflector, at random.
pub type Token = [u8; 16];
/// Given in the answer to an opening, at random: only who receives at the address that it sends from can know it.
pub type Cookie = [u8; 8];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    pub kind: Kind,
    pub token: Token,
    pub cookie: Cookie,
    pub sequence: u32,
    pub sent_us: u64,
    pub returned_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The client asks for a cookie.
    Opening,
    /// The reflector gives it.
    Opened,
    Voice,
    Echo,
}

const NAME: [u8; 4] = *b"tpc1";
/// Version 2, no padding, no extension, no contributing source (RFC 3550 section 5.1).
const RTP_VERSION: u8 = 0x80;
/// The first payload type that has no meaning of its own (RFC 3551 section 6): this is nobody's codec.
const PAYLOAD_TYPE: u8 = 96;
/// 20 ms at 8 kHz.
const TIMESTAMP_STEP: u32 = 160;

impl Packet {
    pub fn encode(&self) -> [u8; PACKET] {
        let [a, b, c, d, ..] = self.token;
        // RTP's sequence number has 16 bits and begins anew after the last.
        let [_, _, high, low] = self.sequence.to_be_bytes();
        let timestamp = self.sequence.wrapping_mul(TIMESTAMP_STEP).to_be_bytes();
        let kind = match self.kind {
            Kind::Opening => 0,
            Kind::Opened => 1,
            Kind::Voice => 2,
            Kind::Echo => 3,
        };
        let fields = [RTP_VERSION, PAYLOAD_TYPE, high, low]
            .into_iter()
            .chain(timestamp)
            .chain([a, b, c, d])
            .chain(NAME)
            .chain([kind, 0, 0, 0])
            .chain(self.token)
            .chain(self.cookie)
            .chain(self.sequence.to_be_bytes())
            .chain(self.sent_us.to_be_bytes())
            .chain(self.returned_us.to_be_bytes())
            .chain(filler(self.sequence));
        let mut datagram = [0; PACKET];
        for (place, octet) in datagram.iter_mut().zip(fields) {
            *place = octet;
        }
        datagram
    }

    /// `None` where the datagram is none of ours. The filler is not looked at.
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(datagram);
        let [version, payload_type, ..] = reader.array::<12>()?;
        let ours = version == RTP_VERSION && payload_type == PAYLOAD_TYPE && reader.array()? == NAME;
        if !ours || datagram.len() != PACKET {
            return None;
        }
        let kind = match reader.array()? {
            [0, 0, 0, 0] => Kind::Opening,
            [1, 0, 0, 0] => Kind::Opened,
            [2, 0, 0, 0] => Kind::Voice,
            [3, 0, 0, 0] => Kind::Echo,
            _ => return None,
        };
        Some(Self {
            kind,
            token: reader.array()?,
            cookie: reader.array()?,
            sequence: reader.u32()?,
            sent_us: reader.array().map(u64::from_be_bytes)?,
            returned_us: reader.array().map(u64::from_be_bytes)?,
        })
    }
}

/// Octets without end that differ from packet to packet: a compressing device finds nothing to save.
fn filler(sequence: u32) -> impl Iterator<Item = u8> {
    // Numerical Recipes' linear congruential generator; only its high octets are used.
    let mut state = u64::from(sequence);
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [high, ..] = state.to_be_bytes();
        high
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_is_an_rtp_packet() {
        let packet = Packet {
            kind: Kind::Voice,
            token: [0xab; 16],
            cookie: [0xcd; 8],
            sequence: 0x0001_0002,
            sent_us: 3,
            returned_us: 0,
        };
        let datagram = packet.encode();
        assert_eq!(datagram[..12], [0x80, 96, 0, 2, 0, 160, 1, 64, 0xab, 0xab, 0xab, 0xab]);
        assert_eq!(&datagram[12..20], b"tpc1\x02\0\0\0");
        assert!(!crate::stun::is_stun(&datagram));
        let mut distinct = datagram[64..].to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() > 60, "the filler does not compress");
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let packet =
            Packet { kind: Kind::Opening, token: [1; 16], cookie: [0; 8], sequence: 0, sent_us: 0, returned_us: 0 };
        let whole = packet.encode();
        assert_eq!(Packet::parse(&whole), Some(packet));
        for (place, octet) in [(0, 0x81), (1, 0), (12, b'x'), (16, 4), (17, 1)] {
            let mut other = whole;
            other[place] = octet;
            assert_eq!(Packet::parse(&other), None, "octet {place}");
        }
        let mut longer = whole.to_vec();
        longer.push(0);
        assert_eq!(Packet::parse(&longer), None);
    }

    proptest! {
        #[test]
        fn packets_are_read_back(
            kind in prop::sample::select(vec![Kind::Opening, Kind::Opened, Kind::Voice, Kind::Echo]),
            token: [u8; 16], cookie: [u8; 8], sequence: u32, sent_us: u64, returned_us: u64,
        ) {
            let packet = Packet { kind, token, cookie, sequence, sent_us, returned_us };
            let datagram = packet.encode();
            prop_assert_eq!(Packet::parse(&datagram), Some(packet));
            for end in 0..datagram.len() {
                prop_assert_eq!(Packet::parse(&datagram[..end]), None);
            }
        }

        #[test]
        fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Packet::parse(&octets);
        }
    }
}
