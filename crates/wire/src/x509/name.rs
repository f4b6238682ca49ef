//! Distinguished names: as RFC 4514 strings for people, and folded for comparison.
//!
//! A name comes from whoever made the certificate, so nothing in it may reach a terminal as it is: control characters
//! and those that turn the direction of writing are escaped as the octets of their UTF-8 (RFC 4514 section 2.4).

use super::der::{self, DerError, OBJECT_IDENTIFIER, Reader, SEQUENCE, SET};

/// No public name comes near it; a name beyond it is cut and ends in an ellipsis.
const MAX_CHARACTERS: usize = 1024;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
const ORGANISATIONAL_UNIT: &[u8] = &[0x55, 0x04, 0x0b];

/// Short names: RFC 4514 section 3, RFC 4519 section 2, and RFC 2985 section 5.2.1 for emailAddress.
const SHORT_NAMES: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (&[0x55, 0x04, 0x04], "SN"),
    (&[0x55, 0x04, 0x05], "serialNumber"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x09], "STREET"),
    (ORGANISATION, "O"),
    (ORGANISATIONAL_UNIT, "OU"),
    (&[0x55, 0x04, 0x0c], "title"),
    (&[0x55, 0x04, 0x2a], "GN"),
    (&[0x55, 0x04, 0x61], "organizationIdentifier"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01], "UID"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19], "DC"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01], "emailAddress"),
];

/// A name in the order in which it is encoded: least specific part first.
#[derive(Clone, Debug)]
pub(super) struct Name<'a> {
    parts: Vec<Vec<Attribute<'a>>>,
}

#[derive(Clone, Debug)]
struct Attribute<'a> {
    kind: &'a [u8],
    /// Absent where the value is no string.
    text: Option<String>,
    value: &'a [u8],
}

impl<'a> Name<'a> {
    /// Reads the content of an RDNSequence (RFC 5280 section 4.1.2.4).
    pub(super) fn read(content: &'a [u8]) -> Result<Self, DerError> {
        let mut sequence = Reader::new(content);
        let mut parts = Vec::new();
        while !sequence.is_empty() {
            let mut set = sequence.expect(SET)?.inside();
            let mut part = Vec::new();
            while !set.is_empty() {
                let mut attribute = set.expect(SEQUENCE)?.inside();
                let kind = attribute.expect(OBJECT_IDENTIFIER)?.content;
                let value = attribute.next()?;
                attribute.end()?;
                part.push(Attribute { kind, text: read_string(value.tag, value.content), value: value.whole });
            }
            parts.push(part);
        }
        Ok(Self { parts })
    }

    pub(super) fn common_name(&self) -> Option<&str> {
        self.last(COMMON_NAME)
    }

    pub(super) fn organisation(&self) -> Option<&str> {
        self.last(ORGANISATION)
    }

    /// What people call an authority: its common name, or where it has none its unit or organisation.
    pub(super) fn title(&self) -> Option<&str> {
        self.common_name().or_else(|| self.last(ORGANISATIONAL_UNIT)).or_else(|| self.organisation())
    }

    /// The most specific attribute of this kind.
    fn last(&self, kind: &[u8]) -> Option<&str> {
        self.parts.iter().flatten().rev().find(|attribute| attribute.kind == kind)?.text.as_deref()
    }

    /// RFC 4514, most specific part first.
    pub(super) fn to_rfc4514(&self) -> String {
        let parts: Vec<String> = self
            .parts
            .iter()
            .rev()
            .map(|part| part.iter().map(Attribute::to_rfc4514).collect::<Vec<_>>().join("+"))
            .collect();
        cut(parts.join(","))
    }

    /// Equal for names that differ only in string type, letter case or spacing (RFC 5280 section 7.1).
    pub(super) fn folded(&self) -> String {
        let attribute = |a: &Attribute<'_>| {
            format!("{}={}", hex::encode(a.kind), a.text.as_deref().map_or_else(|| hex::encode(a.value), fold))
        };
        self.parts
            .iter()
            .map(|part| part.iter().map(attribute).collect::<Vec<_>>().join("+"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Attribute<'_> {
    fn to_rfc4514(&self) -> String {
        let short = SHORT_NAMES.iter().find(|(kind, _)| *kind == self.kind).map(|(_, name)| *name);
        match (short, &self.text) {
            (Some(name), Some(text)) => format!("{name}={}", escape_value(text)),
            (Some(name), None) => format!("{name}=#{}", hex::encode(self.value)),
            (None, _) => {
                let kind = der::dotted(self.kind).unwrap_or_else(|| hex::encode(self.kind));
                format!("{kind}=#{}", hex::encode(self.value))
            }
        }
    }
}

/// Folds letter case and spacing.
pub(super) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Text from a certificate, safe to print.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        push_printable(&mut printable, character);
    }
    cut(printable)
}

fn escape_value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        let special = match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
            '#' => index == 0,
            ' ' => index == 0 || index == last,
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        push_printable(&mut escaped, character);
    }
    escaped
}

fn push_printable(text: &mut String, character: char) {
    // The format characters that a terminal or page obeys: bidirectional controls (Unicode section 23.2), zero-width
    // characters and the byte order mark.
    let obeyed = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}');
    if character.is_control() || obeyed {
        for octet in character.encode_utf8(&mut [0; 4]).bytes() {
            text.push('\\');
            text.push_str(&hex::encode([octet]));
        }
    } else {
        text.push(character);
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARACTERS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The string types of DirectoryString (RFC 5280 section 4.1.2.4) and those that occur besides.
fn read_string(tag: u8, content: &[u8]) -> Option<String> {
    const UTF8: u8 = 0x0c;
    const NUMERIC: u8 = 0x12;
    const PRINTABLE: u8 = 0x13;
    const TELETEX: u8 = 0x14;
    const IA5: u8 = 0x16;
    const VISIBLE: u8 = 0x1a;
    const UNIVERSAL: u8 = 0x1c;
    const BMP: u8 = 0x1e;
    match tag {
        UTF8 | NUMERIC | PRINTABLE | IA5 | VISIBLE => core::str::from_utf8(content).ok().map(str::to_owned),
        // T.61 proper does not occur; what is labelled so is Latin-1.
        TELETEX => Some(content.iter().map(|&octet| char::from(octet)).collect()),
        BMP => {
            let (units, []) = content.as_chunks::<2>() else { return None };
            char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit))).collect::<Result<_, _>>().ok()
        }
        UNIVERSAL => {
            let (units, []) = content.as_chunks::<4>() else { return None };
            units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREET: &[u8] = &[0x55, 0x04, 0x09];

    fn encode(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        attributes
            .iter()
            .flat_map(|(kind, tag, text)| {
                let kind = der::encode(OBJECT_IDENTIFIER, &[kind]);
                let value = der::encode(*tag, &[text]);
                der::encode(SET, &[&der::encode(SEQUENCE, &[&kind, &value])])
            })
            .collect()
    }

    #[test]
    fn names_read_as_rfc_4514_says() {
        let check = |attributes: &[(&[u8], u8, &[u8])], text: &str| {
            assert_eq!(Name::read(&encode(attributes)).unwrap().to_rfc4514(), text);
        };
        check(
            &[(&[0x55, 0x04, 0x06], 0x13, b"XX"), (ORGANISATION, 0x0c, b"A, B"), (COMMON_NAME, 0x0c, b"#1 ")],
            r"CN=\#1\ ,O=A\, B,C=XX",
        );
        check(&[(COMMON_NAME, 0x1e, &[0x20, 0x1c, 0x00, b'x'])], "CN=\u{201c}x");
        check(&[(COMMON_NAME, 0x14, &[0xfc])], "CN=ü");
        check(&[(COMMON_NAME, 0x0c, b"a\x1b[31m\n")], r"CN=a\1b[31m\0a");
        check(&[(COMMON_NAME, 0x0c, "x\u{202e}y".as_bytes())], r"CN=x\e2\80\aey");
        check(&[(COMMON_NAME, 0x0c, &[0xff])], "CN=#0c01ff");
        check(&[(&[0x2b, 0x01], 0x0c, b"v")], "1.3.1=#0c0176");
        check(&[], "");
    }

    #[test]
    fn long_names_are_cut() {
        let name = encode(&[(STREET, 0x0c, "ä".repeat(5000).as_bytes())]);
        let text = Name::read(&name).unwrap().to_rfc4514();
        assert_eq!(text.chars().count(), MAX_CHARACTERS + 1);
        assert!(text.ends_with("ä…"));
    }

    #[test]
    fn names_that_look_the_same_fold_the_same() {
        let one = encode(&[(COMMON_NAME, 0x13, b"DigiCert Global  Root G2")]);
        let other = encode(&[(COMMON_NAME, 0x0c, b"digicert global root g2 ")]);
        assert_eq!(Name::read(&one).unwrap().folded(), Name::read(&other).unwrap().folded());
    }

    proptest! {
        #[test]
        fn no_value_brings_control_characters(text in ".{0,40}", tag in any::<u8>()) {
            let name = encode(&[(COMMON_NAME, tag & 0x1e, text.as_bytes())]);
            if let Ok(name) = Name::read(&name) {
                prop_assert!(!name.to_rfc4514().chars().any(char::is_control));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(name) = Name::read(&bytes) {
                let _ = (name.to_rfc4514(), name.folded());
            }
        }
    }
}
