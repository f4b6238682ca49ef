//! Lists of hosts that go past a fixed proxy, as those who wrote them meant them.

use std::net::IpAddr;

use ipnet::IpNet;
use model::HostName;

/// Entries of one list, and characters of each; more is not read.
const ENTRIES_LIMIT: usize = 1_000;
const ENTRY_LIMIT: usize = 256;

/// Whose list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `NO_PROXY` as curl reads it since 7.86: names stand for all below them too, addresses may be networks, a lone
    /// star is everything. GNOME (`GProxyResolver` of GLib) and KDE mean the same and allow `*.` in front.
    Names,
    /// `ProxyOverride` of Windows and `ExceptionsList` of macOS: shell patterns for the whole name, and `<local>` for
    /// names without a dot.
    #[cfg_attr(
        not(any(test, windows, target_os = "macos")),
        expect(dead_code, reason = "only the settings of these systems are such lists")
    )]
    Patterns,
}

#[derive(Clone, Debug)]
pub(super) struct Bypass {
    style: Style,
    entries: Vec<String>,
    /// Everything but the list goes past the proxy.
    reversed: bool,
}

impl Bypass {
    pub(super) fn new<'a>(style: Style, entries: impl IntoIterator<Item = &'a str>) -> Self {
        let entries =
            entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty() && entry.len() <= ENTRY_LIMIT);
        Self { style, entries: entries.take(ENTRIES_LIMIT).map(str::to_owned).collect(), reversed: false }
    }

    #[cfg_attr(
        all(not(test), any(windows, target_os = "macos")),
        expect(dead_code, reason = "only KDE has lists of this kind")
    )]
    pub(super) fn reversed(mut self, reversed: bool) -> Self {
        self.reversed = reversed;
        self
    }

    pub(super) fn shown(&self) -> Vec<String> {
        let everything_but = self.reversed.then(|| EVERYTHING_BUT.to_owned());
        everything_but.into_iter().chain(self.entries.iter().cloned()).collect()
    }

    /// The entry that sends this host past the proxy.
    pub(super) fn entry_for(&self, host: &HostName) -> Option<&str> {
        let entry = self.entries.iter().map(String::as_str).find(|entry| match self.style {
            Style::Names => is_name_or_below(entry, host.as_str()),
            Style::Patterns => is_pattern_of(entry, host.as_str()),
        });
        match (self.reversed, entry) {
            (false, entry) => entry,
            (true, Some(_)) => None,
            (true, None) => Some(EVERYTHING_BUT),
        }
    }
}

const EVERYTHING_BUT: &str = "everything but";

fn is_name_or_below(entry: &str, host: &str) -> bool {
    if entry == "*" {
        return true;
    }
    if entry == "<local>" {
        return !host.contains('.');
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        let entry = entry.trim_start_matches('[').trim_end_matches(']');
        return match (entry.parse::<IpNet>(), entry.parse::<IpAddr>()) {
            (Ok(network), _) => network.contains(&address),
            (_, Ok(listed)) => listed == address,
            _ => false,
        };
    }
    let name = entry.strip_prefix('*').unwrap_or(entry);
    let name = name.strip_prefix('.').unwrap_or(name);
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    !name.is_empty() && host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_pattern_of(entry: &str, host: &str) -> bool {
    let entry = entry.split_once("://").map_or(entry, |(_, rest)| rest).to_ascii_lowercase();
    if entry == "<local>" {
        return !host.contains('.');
    }
    // macOS writes networks short: 169.254/16.
    if let (Some((network, length)), Ok(IpAddr::V4(address))) = (entry.split_once('/'), host.parse()) {
        let missing = 3usize.saturating_sub(network.matches('.').count());
        let network = format!("{network}{}/{length}", ".0".repeat(missing));
        return network.parse::<IpNet>().is_ok_and(|network| network.contains(&IpAddr::V4(address)));
    }
    glob(entry.as_bytes(), host.as_bytes())
}

/// `*` stands for any octets.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut pieces = pattern.split(|octet| *octet == b'*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut pieces: Vec<&[u8]> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = (0..=rest.len()).find(|at| rest.get(*at..).is_some_and(|text| text.starts_with(piece))) else {
            return false;
        };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(style: Style, list: &str, host: &str) -> Option<String> {
        let bypass = Bypass::new(style, list.split([',', ';', ' ']));
        bypass.entry_for(&HostName::parse(host).unwrap()).map(str::to_owned)
    }

    #[test]
    fn names_and_networks() {
        for (list, host, expected) in [
            ("office.com", "office.com", Some("office.com")),
            ("x, Office.COM.", "outlook.office.com", Some("Office.COM.")),
            (".office.com", "office.com", Some(".office.com")),
            ("*.office.com", "outlook.office.com", Some("*.office.com")),
            ("office.com", "notoffice.com", None),
            ("outlook.office.com", "office.com", None),
            ("*", "a.example", Some("*")),
            ("10.0.0.0/8", "10.1.2.3", Some("10.0.0.0/8")),
            ("10.0.0.0/8", "11.1.2.3", None),
            ("10.1.2.3", "10.1.2.3", Some("10.1.2.3")),
            ("0.1.2.3", "10.1.2.3", None),
            ("<local>", "intranet", Some("<local>")),
            (",., ", "a.example", None),
        ] {
            assert_eq!(entry(Style::Names, list, host).as_deref(), expected, "{list} {host}");
        }
    }

    #[test]
    fn patterns() {
        for (list, host, expected) in [
            ("*.office.com", "outlook.office.com", Some("*.office.com")),
            ("*.office.com", "office.com", None),
            ("office.com", "outlook.office.com", None),
            ("out*.OFFICE.*", "outlook.office.com", Some("out*.OFFICE.*")),
            ("https://*.office.com", "outlook.office.com", Some("https://*.office.com")),
            ("<local>", "intranet", Some("<local>")),
            ("<local>", "a.example", None),
            ("169.254/16", "169.254.3.4", Some("169.254/16")),
            ("169.254/16", "169.253.3.4", None),
            ("10.*", "10.1.2.3", Some("10.*")),
            ("a*a", "a", None),
        ] {
            assert_eq!(entry(Style::Patterns, list, host).as_deref(), expected, "{list} {host}");
        }
    }

    #[test]
    fn a_reversed_list_keeps_what_it_names() {
        let bypass = Bypass::new(Style::Names, ["office.com"]).reversed(true);
        let entry = |host: &str| bypass.entry_for(&HostName::parse(host).unwrap()).map(str::to_owned);
        assert_eq!(entry("outlook.office.com"), None);
        assert_eq!(entry("a.example"), Some(EVERYTHING_BUT.to_owned()));
        assert_eq!(bypass.shown(), [EVERYTHING_BUT, "office.com"]);
    }
}
