//! Numbers in decimal digits, as JA3 writes them: by table where they are those that clients send.

use model::HelloFacts;

use super::rows::beginnings;

/// The high octets of what clients send: cipher suites, extensions, groups, versions.
const ROWS: [u8; 13] = [0x00, 0x01, 0x03, 0x11, 0x13, 0x33, 0x44, 0x63, 0xc0, 0xca, 0xcc, 0xfe, 0xff];

/// The digits of a number in a row, the first one in the lowest octet, and how many they are.
#[inline(always)]
pub(super) fn known(number: u16) -> Option<(u64, usize)> {
    let [high, low] = number.to_be_bytes();
    let row = ROW.get(usize::from(high)).copied().unwrap_or(u8::MAX);
    let entry = TEXT.get(usize::from(row))?.get(usize::from(low))?;
    if *entry == 0 {
        return None;
    }
    Some((entry & 0xff_ffff_ffff, (entry >> 56) as usize))
}

/// The same for any other number, and nothing for GREASE (RFC 8701).
#[cold]
pub(super) fn unknown(number: u16) -> Option<(u64, usize)> {
    (!HelloFacts::is_grease(number)).then(|| digits(number))
}

pub(super) const fn digits(number: u16) -> (u64, usize) {
    let (mut digits, mut length, mut rest) = (0, 0, number);
    loop {
        digits = digits << 8 | (b'0' as u64 + (rest % 10) as u64);
        length += 1;
        rest /= 10;
        if rest == 0 {
            return (digits, length);
        }
    }
}

/// Which row is that of a high octet.
static ROW: [u8; 256] = beginnings(ROWS, 1);

/// Digits in the five lower octets, their number in the highest one; nothing for GREASE.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "worked out by the compiler, which refuses an index that is out of range"
)]
static TEXT: [[u64; 256]; ROWS.len()] = {
    let mut table = [[0; 256]; ROWS.len()];
    let mut at = 0;
    while at < 256 * ROWS.len() {
        let (row, low) = (at / 256, at % 256);
        let number = (ROWS[row] as u16) << 8 | low as u16;
        if !HelloFacts::is_grease(number) {
            let (digits, length) = digits(number);
            table[row][low] = digits | (length as u64) << 56;
        }
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_written_as_the_standard_library_writes_it() {
        for number in 0..=u16::MAX {
            let expected = (!HelloFacts::is_grease(number)).then(|| number.to_string());
            let written = known(number).or_else(|| unknown(number));
            let text =
                written.map(|(digits, length)| String::from_utf8(digits.to_le_bytes()[..length].to_vec()).unwrap());
            assert_eq!(text, expected);
        }
    }
}
