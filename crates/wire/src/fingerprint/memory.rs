//! Fingerprints of hellos that come again and again.
//!
//! A log has millions of hellos and a few hundred ways to say one. Two thirds of the time that JA3 and JA4 take go into MD5
//! and SHA-256, of texts that were hashed a moment ago. [`Fingerprints`] remembers, and compares the whole of what it
//! remembers: a hash that collides costs time and never gives a wrong answer.
//!
//! A Chromium shuffles its extensions, so that its JA3 is new each time. Its cipher suites still come in one order, with which
//! JA3 starts and of which JA4 has a hash; and in ascending order its extensions are always the same. Each of these is
//! remembered by itself.

use core::fmt;
use core::ops::Range;

use model::{HelloFacts, Transport};

use super::ascending::Ascending;
use super::ja3::{self, Ja3};
use super::ja4::{self, Ja4, Order};

/// How many ways to say hello are remembered, which takes some 300 kB.
const SLOTS: usize = 512;

/// JA3 and JA4 with a memory; one for each thread.
pub struct Fingerprints {
    whole: Memory<(Ja3, Ja4)>,
    /// How JA3 starts, and the second part of JA4.
    suites: Memory<(md5::Context, [u8; 12])>,
    extensions: Memory<[u8; 12]>,
    key: Key,
    extension_key: Vec<u16>,
}

impl Default for Fingerprints {
    fn default() -> Self {
        Self::new()
    }
}

impl Fingerprints {
    pub fn new() -> Self {
        Self {
            whole: Memory::new(),
            suites: Memory::new(),
            extensions: Memory::new(),
            key: Key { codes: [0; _], length: 0, suites: 0..0, extensions_end: 0, algorithms: 0..0 },
            extension_key: Vec::new(),
        }
    }

    /// What [`Ja3::of`] and [`Ja4::of`] give.
    pub fn of(&mut self, facts: &HelloFacts, transport: Transport) -> (Option<Ja3>, Option<Ja4>) {
        let Self { whole, suites, extensions, key, extension_key } = self;
        let Some(start) = key.fill(facts, transport) else { return (Ja3::of(facts), Ja4::of(facts, transport)) };
        let (ja3, ja4) = whole.get_or(hash(key.telling()), key.all(), || {
            let make = || (ja3::start(facts), ja4::hash_suites(facts, Order::Ascending));
            let (ja3, suites) = suites.get_or(hash(key.suites()), key.suites(), make);
            let make = || ja4::hash_extensions(facts, Order::Ascending);
            let mut set = Ascending::new();
            let extensions = if set.fill(&facts.extensions) {
                extension_key.clear();
                set.write(extension_key);
                extension_key.extend_from_slice(key.algorithms());
                extensions.get_or(hash(extension_key), extension_key, make)
            } else {
                make()
            };
            (Ja3::going_on(ja3, facts), Ja4::from_parts(start, suites, extensions))
        });
        (Some(ja3), Some(ja4))
    }
}

/// All that a fingerprint is made of: the version, the five lists without GREASE (RFC 8701) and with one value of GREASE
/// between them, and the first part of JA4.
struct Key {
    codes: [u16; LONGEST],
    length: usize,
    /// The version too.
    suites: Range<usize>,
    extensions_end: usize,
    algorithms: Range<usize>,
}

/// The longest key; the longest one in the corpus has 150. What is longer is worked out each time.
const LONGEST: usize = 256;
const SEPARATOR: u16 = 0x0a0a;

impl Key {
    /// Gives the first part of JA4; `None` where the hello is too long, or there is no JA4.
    fn fill(&mut self, facts: &HelloFacts, transport: Transport) -> Option<[u8; 10]> {
        let HelloFacts { cipher_suites, extensions, supported_groups, signature_algorithms, point_formats, .. } = facts;
        let lists = [cipher_suites, extensions, supported_groups, signature_algorithms].map(Vec::len);
        if lists.into_iter().chain([point_formats.len(), 10]).sum::<usize>() > LONGEST {
            return None;
        }
        let before_suites = self.put(0, [facts.legacy_version].into_iter());
        let after_suites = self.put_list(before_suites, cipher_suites);
        let after_extensions = self.put_list(after_suites, extensions);
        let after_groups = self.put_list(after_extensions, supported_groups);
        let after_algorithms = self.put_list(after_groups, signature_algorithms);
        let at = self.put(after_algorithms, point_formats.iter().copied().map(u16::from));
        self.suites = 0..after_suites;
        self.extensions_end = after_extensions;
        self.algorithms = after_groups..after_algorithms;

        // Each list ends with a separator, which does not count.
        let counts =
            [after_suites - before_suites, after_extensions - after_suites].map(|length| length.saturating_sub(1));
        let start = ja4::start(facts, transport, counts)?;
        let (pairs, _) = start.as_chunks::<2>();
        self.length = self.put(at, pairs.iter().copied().map(u16::from_be_bytes));
        Some(start)
    }

    fn put(&mut self, mut at: usize, codes: impl Iterator<Item = u16>) -> usize {
        for code in codes {
            if let Some(place) = self.codes.get_mut(at) {
                *place = code;
                at += 1;
            }
        }
        at
    }

    /// GREASE stands where it stood last time, so that this branch costs nothing.
    fn put_list(&mut self, at: usize, codes: &[u16]) -> usize {
        let kept = codes.iter().copied().filter(|code| !HelloFacts::is_grease(*code));
        self.put(at, kept.chain([SEPARATOR]))
    }

    fn all(&self) -> &[u16] {
        self.codes.get(..self.length).unwrap_or_default()
    }

    /// The last cipher suites and the extensions: what differs where clients do.
    fn telling(&self) -> &[u16] {
        self.codes.get(self.suites.end.saturating_sub(8)..self.extensions_end).unwrap_or_default()
    }

    fn suites(&self) -> &[u16] {
        self.codes.get(self.suites.clone()).unwrap_or_default()
    }

    fn algorithms(&self) -> &[u16] {
        self.codes.get(self.algorithms.clone()).unwrap_or_default()
    }
}

/// One value for each slot.
///
/// Who comes once does not displace who comes often: a key takes its slot where it asks for it twice with no other key in
/// between. Shuffled hellos would otherwise push out everything else, and cost a copy each.
struct Memory<V> {
    slots: Vec<Slot<V>>,
}

#[derive(Clone)]
struct Slot<V> {
    /// The hash of the key that asked last and was not here.
    asked: u64,
    /// That of the key which is here: most of those that are not are told apart without a look at the key.
    hash: u64,
    key: Vec<u16>,
    value: Option<V>,
}

impl<V: Clone> Memory<V> {
    fn new() -> Self {
        Self { slots: vec![Slot { asked: 0, hash: 0, key: Vec::new(), value: None }; SLOTS] }
    }

    /// `hash`: of the key, or of a part of it that tells most of them apart.
    fn get_or(&mut self, hash: u64, key: &[u16], make: impl FnOnce() -> V) -> V {
        let at = usize::try_from(hash >> 32).unwrap_or_default() % SLOTS;
        let Some(slot) = self.slots.get_mut(at) else { return make() };
        match &slot.value {
            Some(value) if slot.hash == hash && slot.key == key => return value.clone(),
            _ => {}
        }
        let value = make();
        if slot.asked == hash {
            slot.hash = hash;
            slot.key.clear();
            slot.key.extend_from_slice(key);
            slot.value = Some(value.clone());
        }
        slot.asked = hash;
        value
    }
}

/// Multiplicative hashing in two lanes: chosen for speed, since an attacker who makes keys collide gains nothing.
fn hash(key: &[u16]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let word = |codes: &[u16]| codes.iter().fold(0, |word, code| word << 16 | u64::from(*code));
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let (chunks, rest) = key.as_chunks::<8>();
    let (mut even, mut odd) = (key.len() as u64, FACTOR);
    for [a, b, c, d, e, f, g, h] in chunks {
        even = mix(even, word(&[*a, *b, *c, *d]));
        odd = mix(odd, word(&[*e, *f, *g, *h]));
    }
    let (chunk, rest) = rest.split_at_checked(4).unwrap_or((&[], rest));
    even = mix(even, word(chunk));
    odd = mix(odd, word(rest));
    mix(even, odd)
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fingerprints").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use model::HelloSource;

    use super::super::tests::facts;
    use super::*;

    fn afresh(facts: &HelloFacts, transport: Transport) -> (Option<Ja3>, Option<Ja4>) {
        (Ja3::of(facts), Ja4::of(facts, transport))
    }

    proptest! {
        /// The same hellos over and over, whole or with one list of another: what is remembered of one must not be given
        /// for the next.
        #[test]
        fn what_is_remembered_is_what_it_was(
            kinds in prop::collection::vec(facts(), 1..4),
            turns in prop::collection::vec((any::<[prop::sample::Index; 5]>(), any::<bool>(), 0..9u8), 1..40),
        ) {
            let mut fingerprints = Fingerprints::new();
            for (turn, quic, source) in turns {
                let [suites, extensions, groups, algorithms, rest] = turn.map(|index| index.get(&kinds));
                let mut facts = HelloFacts {
                    cipher_suites: suites.cipher_suites.clone(),
                    extensions: extensions.extensions.clone(),
                    supported_groups: groups.supported_groups.clone(),
                    signature_algorithms: algorithms.signature_algorithms.clone(),
                    ..rest.clone()
                };
                facts.source = match source {
                    0 => HelloSource::Ja3Text,
                    1 => HelloSource::SuitesAndGroups,
                    _ => HelloSource::Octets,
                };
                let transport = if quic { Transport::Quic } else { Transport::Tcp };
                prop_assert_eq!(fingerprints.of(&facts, transport), afresh(&facts, transport));
            }
        }
    }

    #[test]
    fn who_comes_often_stays() {
        let mut memory = Memory::new();
        let mut made = 0;
        let mut ask = |key: u16| {
            memory.get_or(hash(&[key]), &[key], || {
                made += 1;
                key
            })
        };
        // Twice, and it is remembered.
        assert_eq!([ask(1), ask(1), ask(1)], [1; 3]);
        // Some of these fall into its slot, none of them twice in a row.
        for other in 2..20_000 {
            assert_eq!(ask(other), other);
        }
        assert_eq!(ask(1), 1);
        assert_eq!(made, 2 + 19_998);
    }

    #[test]
    fn a_code_does_not_move_to_the_next_list_unnoticed() {
        let mut fingerprints = Fingerprints::new();
        let one = HelloFacts { cipher_suites: vec![1, 2], extensions: vec![3], ..HelloFacts::default() };
        let other = HelloFacts { cipher_suites: vec![1], extensions: vec![2, 3], ..HelloFacts::default() };
        for facts in [&one, &other, &one] {
            assert_eq!(fingerprints.of(facts, Transport::Tcp), afresh(facts, Transport::Tcp));
        }
    }
}
