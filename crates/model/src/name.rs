//! Host names, parsed once at the edge.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A host name in lower case without a trailing dot: letters, digits, hyphens and underscores in labels of at most 63
/// octets, at most 253 octets in all (RFC 1123 section 2.1, RFC 1035 section 2.3.4; underscores occur in practice).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct HostName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host name")]
pub struct InvalidHostName(pub String);

impl HostName {
    pub fn parse(text: &str) -> Result<Self, InvalidHostName> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label_fits = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() <= 253 && name.split('.').all(label_fits) {
            Ok(Self(name))
        } else {
            Err(InvalidHostName(text.chars().take(64).collect()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::HostName;

    #[test]
    fn names_are_parsed_once() {
        for (text, parsed) in [
            ("Outlook.Office.com.", Some("outlook.office.com")),
            ("localhost", Some("localhost")),
            ("", None),
            ("a..b", None),
            ("-a.b", None),
            ("a b", None),
            ("*.office.com", None),
        ] {
            assert_eq!(HostName::parse(text).ok().map(|n| n.as_str().to_owned()).as_deref(), parsed, "{text}");
        }
        assert!(HostName::parse(&"a.".repeat(127)).is_ok());
        assert!(HostName::parse(&"a.".repeat(128)).is_err());
    }
}
