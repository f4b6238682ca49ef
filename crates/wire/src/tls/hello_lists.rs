//! A ClientHello from the lists that front ends log instead of its octets: nginx `$ssl_ciphers` and `$ssl_curves`, HAProxy
//! `ssl_fc_cipherlist_bin,hex` and its siblings.
//!
//! A list is text of one of two shapes. Octets in hex, two characters each, are the list as it stood on the wire. Members
//! with colons between them are OpenSSL's names, or numbers such as `0x1302` for those that it does not know. A list that
//! is neither is left out, which is not an error: a front end may log `-` for nothing.

use std::collections::HashMap;
use std::sync::LazyLock;

use model::{HelloFacts, HelloSource, ObservedHello};

/// Members of a list beyond this are not read. The longest list of a genuine client has fewer than 200.
const MOST: usize = 1024;

/// Fills `into` with what the lists say; false where they say nothing.
pub fn read_hello_lists(lists: &ObservedHello<'_>, into: &mut HelloFacts) -> bool {
    into.clear();
    into.source = if lists.extensions.is_some() { HelloSource::Ja3Text } else { HelloSource::SuitesAndGroups };
    into.legacy_version = lists.version.unwrap_or_default();
    let of = |text: &'_ Option<model::Text<'_>>, named: fn(&str) -> Option<u16>, list: &mut Vec<u16>| {
        if let Some(text) = text {
            read(text, named, list);
        }
    };
    of(&lists.ciphers, cipher_suite, &mut into.cipher_suites);
    of(&lists.extensions, |_| None, &mut into.extensions);
    of(&lists.groups, group, &mut into.supported_groups);
    if let Some(formats) = &lists.point_formats {
        into.point_formats.extend(octets(formats).into_iter().flatten().take(MOST));
    }
    !into.cipher_suites.is_empty()
}

fn read(text: &str, named: fn(&str) -> Option<u16>, list: &mut Vec<u16>) {
    if let Some(octets) = octets(text) {
        let pairs = octets.collect::<Vec<u8>>();
        list.extend(pairs.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair)).take(MOST));
        return;
    }
    let member = |name: &str| match name.strip_prefix("0x").or_else(|| name.strip_prefix("0X")) {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => named(name),
    };
    // One member that nobody can read would make the list a different one.
    let members: Option<Vec<u16>> = text.split(':').take(MOST).map(member).collect();
    list.extend(members.unwrap_or_default());
}

/// The octets that hex stands for; `None` where the text is anything else.
fn octets(text: &str) -> Option<impl Iterator<Item = u8> + '_> {
    let digits = text.as_bytes();
    let is_hex = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
    is_hex.then(|| digits.as_chunks().0.iter().map(move |[high, low]| value(*high) << 4 | value(*low)))
}

static SUITES: LazyLock<HashMap<&'static str, u16>> = LazyLock::new(|| {
    let rows = include_str!("../../data/openssl-cipher-suites.txt").lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| {
        let (code, name) = row.split_once(' ')?;
        Some((name, u16::from_str_radix(code, 16).ok()?))
    })
    .collect()
});

fn cipher_suite(name: &str) -> Option<u16> {
    SUITES.get(name).copied()
}

/// Groups by OpenSSL's short names, which are older than the registry's.
fn group(name: &str) -> Option<u16> {
    const GROUPS: &[(&str, u16)] = &[
        ("secp224r1", 21),
        ("secp256k1", 22),
        ("prime256v1", 23),
        ("secp384r1", 24),
        ("secp521r1", 25),
        ("brainpoolP256r1", 26),
        ("brainpoolP384r1", 27),
        ("brainpoolP512r1", 28),
        ("X25519", 29),
        ("X448", 30),
        ("ffdhe2048", 256),
        ("ffdhe3072", 257),
        ("ffdhe4096", 258),
        ("ffdhe6144", 259),
        ("ffdhe8192", 260),
        ("X25519MLKEM768", 0x11ec),
    ];
    GROUPS.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use model::Text;
    use proptest::prelude::*;

    use super::*;

    fn facts(lists: &ObservedHello<'_>) -> HelloFacts {
        let mut facts = HelloFacts::default();
        read_hello_lists(lists, &mut facts);
        facts
    }

    #[test]
    fn both_shapes_of_a_list_are_read() {
        let haproxy = facts(&ObservedHello {
            version: Some(771),
            ciphers: Some("1A1A13011302C02B".into()),
            extensions: Some("0000000b000a".into()),
            groups: Some("001d0017".into()),
            point_formats: Some("000102".into()),
        });
        assert_eq!(haproxy.source, HelloSource::Ja3Text);
        assert_eq!(haproxy.cipher_suites, [0x1a1a, 0x1301, 0x1302, 0xc02b]);
        assert_eq!((haproxy.extensions, haproxy.supported_groups), (vec![0, 11, 10], vec![29, 23]));
        assert_eq!(haproxy.point_formats, [0, 1, 2]);

        let nginx = facts(&ObservedHello {
            ciphers: Some("TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256:0x00ff".into()),
            groups: Some("0x11ec:X25519:prime256v1:ffdhe2048".into()),
            ..ObservedHello::default()
        });
        assert_eq!(nginx.source, HelloSource::SuitesAndGroups);
        assert_eq!(nginx.cipher_suites, [0x1302, 0xc02f, 0x00ff]);
        assert_eq!(nginx.supported_groups, [0x11ec, 29, 23, 256]);
    }

    #[test]
    fn what_is_no_list_says_nothing() {
        for text in ["-", "", "no such suite", "AES128-SHA:whatever", "130", "0x1:0x100000"] {
            let lists = ObservedHello { ciphers: Some(text.into()), ..ObservedHello::default() };
            assert!(!read_hello_lists(&lists, &mut HelloFacts::default()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(texts in prop::collection::vec(".{0,80}", 4)) {
            let text = |place: usize| Some(Text::from(texts[place].as_str()));
            let lists = ObservedHello {
                version: None,
                ciphers: text(0),
                extensions: text(1),
                groups: text(2),
                point_formats: text(3),
            };
            facts(&lists);
        }

        #[test]
        fn hex_is_read_back(codes in prop::collection::vec(any::<u16>(), 1..40)) {
            let hex: String = codes.iter().map(|code| format!("{code:04x}")).collect();
            let numbers: Vec<String> = codes.iter().map(|code| format!("0x{code:04x}")).collect();
            for text in [hex, numbers.join(":")] {
                let lists = ObservedHello { ciphers: Some(text.into()), ..ObservedHello::default() };
                prop_assert_eq!(&facts(&lists).cipher_suites, &codes);
            }
        }
    }
}
