//! Variable-length integers (RFC 9000 section 16).

use crate::reader::Reader;

/// The next integer; 1, 2, 4 or 8 octets as its first two bits say.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<u64> {
    let first = *reader.rest().first()?;
    let octets = reader.take(1 << (first >> 6))?;
    let value = octets.iter().fold(0_u64, |value, octet| (value << 8) | u64::from(*octet));
    let bits = octets.len().checked_mul(8)?.checked_sub(2)?;
    Some(value & !(u64::MAX << bits))
}

/// A field with its length in front.
pub(crate) fn vector<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = read(reader)?;
    reader.take(usize::try_from(length).ok()?)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The shortest form of at least `octets`.
    pub(crate) fn write(value: u64, octets: usize, out: &mut Vec<u8>) {
        let (form, length) = match value {
            _ if value >= 1 << 30 || octets > 4 => (3_u8, 8),
            _ if value >= 1 << 14 || octets > 2 => (2, 4),
            _ if value >= 1 << 6 || octets > 1 => (1, 2),
            _ => (0, 1),
        };
        let start = out.len();
        out.extend(&value.to_be_bytes()[8 - length..]);
        out[start] |= form << 6;
    }

    /// RFC 9000 appendix A.1.
    #[test]
    fn examples_of_the_standard() {
        for (octets, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            assert_eq!(read(&mut Reader::new(octets)), Some(value));
            assert_eq!(read(&mut Reader::new(&octets[..octets.len() - 1])), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in 0..1_u64 << 62, octets in 1_usize..=8) {
            let mut out = Vec::new();
            write(value, octets, &mut out);
            prop_assert_eq!(read(&mut Reader::new(&out)), Some(value));
        }
    }
}
