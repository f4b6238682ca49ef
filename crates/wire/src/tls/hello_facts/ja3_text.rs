//! The text that JA3 hashes: what an edge logs that cannot give the octets.
//!
//! `771,4865-4866,0-11-10,29-23,0`: the version of the message, then cipher suites, extensions, groups and point formats,
//! each list in decimal and possibly empty. Some writers leave GREASE out, as JA3 asks for, and some do not.

use model::{HelloFacts, HelloSource};

use super::super::Error;

/// Longer than any text that a hello of the accepted 64 KiB can give without being made up: that would have 10 000 code
/// points.
const MAX_TEXT: usize = 64 * 1024;

/// Fills what the text tells, and empties the rest. All that follows from it says so: [`HelloSource::Ja3Text`].
pub fn read_ja3_text(text: &str, into: &mut HelloFacts) -> Result<(), Error> {
    into.clear();
    let result = read(text, into);
    if result.is_err() {
        into.clear();
    }
    into.source = HelloSource::Ja3Text;
    result
}

fn read(text: &str, into: &mut HelloFacts) -> Result<(), Error> {
    if text.len() > MAX_TEXT {
        return Err(Error::TooLarge { what: "the JA3 text", limit: MAX_TEXT });
    }
    let mut fields = text.as_bytes().split(|octet| *octet == b',');
    let mut field = |name| fields.next().ok_or(Error::Truncated(name));
    let version = field("the version of the JA3 text")?;
    into.legacy_version = number(version).ok_or(Error::Malformed("the version of the JA3 text"))?;
    list(field("the cipher suites of the JA3 text")?, &mut into.cipher_suites)
        .filter(|()| !into.cipher_suites.is_empty())
        .ok_or(Error::Malformed("the cipher suites of the JA3 text"))?;
    list(field("the extensions of the JA3 text")?, &mut into.extensions)
        .ok_or(Error::Malformed("the extensions of the JA3 text"))?;
    list(field("the groups of the JA3 text")?, &mut into.supported_groups)
        .ok_or(Error::Malformed("the groups of the JA3 text"))?;
    list(field("the point formats of the JA3 text")?, &mut into.point_formats)
        .ok_or(Error::Malformed("the point formats of the JA3 text"))?;
    match fields.next() {
        None => Ok(()),
        Some(_) => Err(Error::Malformed("the end of the JA3 text")),
    }
}

fn list<N: TryFrom<u16>>(field: &[u8], into: &mut Vec<N>) -> Option<()> {
    if field.is_empty() {
        return Some(());
    }
    for digits in field.split(|octet| *octet == b'-') {
        into.push(N::try_from(number(digits)?).ok()?);
    }
    Some(())
}

/// One to five decimal digits.
fn number(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u16, |number, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fingerprint::Ja3;

    fn check(text: &str, expected: Result<(), Error>) {
        let mut facts = HelloFacts { length: 7, ..HelloFacts::default() };
        assert_eq!(read_ja3_text(text, &mut facts), expected, "{text}");
        if expected.is_err() {
            assert_eq!(facts, HelloFacts { source: HelloSource::Ja3Text, ..HelloFacts::default() });
        }
    }

    #[test]
    fn what_is_no_such_text_is_named() {
        check("771,4865-4866,0-11-10,29-23,0", Ok(()));
        check("769,4,,,", Ok(()));
        check("", Err(Error::Malformed("the version of the JA3 text")));
        check("771", Err(Error::Truncated("the cipher suites of the JA3 text")));
        check("771,", Err(Error::Malformed("the cipher suites of the JA3 text")));
        check("771,1-,,,", Err(Error::Malformed("the cipher suites of the JA3 text")));
        check("771,65536,,,", Err(Error::Malformed("the cipher suites of the JA3 text")));
        check("771,1,+1,,", Err(Error::Malformed("the extensions of the JA3 text")));
        check("771,1,,0x1d,", Err(Error::Malformed("the groups of the JA3 text")));
        check("771,1,,,256", Err(Error::Malformed("the point formats of the JA3 text")));
        check("771,1,,", Err(Error::Truncated("the point formats of the JA3 text")));
        check("771,1,,,,", Err(Error::Malformed("the end of the JA3 text")));
        check(&"7".repeat(MAX_TEXT + 1), Err(Error::TooLarge { what: "the JA3 text", limit: MAX_TEXT }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            version in any::<u16>(),
            lists in prop::array::uniform3(prop::collection::vec(
                any::<u16>().prop_filter("GREASE is not written", |code| !HelloFacts::is_grease(*code)),
                1..200,
            )),
            formats in prop::collection::vec(any::<u8>(), 0..5),
        ) {
            let [cipher_suites, extensions, supported_groups] = lists;
            let facts = HelloFacts {
                source: HelloSource::Ja3Text,
                legacy_version: version,
                cipher_suites,
                extensions,
                supported_groups,
                point_formats: formats,
                ..HelloFacts::default()
            };
            let mut read = HelloFacts::default();
            let text = Ja3::text(&facts).unwrap();
            read_ja3_text(&text, &mut read).unwrap();
            prop_assert_eq!(&read, &facts);
            prop_assert_eq!(Ja3::of(&read).unwrap().to_string(), format!("{:x}", md5::compute(text)));
        }

        #[test]
        fn any_text_does_no_harm(text in "[0-9,\\-]{0,60}|.{0,60}") {
            let _ = read_ja3_text(&text, &mut HelloFacts::default());
        }
    }
}
