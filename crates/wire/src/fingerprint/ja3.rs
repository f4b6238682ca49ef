//! JA3: the MD5 of five lists of a ClientHello, in the order in which they came.
//!
//! Published by Salesforce in 2017. Chromium shuffles its extensions since version 110, so that one browser has as many JA3
//! as connections: it is kept for looking things up, and nothing is judged by it.

use core::fmt;

use model::{HelloFacts, HelloSource};

use super::text::{Text, hex};

/// The hash, 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ja3([u8; 32]);

impl Ja3 {
    /// `None` where the source could not tell the extensions.
    pub fn of(facts: &HelloFacts) -> Option<Self> {
        let text = whole(facts)?;
        Some(Self::from_hash(hash(md5::Context::new(), text)))
    }

    /// What is hashed: `771,4865-4866,0-11-10,29-23,0`.
    pub fn text(facts: &HelloFacts) -> Option<String> {
        whole(facts).map(Text::into_string)
    }

    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// From where [`start`] ended.
    pub(super) fn going_on(start: md5::Context, facts: &HelloFacts) -> Self {
        let mut text = Text::new();
        write_rest(facts, &mut text);
        Self::from_hash(hash(start, text))
    }

    fn from_hash(context: md5::Context) -> Self {
        Self(hex(&context.finalize().0))
    }
}

fn whole(facts: &HelloFacts) -> Option<Text<String>> {
    match facts.source {
        HelloSource::Octets | HelloSource::Ja3Text => {}
        HelloSource::SuitesAndGroups => return None,
    }
    let mut text = Text::new();
    write_start(facts, &mut text);
    write_rest(facts, &mut text);
    Some(text)
}

/// The hash up to the cipher suites, which no client shuffles.
pub(super) fn start(facts: &HelloFacts) -> md5::Context {
    let mut text = Text::new();
    write_start(facts, &mut text);
    hash(md5::Context::new(), text)
}

fn hash(mut context: md5::Context, mut text: Text<String>) -> md5::Context {
    match text.finish() {
        Ok(text) => context.consume(text),
        Err(long) => context.consume(long),
    }
    context
}

/// Version and cipher suites; without GREASE (RFC 8701), here and below.
fn write_start(facts: &HelloFacts, text: &mut Text<String>) {
    text.decimal(facts.legacy_version);
    text.decimal_list(&facts.cipher_suites);
}

/// Extensions, groups, point formats.
fn write_rest(facts: &HelloFacts, text: &mut Text<String>) {
    text.decimal_list(&facts.extensions);
    text.decimal_list(&facts.supported_groups);
    text.decimal_list(&facts.point_formats);
}

impl fmt::Display for Ja3 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for Ja3 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ja3({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example in the authors' description: a hello of 2017 with all lists, and one without extensions.
    #[test]
    fn examples_of_the_description() {
        let facts = |text: &str| {
            let mut facts = HelloFacts::default();
            crate::tls::read_ja3_text(text, &mut facts).unwrap();
            facts
        };
        let text = "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
        assert_eq!(Ja3::text(&facts(text)).unwrap(), text);
        assert_eq!(Ja3::of(&facts(text)).unwrap().as_str(), "ada70206e40642a3e4461f35503241d5");
        let text = "769,4-5-10-9-100-98-3-6-19-18-99,,,";
        assert_eq!(Ja3::of(&facts(text)).unwrap().to_string(), "de350869b8c85de67a350c8d186f11e6");
    }

    #[test]
    fn a_hello_without_known_extensions_has_none() {
        let facts = HelloFacts { source: HelloSource::SuitesAndGroups, ..HelloFacts::default() };
        assert_eq!((Ja3::of(&facts), Ja3::text(&facts)), (None, None));
    }

    /// One list at a time with the means of the standard library.
    fn slowly(facts: &HelloFacts) -> String {
        let list = |codes: &[u16]| {
            let kept = codes.iter().filter(|code| !HelloFacts::is_grease(**code)).map(u16::to_string);
            kept.collect::<Vec<_>>().join("-")
        };
        let formats: Vec<String> = facts.point_formats.iter().map(u8::to_string).collect();
        let lists = [list(&facts.cipher_suites), list(&facts.extensions), list(&facts.supported_groups)].join(",");
        format!("{},{lists},{}", facts.legacy_version, formats.join("-"))
    }

    proptest! {
        #[test]
        fn text_and_hash_are_those_of_the_plain_way(facts in super::super::tests::facts()) {
            let text = slowly(&facts);
            prop_assert_eq!(Ja3::text(&facts).unwrap(), &text[..]);
            prop_assert_eq!(Ja3::of(&facts).unwrap().to_string(), format!("{:x}", md5::compute(text)));
        }
    }
}
