//! Files that were written here are read back, in any pieces; every prefix fails cleanly.

use proptest::prelude::*;

use super::*;
use crate::capture::packet::LinkType;
use crate::capture::testing::*;

/// What a reader with all octets at hand gets.
fn read(file: &[u8]) -> (Vec<Stamped>, usize, Result<(), FileError>) {
    let (mut packets, mut bad, mut rest, mut reader) = (Vec::new(), 0, file, File::default());
    loop {
        match reader.step(rest) {
            Ok(Step::Packet(length, packet)) => {
                assert!(packet.octets.len() <= packet.original_length);
                packets.push((u64::try_from(packet.time.unwrap_or(0)).unwrap(), packet.octets.to_vec()));
                rest = &rest[length..];
            }
            Ok(Step::Skip(length)) => match rest.get(length..) {
                Some(behind) => rest = behind,
                None => return (packets, bad, Err(FileError::Truncated("a block"))),
            },
            Ok(Step::Bad(length)) => {
                bad += 1;
                rest = &rest[length..];
            }
            Ok(Step::Need(length)) => {
                assert!(length > rest.len());
                return (packets, bad, reader.end(rest));
            }
            Err(error) => return (packets, bad, Err(error)),
        }
    }
}

fn packets() -> impl Strategy<Value = Vec<Stamped>> {
    let time =
        (0_u64..4_000_000_000, 0_u64..1_000_000).prop_map(|(seconds, micros)| seconds * 1_000_000_000 + micros * 1_000);
    prop::collection::vec((time, prop::collection::vec(any::<u8>(), 0..90)), 0..8)
}

fn check_prefixes(file: &[u8], packets: &[Stamped]) {
    for end in 0..file.len() {
        let (read, _, result) = read(&file[..end]);
        assert!(packets.starts_with(&read), "a prefix of {end} octets");
        // A file may end behind any packet. Everything else is told, and as what it is.
        let is_cut = matches!(result, Err(FileError::Truncated(_) | FileError::Empty | FileError::NotACapture { .. }));
        assert!(result.is_ok() || is_cut, "{result:?}");
    }
}

proptest! {
    #[test]
    fn pcap_is_read_back(big: bool, nanoseconds: bool, packets in packets()) {
        let file = pcap(big, nanoseconds, LinkType::ETHERNET, &packets);
        prop_assert_eq!(read(&file), (packets.clone(), 0, Ok(())));
        check_prefixes(&file, &packets);
    }

    #[test]
    fn pcapng_is_read_back(
        sections in prop::collection::vec((any::<bool>(), packets(), 0_u8..5), 1..3),
    ) {
        let mut file = Vec::new();
        let mut expected = Vec::new();
        for (big, packets, unit) in &sections {
            file.extend(section(*big));
            // Microseconds by default, and in four units by option 9; the second interface of each section has the unit.
            let (octet, per_second) = [(6, 1_000_000), (9, 1_000_000_000), (0, 1), (12, 1_000_000_000_000_u64), (0x94, 1 << 20)][usize::from(*unit)];
            file.extend(interface(*big, LinkType::RAW, &[(2, b"lo"), (0, b"")]));
            file.extend(interface(*big, LinkType::ETHERNET, &[(9, &[octet]), (0, b"")]));
            for (time, octets) in packets {
                // Only what the unit can say; below 2^24 seconds, so that the finest one fits.
                let seconds = time / 1_000_000_000 % (1 << 24);
                file.extend(block(*big, 0x0bad, octets));
                file.extend(enhanced(*big, 1, seconds * per_second, octets));
                expected.push((seconds * 1_000_000_000, octets.clone()));
                file.extend(enhanced(*big, 0, time / 1_000, octets));
                expected.push((*time, octets.clone()));
                // Of an interface that was not described.
                file.extend(enhanced(*big, 2, 0, octets));
            }
        }
        let (read, bad, result) = read(&file);
        prop_assert_eq!((result, bad * 2), (Ok(()), expected.len()));
        prop_assert_eq!(&read, &expected);
        check_prefixes(&file, &expected);
    }

    /// The same packets come out, however the octets go in.
    #[test]
    fn pieces_do_not_matter(packets in packets(), big: bool, lengths in prop::collection::vec(1_usize..200, 1..20)) {
        let mut ng = [section(big), interface(big, LinkType::RAW, &[])].concat();
        ng.extend(packets.iter().flat_map(|(time, octets)| [block(big, 77, &[1; 300]), enhanced(big, 0, *time, octets)]).flatten());
        for file in [pcap(big, false, LinkType::RAW, &packets), ng] {
            let mut inspector = crate::capture::Inspector::new([3, 4], crate::capture::Limits::default());
            let mut rest = file.as_slice();
            for length in lengths.iter().cycle() {
                let (piece, behind) = rest.split_at((*length).min(rest.len()));
                inspector.push(piece);
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
            inspector.finish();
            prop_assert_eq!(inspector.damage(), None);
            prop_assert_eq!(inspector.counts().packets, packets.len() as u64);
            prop_assert_eq!(inspector.counts().octets, file.len() as u64);
        }
    }

    #[test]
    fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..400), kind in 0_usize..4) {
        let start = [pcap(true, false, LinkType::RAW, &[]), section(false), section(true), Vec::new()][kind].clone();
        let _ = read(&[start, octets].concat());
    }
}

#[test]
fn older_blocks_and_offsets() {
    // An offset of one hour (option 14), simple packets and the obsolete block.
    let mut file = section(false);
    file.extend(interface(false, LinkType::RAW, &[(14, &3600_u64.to_le_bytes()), (0, b"")]));
    file.extend(enhanced(false, 0, 5_000_000, b"abc"));
    file.extend(block(false, 3, b"\x03\0\0\0xyz"));
    file.extend(block(false, 2, &[&[0, 0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0][..], b"pq"].concat()));
    let expected =
        vec![(3_605_000_000_000, b"abc".to_vec()), (0, b"xyz".to_vec()), (3_600_000_001_000, b"pq".to_vec())];
    assert_eq!(read(&file), (expected, 0, Ok(())));
}

#[test]
fn what_is_not_read_says_why() {
    let refused = |octets: &[u8]| read(octets).2.unwrap_err().to_string();
    assert_eq!(refused(b""), "the file is empty");
    assert_eq!(refused(b"{}"), "not a capture file; it begins with \"{}\"");
    assert_eq!(refused(b"{\"v\":1}"), "not a capture file; it begins with \"{\\\"v\\\":1}\"");
    for (magic, said) in [
        (
            &[0x34, 0xcd, 0xb2, 0xa1][..],
            "the modified pcap format of 1990s Linux patches, which is not read here: convert it with editcap",
        ),
        (b"snoop\0\0\0", "the snoop format, which is not read here: convert it with editcap"),
    ] {
        assert_eq!(refused(magic), said);
    }
    let mut old = pcap(true, false, LinkType::RAW, &[]);
    old[7] = 2;
    assert_eq!(refused(&old), "pcap version 2.2 is not known");
    let mut long = pcap(false, false, LinkType::RAW, &[]);
    long.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0, 0]);
    assert_eq!(refused(&long), "a packet of 262145 octets");
    let mut behind = [section(true), interface(true, LinkType::RAW, &[])].concat();
    let last = behind.len() - 1;
    behind[last] ^= 4;
    assert_eq!(refused(&behind), "the length behind a block is malformed");
    assert_eq!(refused(&[section(true), vec![0, 0, 0, 9, 0, 0, 0, 13]].concat()), "a block of 13 octets");
}
