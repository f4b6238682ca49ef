//! The name of a cloud instance and the version of a list.

use core::fmt;

use crate::limits;

/// A cloud instance of a service: `worldwide`, `china`, `usgovdod`. A name and not an enum, because new ones appear
/// without notice: the French sovereign cloud did in 2026.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(String);

/// The version of an endpoint list. What the vendor publishes has ten digits, `YYYYMMDDNN`; a list that was put together
/// from other sources has a label of its own, so that it is never mistaken for a published one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} `{text}`: expected 1 to {limit} letters, digits, `.`, `-` or `_`",
    limit = limits::LABEL_BYTES
)]
pub struct InvalidName {
    what: &'static str,
    text: String,
}

impl Instance {
    /// Upper and lower case are the same instance: the vendor writes `USGovDoD` and takes `usgovdod`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        label("instance", text).map(|text| Self(text.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Version {
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        label("version", text).map(|text| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Has the form of a version that the vendor published: a date and a counter of that day.
    pub fn is_published(&self) -> bool {
        let number = |range| self.0.get(range).and_then(|digits: &str| digits.parse::<u32>().ok());
        self.0.len() == 10
            && self.0.bytes().all(|byte| byte.is_ascii_digit())
            && number(4..6).is_some_and(|month| (1..=12).contains(&month))
            && number(6..8).is_some_and(|day| (1..=31).contains(&day))
    }
}

/// A label as it stands in our compact format: no blanks, so that it is one word of a line.
pub(crate) fn label<'a>(what: &'static str, text: &'a str) -> Result<&'a str, InvalidName> {
    let fits = (1..=limits::LABEL_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if fits { Ok(text) } else { Err(InvalidName { what, text: excerpt(text) }) }
}

/// The beginning of a value for an error message, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARACTERS: usize = 80;
    let mut short: String =
        text.chars().take(CHARACTERS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(CHARACTERS).is_some() {
        short.push('…');
    }
    short
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Instance, Version};

    #[test]
    fn published_versions_are_dates_with_a_counter() {
        for (text, published) in [
            ("2025063000", true),
            ("2025063001", true),
            ("2025133000", false),
            ("202506300", false),
            ("reconstructed-2026-08-11", false),
        ] {
            assert_eq!(Version::parse(text).unwrap().is_published(), published, "{text}");
        }
        assert_eq!(
            Version::parse("2025 06").unwrap_err().to_string(),
            "version `2025 06`: expected 1 to 64 letters, digits, `.`, `-` or `_`"
        );
    }

    #[test]
    fn instances_are_compared_without_case() {
        assert_eq!(Instance::parse("USGovDoD").unwrap(), Instance::parse("usgovdod").unwrap());
        assert!(Instance::parse("").is_err());
    }
}
