//! SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) over whole words.
//!
//! Who sends packets chooses addresses and ports, and could choose them so that all fall into one bucket of a table whose
//! hash is known. The standard library's hasher is the same function, but it gets its key from the operating system, which
//! nothing here may ask: the key is an argument.

use core::hash::{BuildHasher, Hasher};

/// The secret of one run.
#[derive(Clone, Copy)]
pub(in crate::capture) struct SipKey(pub(in crate::capture) [u64; 2]);

impl core::fmt::Debug for SipKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SipKey")
    }
}

impl BuildHasher for SipKey {
    type Hasher = SipHash;

    fn build_hasher(&self) -> SipHash {
        let [k0, k1] = self.0;
        SipHash {
            v: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
            octets: 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(in crate::capture) struct SipHash {
    v: [u64; 4],
    octets: u8,
}

impl SipHash {
    #[inline]
    fn round(&mut self) {
        let [mut v0, mut v1, mut v2, mut v3] = self.v;
        v0 = v0.wrapping_add(v1);
        v1 = v1.rotate_left(13) ^ v0;
        v0 = v0.rotate_left(32);
        v2 = v2.wrapping_add(v3);
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.wrapping_add(v3);
        v3 = v3.rotate_left(21) ^ v0;
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(17) ^ v2;
        v2 = v2.rotate_left(32);
        self.v = [v0, v1, v2, v3];
    }

    #[inline]
    fn word(&mut self, word: u64) {
        let [_, _, _, v3] = &mut self.v;
        *v3 ^= word;
        self.round();
        let [v0, ..] = &mut self.v;
        *v0 ^= word;
    }
}

impl Hasher for SipHash {
    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.word(word);
        self.octets = self.octets.wrapping_add(8);
    }

    /// Octets are padded to words: good for any use within one process, and not what SipHash of the octets would be.
    fn write(&mut self, octets: &[u8]) {
        for chunk in octets.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        let mut end = self.clone();
        end.word(u64::from(self.octets) << 56);
        let [_, _, v2, _] = &mut end.v;
        *v2 ^= 0xff;
        end.round();
        end.round();
        end.round();
        end.v.iter().fold(0, |hash, v| hash ^ v)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The standard library's hasher is SipHash-1-3 with a key of zeros.
        #[test]
        fn with_a_key_of_zeros_it_is_the_standard_one(words in prop::collection::vec(any::<u64>(), 0..8)) {
            let (mut ours, mut standard) = (SipKey([0, 0]).build_hasher(), DefaultHasher::new());
            for word in words {
                ours.write_u64(word);
                standard.write(&word.to_le_bytes());
            }
            prop_assert_eq!(ours.finish(), standard.finish());
        }
    }

    #[test]
    fn the_key_matters() {
        let hashes = [[0, 0], [0, 1], [1, 0]].map(|key| SipKey(key).hash_one(7_u64));
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
    }
}
