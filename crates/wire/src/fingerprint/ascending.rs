//! Code points in ascending order, without comparing them.
//!
//! JA4 sorts two lists of a dozen to a hundred numbers. They come from few rows of 256, since the registries give out their
//! values that way: with a bit for each number of these rows, sorting is setting bits and finding them again, which costs
//! the same however a client shuffled the list.

use model::HelloFacts;

use super::rows::beginnings;

/// The high octets that occur in hellos of the last twenty years, from low to high.
const ROWS: [u8; 12] = [0x00, 0x13, 0x33, 0x44, 0x56, 0x75, 0xc0, 0xca, 0xcc, 0xd0, 0xfe, 0xff];
/// Of the sixteen values of GREASE (RFC 8701), the one in these rows.
const GREASE_IN_A_ROW: u16 = 0xcaca;
const WORDS_IN_A_ROW: usize = 4;
const WORDS: usize = ROWS.len() * WORDS_IN_A_ROW;

/// A set of code points that are all in [`ROWS`].
pub(super) struct Ascending {
    words: [u64; WORDS],
    /// A bit for each word that has any.
    used: u64,
}

impl Ascending {
    pub(super) fn new() -> Self {
        Self { words: [0; WORDS], used: 0 }
    }

    /// Takes all codes but GREASE (RFC 8701). False where one is off the rows or comes twice: that takes sorting of the
    /// usual kind.
    pub(super) fn fill(&mut self, codes: &[u16]) -> bool {
        let mut used = 0;
        let fits = codes.iter().all(|code| {
            let [high, low] = code.to_be_bytes();
            let row = FIRST_WORD.get(usize::from(high)).copied().unwrap_or(u8::MAX);
            let at = usize::from(row) + usize::from(low / 64);
            let Some(word) = self.words.get_mut(at) else { return HelloFacts::is_grease(*code) };
            let bit = 1 << (low % 64);
            let is_new = *word & bit == 0;
            *word |= bit;
            used |= 1 << at;
            is_new
        });
        self.used = used;
        self.remove(GREASE_IN_A_ROW);
        fits
    }

    /// Takes a code out again, if it is there.
    pub(super) fn remove(&mut self, code: u16) {
        let [high, low] = code.to_be_bytes();
        let row = FIRST_WORD.get(usize::from(high)).copied().unwrap_or(u8::MAX);
        let at = usize::from(row) + usize::from(low / 64);
        if let Some(word) = self.words.get_mut(at) {
            *word &= !(1 << (low % 64));
            if *word == 0 {
                self.used &= !(1 << at);
            }
        }
    }

    /// The words that have any, each behind its number: the same for the same set, and another for any other.
    pub(super) fn write(&self, into: &mut Vec<u16>) {
        let mut used = self.used;
        while used != 0 {
            let at = used.trailing_zeros() as usize;
            used &= used - 1;
            let word = self.words.get(at).copied().unwrap_or_default();
            let [a, b, c, d] = [48, 32, 16, 0].map(|shift| narrow((word >> shift) & 0xffff));
            into.extend_from_slice(&[narrow(at as u64), a, b, c, d]);
        }
    }

    /// From low to high.
    #[inline(always)]
    pub(super) fn iter(&self) -> Codes<'_> {
        Codes { words: &self.words, used: self.used, word: 0, start: 0 }
    }
}

pub(super) struct Codes<'a> {
    words: &'a [u64; WORDS],
    /// The words that are still to come.
    used: u64,
    /// What is left of the present one, and the code of its first bit.
    word: u64,
    start: u16,
}

impl Iterator for Codes<'_> {
    type Item = u16;

    #[inline(always)]
    fn next(&mut self) -> Option<u16> {
        if self.word == 0 {
            if self.used == 0 {
                return None;
            }
            let at = self.used.trailing_zeros() as usize;
            self.used &= self.used - 1;
            self.word = *self.words.get(at)?;
            self.start = *START.get(at)?;
        }
        let code = self.start | narrow(self.word.trailing_zeros().into());
        self.word &= self.word.wrapping_sub(1);
        Some(code)
    }
}

/// Of a number that fits.
fn narrow(number: u64) -> u16 {
    u16::try_from(number).unwrap_or_default()
}

/// Where the row of a high octet begins; beyond all words if it has none.
static FIRST_WORD: [u8; 256] = beginnings(ROWS, WORDS_IN_A_ROW);

/// The code of the first bit of each word.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "worked out by the compiler, which refuses an index that is out of range"
)]
static START: [u16; WORDS] = {
    let mut table = [0; WORDS];
    let mut word = 0;
    while word < WORDS {
        table[word] = (ROWS[word / WORDS_IN_A_ROW] as u16) << 8 | (word % WORDS_IN_A_ROW * 64) as u16;
        word += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes() -> impl Strategy<Value = u16> {
        let row = prop::sample::select(ROWS.to_vec());
        prop_oneof![1 => Just(0xcaca), 20 => (row, any::<u8>()).prop_map(|(high, low)| u16::from_be_bytes([high, low])), 1 => any::<u16>()]
    }

    proptest! {
        #[test]
        fn what_fits_comes_back_in_order(codes in prop::collection::vec(codes(), 0..60), without in 0..64u16) {
            let mut sorted: Vec<u16> = codes.iter().copied().filter(|code| !HelloFacts::is_grease(*code)).collect();
            sorted.sort_unstable();
            let repeats = sorted.windows(2).any(|pair| pair[0] == pair[1]);
            let repeats = repeats || codes.iter().filter(|code| **code == GREASE_IN_A_ROW).count() > 1;
            let fits = !repeats && sorted.iter().all(|code| ROWS.contains(&code.to_be_bytes()[0]));
            let mut set = Ascending::new();
            prop_assert_eq!(set.fill(&codes), fits);
            if fits {
                prop_assert!(set.iter().eq(sorted.iter().copied()));
                set.remove(without);
                prop_assert!(set.iter().eq(sorted.iter().copied().filter(|code| *code != without)));
            }
        }
    }

    #[test]
    fn the_rows_ascend_and_hold_one_value_of_grease() {
        assert!(ROWS.is_sorted() && WORDS <= 64);
        let grease = ROWS.iter().map(|high| u16::from_be_bytes([*high; 2])).filter(|code| HelloFacts::is_grease(*code));
        assert_eq!(grease.collect::<Vec<_>>(), [GREASE_IN_A_ROW]);
    }

    #[test]
    fn grease_is_left_out_wherever_it_is() {
        let mut set = Ascending::new();
        assert!(set.fill(&[0xcaca, 0x1a1a, 5, 0xca34]));
        assert!(set.iter().eq([5, 0xca34]));
    }
}
