//! Host patterns as endpoint lists write them.
//!
//! Four forms occur in the published lists: an exact name, `*.x`, a star that stands for the beginning of a label
//! (`*-my.sharepoint.com`, `*cdn.onenote.net`), and a star in the middle (`autodiscover.*.onmicrosoft.com`). The vendor
//! documents one half of their meaning: where no tenant name is given, the star stands in its place
//! (`TenantName` of the web service, page of 2025-01-08). The other half is what its own tool does: Get-PacFile writes
//! the patterns unchanged into `shExpMatch`, whose star is any run of characters, dots included. So one rule is enough:
//!
//! **The star stands for any run of characters, dots included, and for none at all.**
//!
//! What follows from it, because a host name has no empty label and no label with a hyphen at either end:
//! - `*.x` matches every depth below `x`, and not `x` itself.
//! - `*-x` needs something before the hyphen, in the same label; labels before that are fine too.
//! - `*x` matches `x` itself, names that end in it within the same label, and everything below it.
//! - `a.*.b` needs one label or more between `a` and `b`.

use core::fmt;

use model::HostName;

use crate::names::excerpt;

/// An exact host name, or one with a single star that does not stand at the end. In lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern {
    text: String,
    /// Octets before the star; `None` for an exact name.
    star: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`: expected a host name, with one star at most that is not its end")]
pub struct InvalidHostPattern(String);

impl HostPattern {
    pub fn parse(text: &str) -> Result<Self, InvalidHostPattern> {
        let invalid = || InvalidHostPattern(excerpt(text));
        // With a letter for its star a pattern is a name, and so it has a name's limits and alphabet.
        let name = HostName::parse(&text.replace('*', "x")).map_err(|_| invalid())?;
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let star = text.find('*');
        let fits = star.is_none_or(|at| at == text.rfind('*').unwrap_or(at) && at + 1 < text.len());
        if fits && name.as_str().len() == text.len() { Ok(Self { text, star }) } else { Err(invalid()) }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_exact(&self) -> bool {
        self.star.is_none()
    }

    /// What a host must begin and end with: `("", "x.y")` for an exact name, which is all of its end.
    pub(crate) fn ends(&self) -> (&str, &str) {
        match self.star {
            None => ("", &self.text),
            Some(star) => (self.text.get(..star).unwrap_or_default(), self.text.get(star + 1..).unwrap_or_default()),
        }
    }

    pub fn matches(&self, host: &HostName) -> bool {
        let host = host.as_str();
        match self.star {
            None => host == self.text,
            Some(_) => {
                let (begin, end) = self.ends();
                host.len() + 1 >= self.text.len() && host.starts_with(begin) && host.ends_with(end)
            }
        }
    }

    /// Of two patterns that match the same host the greater one says more about it: an exact name before any star, then
    /// the one with more literal characters.
    pub(crate) fn specificity(&self) -> usize {
        // No name is as long as 65 536 octets.
        usize::from(self.is_exact()) << 16 | self.text.len()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use model::HostName;

    use super::HostPattern;

    #[test]
    fn each_form_matches_what_it_means() {
        for (pattern, host, matches) in [
            ("teams.microsoft.com", "teams.microsoft.com", true),
            ("teams.microsoft.com", "a.teams.microsoft.com", false),
            ("*.sharepoint.com", "contoso.sharepoint.com", true),
            ("*.sharepoint.com", "a.b.sharepoint.com", true),
            ("*.sharepoint.com", "sharepoint.com", false),
            ("*.sharepoint.com", "evilsharepoint.com", false),
            ("*-my.sharepoint.com", "contoso-my.sharepoint.com", true),
            ("*-my.sharepoint.com", "a.contoso-my.sharepoint.com", true),
            ("*-my.sharepoint.com", "my.sharepoint.com", false),
            ("*cdn.onenote.net", "site-cdn.onenote.net", true),
            ("*cdn.onenote.net", "cdn.onenote.net", true),
            ("*cdn.onenote.net", "a.cdn.onenote.net", true),
            ("*cdn.onenote.net", "onenote.net", false),
            ("autodiscover.*.onmicrosoft.com", "autodiscover.contoso.onmicrosoft.com", true),
            ("autodiscover.*.onmicrosoft.com", "autodiscover.a.b.onmicrosoft.com", true),
            ("autodiscover.*.onmicrosoft.com", "autodiscover.onmicrosoft.com", false),
            ("autodiscover.*.onmicrosoft.com", "contoso.onmicrosoft.com", false),
        ] {
            let parsed = HostPattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(&HostName::parse(host).unwrap()), matches, "{pattern} {host}");
        }
    }

    #[test]
    fn only_names_with_one_star_are_patterns() {
        assert_eq!(HostPattern::parse("*.Office.COM.").unwrap().as_str(), "*.office.com");
        for text in ["", "*", "a.*", "*.*.b", "http://a.b", "a b", "a/b", "-a.b", "a..b", "*.", "*.-a", "é.b"] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
        assert!(HostPattern::parse(&"a.".repeat(200)).is_err());
    }
}
