//! What is compared of a hello.

use model::{HelloFacts, HelloSource};

/// Extensions of one connection and not of the configuration: server_name, ALPN, padding, pre_shared_key, early_data, cookie
/// (IANA, TLS ExtensionType Values).
const OF_THE_CONNECTION: [u16; 6] = [0, 16, 21, 41, 42, 44];

/// The lists of a hello without GREASE and without what one connection decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Features {
    pub(super) cipher_suites: Vec<u16>,
    /// Sorted.
    pub(super) extensions: Vec<u16>,
    pub(super) supported_groups: Vec<u16>,
    pub(super) point_formats: Vec<u16>,
    pub(super) signature_algorithms: Vec<u16>,
    pub(super) supported_versions: Vec<u16>,
    /// False: signature algorithms and versions are not known.
    pub(super) whole: bool,
}

/// What two hellos have to have in common to be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    All,
    /// All but the cipher suites.
    WithoutSuites,
    /// What the text of JA3 has.
    Ja3,
}

impl Features {
    pub(super) fn of(hello: &HelloFacts) -> Self {
        let mut extensions: Vec<u16> = configured(&hello.extensions).collect();
        extensions.sort_unstable();
        Self {
            cipher_suites: plain(&hello.cipher_suites).collect(),
            extensions,
            supported_groups: plain(&hello.supported_groups).collect(),
            point_formats: hello.point_formats.iter().map(|format| u16::from(*format)).collect(),
            signature_algorithms: plain(&hello.signature_algorithms).collect(),
            supported_versions: plain(&hello.supported_versions).collect(),
            whole: hello.source == HelloSource::Octets,
        }
    }

    pub(super) fn equals(&self, other: &Self, scope: Scope) -> bool {
        (scope == Scope::WithoutSuites || self.cipher_suites == other.cipher_suites)
            && (&self.extensions, &self.supported_groups, &self.point_formats)
                == (&other.extensions, &other.supported_groups, &other.point_formats)
            && (scope == Scope::Ja3
                || (&self.signature_algorithms, &self.supported_versions)
                    == (&other.signature_algorithms, &other.supported_versions))
    }

    /// Equal but for what programs turn on and off without configuring the library's lists: session tickets, extended master
    /// secret and authentication after the handshake, and the oldest version.
    pub(super) fn alike(&self, other: &Self) -> bool {
        const SWITCHES: [u16; 3] = [23, 35, 49];
        let fixed = |features: &Self| {
            features.extensions.clone().into_iter().filter(|code| !SWITCHES.contains(code)).collect::<Vec<_>>()
        };
        (&self.cipher_suites, &self.supported_groups, &self.point_formats, &self.signature_algorithms)
            == (&other.cipher_suites, &other.supported_groups, &other.point_formats, &other.signature_algorithms)
            && fixed(self) == fixed(other)
    }

    fn lists(&self) -> [&[u16]; LISTS] {
        [
            &self.cipher_suites,
            &self.extensions,
            &self.supported_groups,
            &self.signature_algorithms,
            &self.supported_versions,
        ]
    }
}

fn plain(list: &[u16]) -> impl Iterator<Item = u16> {
    list.iter().copied().filter(|code| !HelloFacts::is_grease(*code))
}

fn configured(extensions: &[u16]) -> impl Iterator<Item = u16> {
    plain(extensions).filter(|code| !OF_THE_CONNECTION.contains(code))
}

/// Numbers that equal features share, taken without a copy of any list. Whoever makes two hellos with one number gains
/// nothing: lists are compared before anything is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    suites: u64,
    rest: u64,
    signed: u64,
}

impl Keys {
    pub(super) fn of_hello(hello: &HelloFacts) -> Self {
        let formats = hello.point_formats.iter().map(|format| u16::from(*format));
        Self {
            suites: in_order(plain(&hello.cipher_suites)),
            rest: as_set(configured(&hello.extensions))
                ^ both(in_order(plain(&hello.supported_groups)), in_order(formats)),
            signed: both(in_order(plain(&hello.signature_algorithms)), in_order(plain(&hello.supported_versions))),
        }
    }

    pub(super) fn of(features: &Features) -> Self {
        let list = |list: &[u16]| in_order(list.iter().copied());
        Self {
            suites: list(&features.cipher_suites),
            rest: as_set(features.extensions.iter().copied())
                ^ both(list(&features.supported_groups), list(&features.point_formats)),
            signed: both(list(&features.signature_algorithms), list(&features.supported_versions)),
        }
    }

    pub(super) fn key(&self, scope: Scope) -> u64 {
        match scope {
            Scope::All => both(both(self.suites, self.rest), self.signed),
            Scope::WithoutSuites => both(self.rest, self.signed),
            Scope::Ja3 => both(self.suites, self.rest),
        }
    }
}

/// FNV-1a, a code point at a time (the multiplier is that of 64 bits).
fn in_order(codes: impl Iterator<Item = u16>) -> u64 {
    codes.fold(0xcbf2_9ce4_8422_2325, |hash, code| (hash ^ u64::from(code)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn as_set(codes: impl Iterator<Item = u16>) -> u64 {
    codes.fold(0, |sum: u64, code| sum.wrapping_add(both(u64::from(code), 1)))
}

/// Mixes two numbers, of which the second one keeps its place.
fn both(one: u64, two: u64) -> u64 {
    let mixed = (one.rotate_left(25) ^ two).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

const LISTS: usize = 5;
/// How much each list tells of a library: cipher suites, extensions, groups, signature algorithms, versions.
const WEIGHTS: [f32; LISTS] = [0.3, 0.25, 0.2, 0.2, 0.05];
/// The order of these lists is the library's; extensions are shuffled by some.
const ORDERED: [bool; LISTS] = [true, false, true, true, false];
/// Bits of a set. The longest lists have a hundred members, so that few share a bit; two that do look alike a little more.
const BITS: u32 = 9;
const WORDS: usize = 1 << (BITS - 6);

/// One list as a set: a bit for each code point, and one for each two that follow one another where order counts.
#[derive(Clone, Copy, Debug, Default)]
struct Set {
    bits: [u64; WORDS],
    size: u16,
}

/// The lists of a hello as sets, ready to be compared with those of others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sketch {
    lists: [Set; LISTS],
    /// The lists that are known of this hello.
    known: [bool; LISTS],
}

impl Sketch {
    pub(super) fn of(features: &Features, without_suites: bool) -> Self {
        let extensions = features.whole || !features.extensions.is_empty();
        let mut sketch =
            Self { known: [!without_suites, extensions, true, features.whole, features.whole], ..Self::default() };
        for ((set, list), ordered) in sketch.lists.iter_mut().zip(features.lists()).zip(ORDERED) {
            let mut before = None;
            for code in list {
                set.mark(u32::from(*code));
                if let Some(before) = before.replace(u32::from(*code)).filter(|_| ordered) {
                    set.mark((before + 1) << 16 | u32::from(*code));
                }
            }
        }
        sketch
    }

    /// From 0 to 1: the weighted Jaccard distances of the lists that both know. `None`: farther than `most`.
    pub(super) fn distance(&self, other: &Self, most: f32) -> Option<f32> {
        let known = self.known.iter().zip(&other.known).map(|(own, other)| *own && *other);
        let whole: f32 = known.clone().zip(WEIGHTS).map(|(known, weight)| if known { weight } else { 0.0 }).sum();
        let mut sum = 0.0;
        for (((own, other), known), weight) in self.lists.iter().zip(&other.lists).zip(known).zip(WEIGHTS) {
            if known {
                // Most rows are told apart by the number of their cipher suites alone.
                if sum + weight * own.least_distance(other) > most * whole {
                    return None;
                }
                sum += weight * own.distance(other);
                if sum > most * whole {
                    return None;
                }
            }
        }
        (whole > 0.0).then(|| sum / whole)
    }
}

impl Set {
    fn mark(&mut self, value: u32) {
        // Fibonacci hashing: the highest bits of a product with 2^32 divided by the golden ratio.
        let hash = value.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS);
        let bit = 1 << (hash & 63);
        if let Some(word) = usize::try_from(hash >> 6).ok().and_then(|place| self.bits.get_mut(place)) {
            self.size += u16::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// What the distance is at least, whatever they hold: the smaller one can share no more than all of it.
    fn least_distance(&self, other: &Self) -> f32 {
        let (small, large) = (self.size.min(other.size), self.size.max(other.size));
        if large == 0 { 0.0 } else { 1.0 - f32::from(small) / f32::from(large) }
    }

    /// Jaccard's: 1 less the share of what both have in what either has.
    fn distance(&self, other: &Self) -> f32 {
        let both: u32 = self.bits.iter().zip(&other.bits).map(|(own, other)| (own & other).count_ones()).sum();
        let both = u16::try_from(both).unwrap_or(u16::MAX);
        let either = (self.size + other.size).saturating_sub(both);
        if either == 0 { 0.0 } else { 1.0 - f32::from(both) / f32::from(either) }
    }
}
