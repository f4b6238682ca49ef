//! JA4: what a TLS client offers, in a form that does not change when it shuffles its extensions.
//!
//! `t13d1516h2_8daaf6152771_e5627efa2ab1`: transport, version, whether a name is asked for, how many cipher suites and
//! extensions, the first protocol; a hash of the cipher suites in ascending order; a hash of the extensions in ascending
//! order and the signature algorithms in theirs. After FoxIO's description (`technical_details/JA4.md`, 2025), which the
//! comments call the description. GREASE (RFC 8701) is ignored wherever it stands.

use core::fmt;

use aws_lc_rs::digest;
use model::{HelloFacts, HelloSource, Transport};

use super::ascending::Ascending;
use super::text::{Sink, Text, digits, hex};

/// The extensions that the first part speaks of already: a client goes by the same name whatever host or protocol it asks
/// for.
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// The fingerprint, 36 ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ja4([u8; 36]);

impl Ja4 {
    /// `None` where the source could not tell all of the hello.
    pub fn of(facts: &HelloFacts, transport: Transport) -> Option<Self> {
        Self::hashed(facts, transport, Order::Ascending)
    }

    /// `ja4_o`: lists in the order of the hello, with the extensions for name and protocol among them.
    pub fn in_original_order(facts: &HelloFacts, transport: Transport) -> Option<Self> {
        Self::hashed(facts, transport, Order::Original)
    }

    /// `ja4_r`: the lists themselves in place of their hashes.
    pub fn raw(facts: &HelloFacts, transport: Transport) -> Option<String> {
        raw(facts, transport, Order::Ascending)
    }

    /// `ja4_ro`: the lists themselves, in the order of the hello.
    pub fn raw_in_original_order(facts: &HelloFacts, transport: Transport) -> Option<String> {
        raw(facts, transport, Order::Original)
    }

    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn hashed(facts: &HelloFacts, transport: Transport, order: Order) -> Option<Self> {
        let start = start(facts, transport, counts(facts))?;
        let suites = hash_suites(facts, order);
        let extensions = hash_extensions(facts, order);
        Some(Self::from_parts(start, suites, extensions))
    }

    pub(super) fn from_parts(start: [u8; 10], suites: [u8; 12], extensions: [u8; 12]) -> Self {
        let mut text = [b'_'; 36];
        let parts: [(usize, &[u8]); 3] = [(0, &start), (11, &suites), (24, &extensions)];
        for (at, part) in parts {
            if let Some(place) = text.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        }
        Self(text)
    }
}

pub(super) fn hash_suites(facts: &HelloFacts, order: Order) -> [u8; 12] {
    let mut text = Text::new();
    write_suites(facts, order, &mut text);
    sha256_12(&mut text)
}

pub(super) fn hash_extensions(facts: &HelloFacts, order: Order) -> [u8; 12] {
    let mut text = Text::new();
    write_extensions(facts, order, &mut text);
    sha256_12(&mut text)
}

/// SHA-256 for text that does not fit its buffer.
struct Sha256(digest::Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

impl Sink for Sha256 {
    fn take(&mut self, text: &[u8]) {
        self.0.update(text);
    }
}

/// The first twelve hexadecimal digits of the hash; zeros where there is nothing to hash.
fn sha256_12(text: &mut Text<Sha256>) -> [u8; 12] {
    let hash = match text.finish() {
        Ok([]) => return [b'0'; 12],
        Ok(text) => digest::digest(&digest::SHA256, text),
        Err(Sha256(context)) => context.finish(),
    };
    hex(hash.as_ref().first_chunk::<6>().unwrap_or(&[0; 6]))
}

fn raw(facts: &HelloFacts, transport: Transport, order: Order) -> Option<String> {
    let mut text: Text<String> = Text::new();
    start(facts, transport, counts(facts))?.into_iter().chain([b'_']).for_each(|character| text.put(character));
    write_suites(facts, order, &mut text);
    text.put(b'_');
    write_extensions(facts, order, &mut text);
    Some(text.into_string())
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Original,
}

/// The first part, which people read; `None` where the facts are not those of a whole hello. `counts`: of the cipher suites
/// and the extensions, GREASE left out.
pub(super) fn start(facts: &HelloFacts, transport: Transport, counts: [usize; 2]) -> Option<[u8; 10]> {
    match facts.source {
        HelloSource::Octets => {}
        HelloSource::Ja3Text | HelloSource::SuitesAndGroups => return None,
    }
    let transport = match transport {
        Transport::Tcp => b't',
        Transport::Quic => b'q',
    };
    let offered = facts.supported_versions.iter().copied().filter(|version| !HelloFacts::is_grease(*version)).max();
    let [version_a, version_b] = version(offered.unwrap_or(facts.legacy_version));
    let name = if facts.has_extension(SERVER_NAME) { b'd' } else { b'i' };
    let [[suites_a, suites_b], [extensions_a, extensions_b]] = counts.map(two_digits);
    let [protocol_a, protocol_b] = protocol(facts);
    Some([
        transport,
        version_a,
        version_b,
        name,
        suites_a,
        suites_b,
        extensions_a,
        extensions_b,
        protocol_a,
        protocol_b,
    ])
}

/// DTLS versions are in the description, and a hello over TCP may name them as well as any number.
fn version(code: u16) -> [u8; 2] {
    *match code {
        0x0304 => b"13",
        0x0303 => b"12",
        0x0302 => b"11",
        0x0301 => b"10",
        0x0300 => b"s3",
        0x0002 => b"s2",
        0xfeff => b"d1",
        0xfefd => b"d2",
        0xfefc => b"d3",
        _ => b"00",
    }
}

fn counts(facts: &HelloFacts) -> [usize; 2] {
    [&facts.cipher_suites, &facts.extensions]
        .map(|codes| codes.iter().filter(|code| !HelloFacts::is_grease(**code)).count())
}

/// At most 99.
fn two_digits(count: usize) -> [u8; 2] {
    let count = u8::try_from(count).unwrap_or(u8::MAX).min(99);
    [b'0' + count / 10, b'0' + count % 10]
}

/// The first and the last character of the first protocol, or of its octets in hexadecimal digits where either is not
/// alphanumeric.
fn protocol(facts: &HelloFacts) -> [u8; 2] {
    let is_grease = |name: &[u8]| matches!(name, [a, b] if HelloFacts::is_grease(u16::from_be_bytes([*a, *b])));
    let Some(name) = facts.alpn().find(|name| !is_grease(name)) else { return *b"00" };
    match (name.first(), name.last()) {
        (Some(first), Some(last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => [*first, *last],
        (Some(first), Some(last)) => {
            let ([first, _], [_, last]) = (digits(*first).to_le_bytes(), digits(*last).to_le_bytes());
            [first, last]
        }
        _ => *b"00",
    }
}

fn write_suites(facts: &HelloFacts, order: Order, text: &mut Text<impl Sink>) {
    match order {
        Order::Original => write_as_they_came(&facts.cipher_suites, text),
        Order::Ascending => write_ascending(&facts.cipher_suites, &[], text),
    }
}

/// The extensions, and after an underscore the signature algorithms if there are any.
fn write_extensions(facts: &HelloFacts, order: Order, text: &mut Text<impl Sink>) {
    match order {
        Order::Original => write_as_they_came(&facts.extensions, text),
        Order::Ascending => write_ascending(&facts.extensions, &[SERVER_NAME, ALPN], text),
    }
    if facts.signature_algorithms.iter().any(|code| !HelloFacts::is_grease(*code)) {
        text.put(b'_');
        write_as_they_came(&facts.signature_algorithms, text);
    }
}

fn write_as_they_came(codes: &[u16], text: &mut Text<impl Sink>) {
    text.hexadecimal_list(codes.iter().copied().filter(|code| !HelloFacts::is_grease(*code)));
}

/// All but some codes.
fn write_ascending(codes: &[u16], without: &[u16], text: &mut Text<impl Sink>) {
    let mut set = Ascending::new();
    if set.fill(codes) {
        without.iter().for_each(|code| set.remove(*code));
        text.hexadecimal_list(set.iter());
    } else {
        let is_kept = |code: &u16| !HelloFacts::is_grease(*code) && !without.contains(code);
        let mut codes: Vec<u16> = codes.iter().copied().filter(is_kept).collect();
        codes.sort_unstable();
        text.hexadecimal_list(codes.into_iter());
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ja4({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The hello of the description's own example.
    fn example() -> HelloFacts {
        HelloFacts {
            legacy_version: 0x0303,
            cipher_suites: vec![
                0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
                0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x4a4a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
                0xff01, 0x000b, 0x000a, 0xdada, 0x0015,
            ],
            signature_algorithms: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            supported_versions: vec![0xfafa, 0x0304, 0x0303],
            alpn_octets: b"\x02h2\x08http/1.1".to_vec(),
            ..HelloFacts::default()
        }
    }

    fn ja4(facts: &HelloFacts) -> String {
        Ja4::of(facts, Transport::Tcp).unwrap().to_string()
    }

    #[test]
    fn examples_of_the_description() {
        let mut facts = example();
        assert_eq!(ja4(&facts), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert_eq!(
            Ja4::raw(&facts, Transport::Tcp).unwrap(),
            "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
             0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_\
             0403,0804,0401,0503,0805,0501,0806,0601"
        );
        assert_eq!(
            Ja4::raw_in_original_order(&facts, Transport::Tcp).unwrap(),
            "t13d1516h2_1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035_\
             001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015_\
             0403,0804,0401,0503,0805,0501,0806,0601"
        );
        assert_eq!(
            Ja4::in_original_order(&facts, Transport::Tcp).unwrap().as_str(),
            "t13d1516h2_acb858a92679_18f69afefd3d"
        );
        facts.signature_algorithms.clear();
        assert_eq!(ja4(&facts), "t13d1516h2_8daaf6152771_6d807ffa2a79");
    }

    #[test]
    fn empty_lists_are_zeros() {
        let facts = HelloFacts {
            legacy_version: 0x0301,
            cipher_suites: vec![0x0a0a],
            extensions: vec![0, 16, 0x1a1a],
            ..HelloFacts::default()
        };
        assert_eq!(ja4(&facts), "t10d000200_000000000000_000000000000");
        assert_eq!(Ja4::raw(&facts, Transport::Quic).unwrap(), "q10d000200__");
    }

    #[test]
    fn the_first_protocol_as_the_description_has_it() {
        for (octets, expected) in [
            (&b""[..], "00"),
            (b"\x00\x02h2", "00"),
            (b"\x08http/1.1", "h1"),
            (b"\x01x", "xx"),
            (b"\x01\xab", "ab"),
            (b"\x02\xab\xcd", "ad"),
            (b"\x02\x30\xab", "3b"),
            (b"\x04\x30\x31\xab\xcd", "3d"),
            (b"\x04\x30\xab\xcd\x31", "01"),
            (b"\x02\x3a\x3a\x02h2", "h2"),
        ] {
            let facts = HelloFacts { alpn_octets: octets.to_vec(), ..example() };
            assert_eq!(ja4(&facts)[8..10], *expected, "{octets:x?}");
        }
    }

    #[test]
    fn versions_and_counts() {
        for (code, expected) in [(0x0304, "13"), (0x0300, "s3"), (0x0002, "s2"), (0xfefd, "d2"), (0x7f1c, "00")] {
            let facts = HelloFacts { supported_versions: vec![], legacy_version: code, ..example() };
            assert_eq!(ja4(&facts)[1..3], *expected);
        }
        let facts = HelloFacts { cipher_suites: (0x100..0x200).collect(), extensions: vec![0; 100], ..example() };
        assert_eq!(ja4(&facts)[..8], *"t13d9999");
        let facts = HelloFacts { extensions: vec![5; 9], ..example() };
        assert_eq!(ja4(&facts)[..8], *"t13i1509");
    }

    #[test]
    fn a_hello_that_is_known_in_part_has_none() {
        for source in [HelloSource::Ja3Text, HelloSource::SuitesAndGroups] {
            let facts = HelloFacts { source, ..example() };
            assert_eq!((Ja4::of(&facts, Transport::Tcp), Ja4::raw(&facts, Transport::Tcp)), (None, None));
        }
    }

    /// From the raw text, with the means of the standard library.
    fn slowly(facts: &HelloFacts, order: Order) -> (String, String) {
        let list = |codes: &[u16], sorted: bool| {
            let mut codes: Vec<u16> = codes.iter().copied().filter(|code| !HelloFacts::is_grease(*code)).collect();
            if sorted {
                codes.retain(|code| !matches!(*code, SERVER_NAME | ALPN));
                codes.sort_unstable();
            }
            codes.iter().map(|code| format!("{code:04x}")).collect::<Vec<_>>().join(",")
        };
        let hash = |text: &str| match text {
            "" => "000000000000".to_owned(),
            text => ::hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))[..12].to_owned(),
        };
        let sorted = order == Order::Ascending;
        // Zero and sixteen are no cipher suites that the generator makes.
        let suites = list(&facts.cipher_suites, sorted);
        let mut extensions = list(&facts.extensions, sorted);
        let algorithms = list(&facts.signature_algorithms, false);
        if !algorithms.is_empty() {
            extensions = format!("{extensions}_{algorithms}");
        }
        let start = String::from_utf8(start(facts, Transport::Quic, counts(facts)).unwrap().to_vec()).unwrap();
        (format!("{start}_{}_{}", hash(&suites), hash(&extensions)), format!("{start}_{suites}_{extensions}"))
    }

    proptest! {
        #[test]
        fn all_forms_are_those_of_the_plain_way(facts in super::super::tests::facts()) {
            let (hashed, raw) = slowly(&facts, Order::Ascending);
            prop_assert_eq!(Ja4::of(&facts, Transport::Quic).unwrap().to_string(), hashed);
            prop_assert_eq!(Ja4::raw(&facts, Transport::Quic).unwrap(), raw);
            let (hashed, raw) = slowly(&facts, Order::Original);
            prop_assert_eq!(Ja4::in_original_order(&facts, Transport::Quic).unwrap().to_string(), hashed);
            prop_assert_eq!(Ja4::raw_in_original_order(&facts, Transport::Quic).unwrap(), raw);
        }
    }
}
