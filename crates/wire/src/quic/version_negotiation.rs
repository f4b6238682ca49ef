//! Asks whether anybody speaks QUIC at an address, without a handshake.
//!
//! A long header packet of a version that nobody implements must be answered with a Version Negotiation packet (RFC 9000
//! section 6.1), provided that the datagram is large enough for an Initial. What is read and written here are the
//! version-independent properties alone (RFC 8999 section 5.1 and 6), so the answer of any future version is understood.

use crate::reader::Reader;
use crate::writer::vector8;

/// A version that follows the pattern 0x?a?a?a?a and is thus reserved to force this very answer (RFC 9000 section 15).
pub const RESERVED_VERSION: u32 = 0x1a2a_3a4a;

/// Long header form, and the bit that version 1 fixes to 1 (RFC 9000 section 17.2): some devices drop what lacks it.
const FIRST_OCTET: u8 = 0b1100_0000;

/// Servers drop smaller datagrams that would start a connection (RFC 9000 section 14.1).
const DATAGRAM: usize = 1200;

/// Connection ids of version 1 (RFC 9000 section 17.2). A server need not look at longer ones of unknown versions.
pub const MAX_CONNECTION_ID: usize = 20;

/// A datagram that a QUIC server answers with the versions that it speaks. The ids should be random and at least eight
/// octets long (RFC 9000 section 7.2), so that the answer can be told from a forged one; of longer ones the first 20
/// octets are used.
pub fn probe(dcid: &[u8], scid: &[u8]) -> Vec<u8> {
    let mut datagram = vec![FIRST_OCTET];
    datagram.extend(RESERVED_VERSION.to_be_bytes());
    for id in [dcid, scid] {
        vector8(cut(id), &mut datagram);
    }
    datagram.resize(DATAGRAM, 0);
    datagram
}

/// The versions in the answer to [`probe`] with the same ids, in the order given; `None` where the datagram is no Version
/// Negotiation packet (RFC 9000 section 17.2.1) or answers somebody else. A list that is empty, or in which the probe's
/// own version stands, is none either (section 6.2).
pub fn parse(datagram: &[u8], dcid: &[u8], scid: &[u8]) -> Option<Vec<u32>> {
    let mut reader = Reader::new(datagram);
    let long_header = reader.u8()? & 0x80 != 0;
    let version = reader.u32()?;
    // The server gives the ids back, each in the other's place.
    let (destination, source) = (reader.vector8()?, reader.vector8()?);
    if !long_header || version != 0 || destination != cut(scid) || source != cut(dcid) {
        return None;
    }
    let (chunks, rest) = reader.rest().as_chunks::<4>();
    let versions: Vec<u32> = chunks.iter().copied().map(u32::from_be_bytes).collect();
    (rest.is_empty() && !versions.is_empty() && !versions.contains(&RESERVED_VERSION)).then_some(versions)
}

/// Whether a version is reserved for greasing (RFC 9000 section 15): it stands in a list to keep clients tolerant, and is
/// not spoken.
pub const fn is_reserved(version: u32) -> bool {
    version & 0x0f0f_0f0f == 0x0a0a_0a0a
}

fn cut(id: &[u8]) -> &[u8] {
    id.get(..MAX_CONNECTION_ID).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As RFC 9000 section 17.2.1 draws it.
    fn answer(dcid: &[u8], scid: &[u8], versions: &[u32]) -> Vec<u8> {
        let mut packet = vec![0x80 | 0x35, 0, 0, 0, 0];
        for id in [scid, dcid] {
            vector8(id, &mut packet);
        }
        packet.extend(versions.iter().flat_map(|version| version.to_be_bytes()));
        packet
    }

    #[test]
    fn probe_is_an_invariant_long_header() {
        let probe = probe(b"destination", b"source");
        assert_eq!(probe.len(), 1200);
        assert_eq!(probe[0], 0xc0);
        assert!(is_reserved(u32::from_be_bytes([probe[1], probe[2], probe[3], probe[4]])));
        assert_eq!(&probe[5..24], b"\x0bdestination\x06source");
        assert!(probe[24..].iter().all(|octet| *octet == 0));
        assert_eq!(super::probe(&[7; 300], &[8; 21])[5], 20);
    }

    #[test]
    fn only_the_answer_to_this_probe_counts() {
        let (dcid, scid) = (&b"12345678"[..], &b"abcdefgh"[..]);
        let parse = |packet: &[u8]| parse(packet, dcid, scid);
        assert_eq!(parse(&answer(dcid, scid, &[1, 0x6b33_43cf])), Some(vec![1, 0x6b33_43cf]));
        assert_eq!(parse(&answer(scid, dcid, &[1])), None, "ids must come back swapped");
        assert_eq!(parse(&answer(dcid, scid, &[])), None);
        assert_eq!(parse(&answer(dcid, scid, &[1, RESERVED_VERSION])), None, "RFC 9000 section 6.2");
        let mut short_header = answer(dcid, scid, &[1]);
        short_header[0] &= 0x7f;
        assert_eq!(parse(&short_header), None);
        assert_eq!(parse(&probe(dcid, scid)), None, "an echo of the probe is no answer");
    }

    proptest! {
        #[test]
        fn answers_are_read_back(
            dcid in prop::collection::vec(any::<u8>(), 0..=20),
            scid in prop::collection::vec(any::<u8>(), 0..=20),
            versions in prop::collection::vec(any::<u32>(), 1..40),
        ) {
            prop_assume!(!versions.contains(&RESERVED_VERSION));
            let packet = answer(&dcid, &scid, &versions);
            prop_assert_eq!(parse(&packet, &dcid, &scid), Some(versions));
            for end in 0..packet.len() {
                // A list cut between two versions is still a list.
                if let Some(read) = parse(&packet[..end], &dcid, &scid) {
                    prop_assert_eq!((packet.len() - end) % 4, 0);
                    prop_assert!(!read.is_empty());
                }
            }
        }

        #[test]
        fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&octets, &[], &[]);
            let _ = parse(&octets, &[0; 8], &[0; 8]);
        }
    }
}
