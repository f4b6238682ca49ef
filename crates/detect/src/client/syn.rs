//! The client's SYN, held against the operating system that the request claims to come from.
//!
//! What tells stacks apart is the order of the TCP options (RFC 9293 section 3.1 leaves it to them) and the TTL that they
//! start with. Both are what the last machine that opened the connection does: a router passes them on, but for the TTL;
//! a proxy of any kind, one that decrypts nothing included, and the user-mode network of a hypervisor make a SYN of their
//! own. So a SYN of another known system is unlikely, never impossible, and it speaks of TCP alone. MSS, window and scale
//! are not compared: tunnels, clamping routers and drivers change them on untouched paths. A layout that no known system
//! has is silent too: firewalls take options away.

use model::ObservedSyn;
use serde::Deserialize;

use super::Fit;
use super::user_agent::Platform;

/// Forty octets of options hold no more (RFC 9293 section 3.1).
const MAX_OPTIONS: usize = 40;

/// The layouts of known systems.
#[derive(Clone, Debug, Default)]
pub(super) struct Stacks {
    rows: Vec<Stack>,
}

#[derive(Clone, Debug)]
struct Stack {
    name: String,
    platforms: Vec<Platform>,
    ttl: u8,
    layouts: Vec<Layout>,
}

/// The kinds of options in order (IANA, TCP Option Kind Numbers), filled up with zeros, which are also the padding.
type Layout = [u8; MAX_OPTIONS];

impl Stacks {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let rows = file.stack.into_iter().map(|row| {
            let platforms = row.platforms.iter().map(|name| Platform::named(name)).collect::<Option<_>>();
            let layouts = row.options.iter().map(|text| layout(text)).collect::<Option<Vec<_>>>();
            match (platforms, layouts) {
                (Some(platforms), Some(layouts)) if !layouts.is_empty() && !row.source.is_empty() => {
                    Ok(Stack { name: row.name, platforms, ttl: row.ttl, layouts })
                }
                _ => Err(format!("the row `{}` of SYN layouts cannot be read", row.name)),
            }
        });
        Ok(Self { rows: rows.collect::<Result<_, _>>()? })
    }

    /// Holds a SYN against the platform that the browser claims.
    pub(super) fn compare(&self, claimed: Platform, syn: &ObservedSyn<'_>) -> Fit {
        let Some(own) = self.rows.iter().find(|row| row.platforms.contains(&claimed)) else {
            return Fit::Silent("a platform whose SYN nobody has described");
        };
        let Some(layout) = syn.options.as_deref().and_then(layout) else {
            return Fit::Silent("the options of the SYN were not recorded");
        };
        let started = syn.ttl.map(initial_ttl);
        let made_by = |row: &Stack| row.layouts.contains(&layout);
        let in_time = |row: &Stack| started.is_none_or(|ttl| ttl == row.ttl);
        if made_by(own) && in_time(own) {
            return Fit::Fits;
        }
        // Two systems may share a layout and differ in the TTL: then both have to point to the other one.
        if let Some(other) = self.rows.iter().find(|row| made_by(row) && in_time(row)) {
            return Fit::Unlikely(format!("its SYN is laid out as {} does it, and not {}", other.name, own.name));
        }
        if made_by(own) {
            return Fit::Silent("somebody rewrote the TTL of the SYN");
        }
        match self.rows.iter().find(|row| made_by(row)) {
            Some(other) => {
                Fit::Unlikely(format!("its SYN is laid out as {} does it, and not {}", other.name, own.name))
            }
            None => Fit::Silent("a SYN that no known system lays out so"),
        }
    }
}

/// The TTL that a packet was sent with: the next of those that systems start with. No path has 64 routers.
const fn initial_ttl(arrived: u8) -> u8 {
    match arrived {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        129.. => 255,
    }
}

/// Reads "mss,sok,ts,nop,ws". Padding at the end is left out; a word that is none of these makes all of it unreadable.
fn layout(text: &str) -> Option<Layout> {
    if text.is_empty() {
        return None;
    }
    let mut layout = [0; MAX_OPTIONS];
    let mut slots = layout.iter_mut();
    for word in text.split(',') {
        // The recorder counts the octets after the end of the list: "eol+1".
        let kind = match word {
            _ if word.starts_with("eol") => 0,
            "nop" => 1,
            "mss" => 2,
            "ws" => 3,
            "sok" => 4,
            "ts" => 8,
            _ => word.strip_prefix('?')?.parse().ok()?,
        };
        *slots.next()? = kind;
    }
    Some(layout)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    stack: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default)]
    platforms: Vec<String>,
    ttl: u8,
    options: Vec<String>,
    source: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLE: &str = "mss,nop,ws,nop,nop,ts,sok,eol";
    const LINUX: &str = "mss,sok,ts,nop,ws";
    const WINDOWS: &str = "mss,nop,ws,nop,nop,sok";

    fn check(claimed: Platform, ttl: Option<u8>, options: &str) -> Fit {
        let stacks = Stacks::parse(include_str!("../../data/syn.toml")).expect("the table");
        stacks.compare(claimed, &ObservedSyn { ttl, options: Some(options.into()), ..ObservedSyn::default() })
    }

    #[test]
    fn every_platform_has_its_own_layout() {
        for (platform, ttl, options) in [
            (Platform::Windows, 117, WINDOWS),
            (Platform::MacOs, 57, APPLE),
            (Platform::Ios, 50, "mss,nop,ws,nop,nop,ts,sok,eol+1"),
            (Platform::Linux, 63, LINUX),
            (Platform::Android, 44, LINUX),
        ] {
            assert_eq!(check(platform, Some(ttl), options), Fit::Fits, "{platform:?}");
            assert_eq!(check(platform, None, options), Fit::Fits, "{platform:?}");
        }
    }

    #[test]
    fn the_syn_of_another_system_is_unlikely() {
        for (platform, ttl, options) in
            [(Platform::Windows, 57, LINUX), (Platform::Windows, 57, APPLE), (Platform::MacOs, 57, LINUX)]
        {
            assert!(matches!(check(platform, Some(ttl), options), Fit::Unlikely(_)), "{platform:?} {options}");
        }
        let freebsd = check(Platform::Windows, Some(60), "mss,nop,ws,sok,ts");
        assert_eq!(freebsd, Fit::Unlikely("its SYN is laid out as FreeBSD does it, and not Windows".to_owned()));
        assert_eq!(check(Platform::Windows, Some(120), "mss,nop,ws,sok,ts"), Fit::Fits);
    }

    #[test]
    fn a_rewritten_ttl_and_an_unknown_layout_say_nothing() {
        assert_eq!(check(Platform::Linux, Some(120), LINUX), Fit::Silent("somebody rewrote the TTL of the SYN"));
        assert!(matches!(check(Platform::Linux, Some(60), "ws,mss"), Fit::Silent(_)));
        assert!(matches!(check(Platform::Linux, Some(60), "mss,?254"), Fit::Silent(_)));
        assert!(matches!(check(Platform::Linux, Some(60), "mss,what"), Fit::Silent(_)));
        assert!(matches!(check(Platform::Linux, Some(60), &"nop,".repeat(100)), Fit::Silent(_)));
        assert!(matches!(check(Platform::Other, Some(60), LINUX), Fit::Silent(_)));
    }
}
