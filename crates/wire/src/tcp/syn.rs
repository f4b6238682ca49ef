//! A SYN with the IP header in front of it, as an operating system keeps it for a server that asks.
//!
//! In: the octets from the IP header's first one on (IPv4, RFC 791 section 3.1; IPv6, RFC 8200 section 3, with extension
//! headers), then the TCP header with its options (RFC 9293 section 3.1). Out: what tells one network stack from another.
//! Checksums and lengths of the payload are not looked at: the system that kept the segment has accepted it.
//!
//! The list of options is written as passive fingerprinting tools write it, in the order on the wire. An option that has
//! no name here keeps its number. Options that cannot be read to their end give a list that ends with `bad`, because the
//! segment was accepted all the same, and a stack that writes such options is worth knowing.

use core::fmt::Write;

use model::Syn;

use crate::reader::Reader;

/// Extension headers of IPv6 that are walked; each type occurs once, the destination options twice (RFC 8200 section 4.1).
const EXTENSION_HEADERS: usize = 8;

const TCP: u8 = 6;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SynError {
    #[error("the first octet belongs to no version of IP")]
    NotIp,
    #[error("the packet ends within its headers")]
    Short,
    #[error("the packet carries no TCP segment")]
    NotTcp,
    #[error("the segment is no SYN")]
    NotSyn,
}

/// Reads the SYN that opened a connection.
pub fn parse_syn(packet: &[u8]) -> Result<Syn, SynError> {
    let (ttl, segment) = match packet.first().ok_or(SynError::Short)? >> 4 {
        4 => ipv4(packet)?,
        6 => ipv6(packet)?,
        _ => return Err(SynError::NotIp),
    };
    let mut reader = Reader::new(segment);
    let _ports_and_sequence_numbers = reader.take(12).ok_or(SynError::Short)?;
    let data_offset = usize::from(reader.u8().ok_or(SynError::Short)? >> 4) * 4;
    let flags = reader.u8().ok_or(SynError::Short)?;
    let window = reader.u16().ok_or(SynError::Short)?;
    let _checksum_and_urgent_pointer = reader.take(4).ok_or(SynError::Short)?;
    if flags & (SYN | ACK) != SYN {
        return Err(SynError::NotSyn);
    }
    let options = segment.get(20..data_offset).ok_or(SynError::Short)?;
    Ok(syn_of(ttl, window, options))
}

/// A SYN whose headers were read elsewhere.
pub(crate) fn syn_of(ttl: u8, window: u16, options: &[u8]) -> Syn {
    read_options(options, Syn { ttl, window, options: String::new(), mss: None, window_scale: None })
}

/// Time to live, and what follows the header.
fn ipv4(packet: &[u8]) -> Result<(u8, &[u8]), SynError> {
    let header = packet.get(..20).ok_or(SynError::Short)?;
    let [first, .., ttl, protocol, _, _, _, _, _, _, _, _, _, _] = header else { return Err(SynError::Short) };
    if *protocol != TCP {
        return Err(SynError::NotTcp);
    }
    let length = usize::from(first & 0x0f) * 4;
    // A header of fewer than five words is none (RFC 791 section 3.1).
    let segment = if length < 20 { None } else { packet.get(length..) };
    Ok((*ttl, segment.ok_or(SynError::Short)?))
}

/// Hop limit, and what follows the last extension header.
fn ipv6(packet: &[u8]) -> Result<(u8, &[u8]), SynError> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const DESTINATION_OPTIONS: u8 = 60;
    let mut reader = Reader::new(packet);
    let _version_to_length = reader.take(6).ok_or(SynError::Short)?;
    let mut next = reader.u8().ok_or(SynError::Short)?;
    let hop_limit = reader.u8().ok_or(SynError::Short)?;
    let _addresses = reader.take(32).ok_or(SynError::Short)?;
    for _ in 0..EXTENSION_HEADERS {
        match next {
            TCP => return Ok((hop_limit, reader.rest())),
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                next = reader.u8().ok_or(SynError::Short)?;
                // In words of eight octets, the first one not counted.
                let length = usize::from(reader.u8().ok_or(SynError::Short)?) * 8 + 6;
                let _options = reader.take(length).ok_or(SynError::Short)?;
            }
            _ => return Err(SynError::NotTcp),
        }
    }
    Err(SynError::NotTcp)
}

/// Kinds of options: RFC 9293 section 3.2, RFC 7323 sections 2 and 3, RFC 2018 sections 2 and 3.
fn read_options(options: &[u8], mut syn: Syn) -> Syn {
    let mut reader = Reader::new(options);
    while let Some(kind) = reader.u8() {
        if !syn.options.is_empty() {
            syn.options.push(',');
        }
        if kind == 1 {
            syn.options.push_str("nop");
            continue;
        }
        if kind == 0 {
            // What follows the end of the list is padding.
            let _ = write!(syn.options, "eol+{}", reader.rest().len());
            break;
        }
        let length = reader.u8().map(usize::from).and_then(|length| length.checked_sub(2));
        let Some(value) = length.and_then(|length| reader.take(length)) else {
            syn.options.push_str("bad");
            break;
        };
        match (kind, value) {
            (2, [high, low]) => {
                syn.mss = syn.mss.or(Some(u16::from_be_bytes([*high, *low])));
                syn.options.push_str("mss");
            }
            (3, [scale]) => {
                syn.window_scale = syn.window_scale.or(Some(*scale));
                syn.options.push_str("ws");
            }
            (4, []) => syn.options.push_str("sok"),
            (5, _) => syn.options.push_str("sack"),
            (8, value) if value.len() == 8 => syn.options.push_str("ts"),
            (kind, _) => {
                let _ = write!(syn.options, "?{kind}");
            }
        }
    }
    syn
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(flags: u8, window: u16, options: &[u8]) -> Vec<u8> {
        let mut segment = vec![0xc0, 0x00, 0x01, 0xbb, 1, 2, 3, 4, 0, 0, 0, 0];
        segment.push(u8::try_from((20 + options.len()) / 4).unwrap() << 4);
        segment.push(flags);
        segment.extend(window.to_be_bytes());
        segment.extend([0; 4]);
        segment.extend(options);
        segment
    }

    fn over_ipv4(ttl: u8, segment: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 60, 0, 0, 0x40, 0, ttl, TCP, 0, 0, 192, 0, 2, 1, 198, 51, 100, 1];
        packet.extend(segment);
        packet
    }

    fn over_ipv6(hop_limit: u8, headers: &[u8], first: u8, segment: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 0, first, hop_limit];
        packet.extend([0x20; 32]);
        packet.extend(headers);
        packet.extend(segment);
        packet
    }

    /// As Linux 6.18 sends it: MSS, SACK permitted, timestamps, no-operation, window scale.
    const LINUX: &[u8] = &[2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

    #[test]
    fn a_syn_is_read_over_both_versions_of_ip() {
        let expected = Syn {
            ttl: 57,
            window: 64240,
            options: "mss,sok,ts,nop,ws".to_owned(),
            mss: Some(1460),
            window_scale: Some(7),
        };
        let segment = segment(SYN, 64240, LINUX);
        assert_eq!(parse_syn(&over_ipv4(57, &segment)), Ok(expected.clone()));
        assert_eq!(parse_syn(&over_ipv6(57, &[], TCP, &segment)), Ok(expected.clone()));
        // Hop-by-hop options of 8 octets, then destination options of 16 (RFC 8200 section 4).
        let headers = [[60, 0, 1, 4, 0, 0, 0, 0].as_slice(), &[TCP, 1, 1, 12, 0, 0, 0, 0], &[0; 8]].concat();
        assert_eq!(parse_syn(&over_ipv6(57, &headers, 0, &segment)), Ok(expected.clone()));
        // With explicit congestion notification (RFC 3168 section 6.1.1).
        assert_eq!(parse_syn(&over_ipv4(57, &self::segment(SYN | 0xc0, 64240, LINUX))), Ok(expected));
    }

    #[test]
    fn options_keep_their_order_and_unknown_ones_their_number() {
        for (octets, shown, mss) in [
            (&[][..], "", None),
            (&[2, 4, 0x05, 0x78, 1, 3, 3, 8, 1, 1, 4, 2][..], "mss,nop,ws,nop,nop,sok", Some(1400)),
            (&[2, 4, 0x02, 0x18, 0, 0, 0, 0][..], "mss,eol+3", Some(536)),
            (&[30, 4, 0, 0, 34, 2, 1, 1][..], "?30,?34,nop,nop", None),
            // Lengths that run past the end, and that do not even count themselves (RFC 9293 section 3.1).
            (&[4, 2, 2, 12][..], "sok,bad", None),
            (&[1, 1, 2, 1][..], "nop,nop,bad", None),
            (&[1, 1, 1, 2][..], "nop,nop,nop,bad", None),
            // A maximum segment size of three octets is none.
            (&[2, 5, 1, 1, 1, 1, 1, 1][..], "?2,nop,nop,nop", None),
        ] {
            let syn = parse_syn(&over_ipv4(64, &segment(SYN, 1024, octets))).unwrap();
            assert_eq!((syn.options.as_str(), syn.mss), (shown, mss), "{octets:?}");
        }
    }

    #[test]
    fn what_is_no_syn_says_why() {
        let syn = segment(SYN, 1, LINUX);
        assert_eq!(parse_syn(&[]), Err(SynError::Short));
        assert_eq!(parse_syn(&[0x50; 80]), Err(SynError::NotIp));
        assert_eq!(parse_syn(&over_ipv4(1, &segment(SYN | ACK, 1, &[]))), Err(SynError::NotSyn));
        assert_eq!(parse_syn(&over_ipv4(1, &segment(ACK, 1, &[]))), Err(SynError::NotSyn));
        let mut udp = over_ipv4(1, &syn);
        udp[9] = 17;
        assert_eq!(parse_syn(&udp), Err(SynError::NotTcp));
        let mut short_header = over_ipv4(1, &syn);
        short_header[0] = 0x44;
        assert_eq!(parse_syn(&short_header), Err(SynError::Short));
        let mut long_options = over_ipv4(1, &syn);
        long_options[32] = 0xf0;
        assert_eq!(parse_syn(&long_options), Err(SynError::Short));
        let endless = [[0, 0, 0, 0, 0, 0, 0, 0]; 9].concat();
        assert_eq!(parse_syn(&over_ipv6(1, &endless, 0, &syn)), Err(SynError::NotTcp));
    }

    proptest! {
        #[test]
        fn syns_are_read_back(
            ttl: u8, window: u16, mss: u16, scale: u8, is_ipv6: bool, padding in 0_usize..4,
        ) {
            let [high, low] = mss.to_be_bytes();
            let mut options = vec![2, 4, high, low, 3, 3, scale, 1];
            options.extend(vec![1; padding * 4]);
            let segment = segment(SYN, window, &options);
            let packet = if is_ipv6 { over_ipv6(ttl, &[], TCP, &segment) } else { over_ipv4(ttl, &segment) };
            let shown = ["mss,ws,nop", &",nop".repeat(padding * 4)].concat();
            let expected = Syn { ttl, window, options: shown, mss: Some(mss), window_scale: Some(scale) };
            prop_assert_eq!(parse_syn(&packet), Ok(expected));
            for end in 0..packet.len() {
                prop_assert_eq!(parse_syn(&packet[..end]), Err(SynError::Short));
            }
        }

        #[test]
        fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..160), version in 4_u8..7) {
            let mut octets = octets;
            if let Some(first) = octets.first_mut() {
                *first = version << 4 | *first & 0x0f;
            }
            if let Ok(syn) = parse_syn(&octets) {
                // At most 40 octets of options, each of which says at most "?255,".
                prop_assert!(syn.options.len() <= 40 * 5);
            }
        }
    }
}
