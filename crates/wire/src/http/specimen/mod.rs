//! Content that both ends of a test know beforehand, so that either can tell whether it was altered on the way: octets that do
//! not compress, a page that compresses well and is full of what devices like to rewrite, and the EICAR test file.
//!
//! The octets are SplitMix64 (Steele, Lea and Flood, 2014) from seed 0, each number in little-endian order.

use flate2::Crc;

/// A page of HTML with absolute links, a script and a form.
pub const PAGE: &str = include_str!("page.html");
/// [`PAGE`] in the content coding `gzip` (RFC 1952), as `gzip -9n` writes it.
pub const PAGE_GZIP: &[u8] = include_bytes!("page.html.gz");

/// `length` octets of the sequence, from its octet `start` on.
pub fn octets(start: u64, length: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity(length.saturating_add(16));
    let mut index = start / 8;
    let skip = usize::try_from(start % 8).unwrap_or_default();
    while octets.len() < length.saturating_add(skip) {
        octets.extend_from_slice(&number(index).to_le_bytes());
        index = index.wrapping_add(1);
    }
    octets.drain(..skip);
    octets.truncate(length);
    octets
}

/// The generator's output number `index`, counted from 0.
fn number(index: u64) -> u64 {
    let z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Text without meaning to anybody, as long as a test pattern that it is held against.
pub fn harmless(length: usize) -> Vec<u8> {
    b"This text is harmless. It is here to be held against another one of the same length. "
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect()
}

/// The EICAR test file: 68 octets that every virus scanner is agreed to report and that do nothing (EICAR, "Anti-Malware
/// Testfile"). It stands here masked, because a scanner would otherwise take this source, or the program built from it, for
/// infected and remove it; the mask passes through `black_box` so that the compiler does not take it off.
pub fn eicar() -> Vec<u8> {
    let mask = std::hint::black_box(MASK);
    MASKED.iter().map(|octet| octet ^ mask).collect()
}

const MASK: u8 = 0x55;
const MASKED: [u8; 68] = [
    0x0d, 0x60, 0x1a, 0x74, 0x05, 0x70, 0x15, 0x14, 0x05, 0x0e, 0x61, 0x09, 0x05, 0x0f, 0x0d, 0x60, 0x61, 0x7d, 0x05,
    0x0b, 0x7c, 0x62, 0x16, 0x16, 0x7c, 0x62, 0x28, 0x71, 0x10, 0x1c, 0x16, 0x14, 0x07, 0x78, 0x06, 0x01, 0x14, 0x1b,
    0x11, 0x14, 0x07, 0x11, 0x78, 0x14, 0x1b, 0x01, 0x1c, 0x03, 0x1c, 0x07, 0x00, 0x06, 0x78, 0x01, 0x10, 0x06, 0x01,
    0x78, 0x13, 0x1c, 0x19, 0x10, 0x74, 0x71, 0x1d, 0x7e, 0x1d, 0x7f,
];

/// An archive of one file that is stored as it is: a local header, the file, and the central directory (APPNOTE.TXT 6.3.10,
/// sections 4.3.7, 4.3.12 and 4.3.16), dated 1980-01-01. `None` where name or content is too long for the format's fields.
pub fn zip(name: &str, content: &[u8]) -> Option<Vec<u8>> {
    const VERSION: u16 = 10;
    const DOS_1980: [u8; 4] = [0, 0, 0x21, 0];
    let mut crc = Crc::new();
    crc.update(content);
    let length = u32::try_from(content.len()).ok()?;
    // What local header and directory have in common: version needed, flags, method, time and date, CRC, sizes, lengths.
    let mut shared = Vec::new();
    shared.extend_from_slice(&VERSION.to_le_bytes());
    shared.extend_from_slice(&[0; 4]);
    shared.extend_from_slice(&DOS_1980);
    shared.extend_from_slice(&crc.sum().to_le_bytes());
    shared.extend_from_slice(&length.to_le_bytes());
    shared.extend_from_slice(&length.to_le_bytes());
    shared.extend_from_slice(&u16::try_from(name.len()).ok()?.to_le_bytes());
    shared.extend_from_slice(&0u16.to_le_bytes());

    let mut archive = [b"PK\x03\x04", &shared[..], name.as_bytes(), content].concat();
    let directory_at = u32::try_from(archive.len()).ok()?;
    archive.extend_from_slice(b"PK\x01\x02");
    archive.extend_from_slice(&VERSION.to_le_bytes());
    archive.extend_from_slice(&shared);
    // No comment, disk 0, no attributes, and the local header at the start of the archive.
    archive.extend_from_slice(&[0; 14]);
    archive.extend_from_slice(name.as_bytes());
    let directory_length = u32::try_from(archive.len()).ok()?.saturating_sub(directory_at);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    archive.extend_from_slice(&directory_length.to_le_bytes());
    archive.extend_from_slice(&directory_at.to_le_bytes());
    archive.extend_from_slice(&0u16.to_le_bytes());
    Some(archive)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use aws_lc_rs::digest::{SHA256, digest};

    use super::*;

    #[test]
    fn the_octets_are_those_of_splitmix64_wherever_they_start() {
        let whole = octets(0, 100);
        // The generator's published first outputs for seed 0.
        assert_eq!(whole[..8], 0xe220_a839_7b1d_cdaf_u64.to_le_bytes());
        assert_eq!(whole[8..16], 0x6e78_9e6a_a1b9_65f4_u64.to_le_bytes());
        for (start, length) in [(0, 0), (0, 1), (3, 7), (8, 8), (9, 20), (15, 85_usize)] {
            let from = usize::try_from(start).unwrap();
            assert_eq!(octets(start, length), whole[from..from + length], "{start} {length}");
        }
    }

    #[test]
    fn the_compressed_page_is_the_page() {
        let mut text = String::new();
        flate2::read::GzDecoder::new(PAGE_GZIP).read_to_string(&mut text).unwrap();
        assert_eq!(text, PAGE);
        assert!(PAGE.len() > 4096 && PAGE.len() > 2 * PAGE_GZIP.len(), "worth compressing");
    }

    /// The published SHA-256 of the file.
    #[test]
    fn the_test_file_is_the_one_that_scanners_know() {
        let sha256 = hex::encode(digest(&SHA256, &eicar()));
        assert_eq!(sha256, "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f");
    }

    /// A scanner must find nothing in what we build: this test's own binary holds everything that the program holds.
    #[test]
    fn no_binary_holds_the_test_file() {
        let (binary, file) = (std::fs::read(std::env::current_exe().unwrap()).unwrap(), eicar());
        let first = file[0];
        let found = binary.iter().enumerate().any(|(at, octet)| *octet == first && binary[at..].starts_with(&file));
        assert!(!found);
    }

    /// The fields that a reader of archives needs, at the offsets that the format gives them.
    #[test]
    fn an_archive_can_be_read() {
        let archive = zip("a.txt", b"content").unwrap();
        let number = |at: usize| u32::from_le_bytes(archive[at..at + 4].try_into().unwrap());
        let end = archive.len() - 22;
        assert_eq!(&archive[end..end + 4], b"PK\x05\x06");
        let (length, directory) = (number(end + 12) as usize, number(end + 16) as usize);
        assert_eq!((directory + length, &archive[directory..directory + 4]), (end, &b"PK\x01\x02"[..]));
        // CRC-32 as `crc32` of zlib gives it, and both sizes.
        assert_eq!((number(14), number(18), number(22)), (0xfec530a9, 7, 7));
        assert_eq!((number(directory + 16), number(directory + 42)), (0xfec530a9, 0));
        assert_eq!(&archive[30..42], b"a.txtcontent");
    }
}
