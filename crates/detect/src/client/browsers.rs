//! The truth table of browsers: what each version says in a ClientHello, made ready for lookup.
//!
//! `data/browsers.toml` has one row for each rule, with the versions it holds in and where that is known from. Here the rows
//! are read and checked, and for every combination of engine, platform and transport cut into ranges of versions with the
//! rules that apply there. So one hello costs one lookup and the rules of one range.
//!
//! Versions between two that were recorded may be like the one or like the other: where no `exactly` rule covers a version
//! and there is one on either side, the lists of both are possible, and a third is unlikely. Versions above the newest
//! recorded one inherit its rules with lower weight.

mod rows;
mod rule;

use std::sync::Arc;

use model::Transport;

use super::tls;
use super::user_agent::{Browser, Engine, Platform};
pub(super) use rows::TestRow;
pub(super) use rule::{Condition, Field, Kind, Rule, Test, Weight, mask, place};

const ENGINES: [Engine; 5] = [Engine::Chromium, Engine::Gecko, Engine::WebKit, Engine::Trident, Engine::Presto];
const PLATFORMS: [Platform; 7] = [
    Platform::Windows,
    Platform::MacOs,
    Platform::Linux,
    Platform::ChromeOs,
    Platform::Android,
    Platform::Ios,
    Platform::Other,
];
const TRANSPORTS: [Transport; 2] = [Transport::Tcp, Transport::Quic];

/// The rules, and for each combination of engine, platform and transport its ranges of versions.
#[derive(Clone, Debug, Default)]
pub(super) struct Browsers {
    rules: Vec<Arc<Rule>>,
    ranges: Vec<Vec<Range>>,
    /// The oldest and the newest version of each engine that was recorded.
    recorded: [(u16, u16); ENGINES.len()],
}

/// The rules from this version up to the next range.
#[derive(Clone, Debug)]
struct Range {
    from: u16,
    rules: Vec<Applied>,
}

/// A rule where it applies.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    pub(super) rule: Arc<Rule>,
    /// It says how the field's list must be, exactly, in every mode: who passes it passes all that are `settled`.
    pub(super) settles: bool,
    /// Every list that a rule which settles its field allows passes this one.
    pub(super) settled: bool,
}

impl Browsers {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::of(rows::read(text)?.into_iter().map(Arc::new).collect()))
    }

    fn of(rules: Vec<Arc<Rule>>) -> Self {
        let recorded = ENGINES.map(|engine| {
            let seen = || rules.iter().filter(|rule| rule.engine == engine).flat_map(|rule| rule.seen.iter().copied());
            (seen().min().unwrap_or(0), seen().max().unwrap_or(0))
        });
        let mut ranges = Vec::new();
        for engine in ENGINES {
            for platform in PLATFORMS {
                for transport in TRANSPORTS {
                    let concerned = |rule: &&Arc<Rule>| rule.concerns(engine, platform, transport);
                    ranges.push(cut(rules.iter().filter(concerned).cloned().collect()));
                }
            }
        }
        Self { rules, ranges, recorded }
    }

    /// The newest version of the engine that was recorded.
    pub(super) fn newest(&self, engine: Engine) -> u16 {
        self.recorded.get(engine as usize).map_or(0, |(_, newest)| *newest)
    }

    /// The oldest one.
    pub(super) fn oldest(&self, engine: Engine) -> u16 {
        self.recorded.get(engine as usize).map_or(0, |(oldest, _)| *oldest)
    }

    /// The rules for this browser: of one range of versions, or of each, the newest first, where the engine's version is not
    /// told.
    pub(super) fn rules(&self, browser: &Browser, transport: Transport) -> impl Iterator<Item = &[Applied]> {
        let ranges = self.ranges.get(index(browser.engine, browser.platform, transport)).map_or(&[][..], Vec::as_slice);
        let oldest = self.oldest(browser.engine);
        let chosen = match browser.engine_version() {
            Some(version) => {
                let after = ranges.partition_point(|range| range.from <= version);
                after.checked_sub(1).and_then(|place| ranges.get(place..after)).unwrap_or_default()
            }
            None => ranges.get(ranges.partition_point(|range| range.from < oldest)..).unwrap_or_default(),
        };
        chosen.iter().rev().map(|range| range.rules.as_slice())
    }

    /// Forgets what was learned from one version of an engine: rules that were seen there alone go, and those that end with it
    /// shrink to the versions that are left.
    pub(super) fn forget_version(&mut self, engine: Engine, version: u16) {
        let rules = self.rules.iter().filter_map(|rule| {
            if rule.engine == engine { rule.without(version).map(Arc::new) } else { Some(Arc::clone(rule)) }
        });
        *self = Self::of(rules.collect());
    }
}

fn index(engine: Engine, platform: Platform, transport: Transport) -> usize {
    let row = (engine as usize).saturating_mul(PLATFORMS.len()).saturating_add(platform as usize);
    row.saturating_mul(TRANSPORTS.len()).saturating_add(usize::from(transport == Transport::Quic))
}

/// Cuts the versions where a rule begins or ends.
fn cut(rules: Vec<Arc<Rule>>) -> Vec<Range> {
    let mut starts: Vec<u16> =
        rules.iter().flat_map(|rule| [Some(rule.from), rule.to.and_then(|to| to.checked_add(1))]).flatten().collect();
    starts.sort_unstable();
    starts.dedup();
    starts
        .into_iter()
        .map(|from| {
            let mut there: Vec<Arc<Rule>> = rules.iter().filter(|rule| rule.covers(from)).cloned().collect();
            there.extend(between(&rules, from));
            // What decides stands in front: a broken rule that is impossible ends the comparison.
            there.sort_by_key(|rule| (rule.weight.rank(), rule.test.kind != Kind::Exactly));
            Range { from, rules: settle(there) }
        })
        .collect()
}

/// Finds the rules that another one makes needless, for speed alone: the verdict is the same without.
fn settle(rules: Vec<Arc<Rule>>) -> Vec<Applied> {
    let settles = |rule: &Rule| {
        rule.test.kind == Kind::Exactly
            && rule.test.when.is_none()
            && rule.systems.is_none()
            && rule.variant.is_none()
            && rule.except.is_empty()
    };
    let exact: Vec<Arc<Rule>> = rules.iter().filter(|rule| settles(rule)).cloned().collect();
    let of = |field: Field| exact.iter().filter(move |rule| rule.test.field == field);
    rules
        .into_iter()
        .map(|rule| {
            let settles = settles(&rule);
            // One rule must do it alone: passing two of them is not known from passing one.
            let by = |exact: &Arc<Rule>| exact.test.lists.iter().all(|list| tls::fails(&rule.test, list).is_none());
            let settled = !settles && of(rule.test.field).count() == 1 && of(rule.test.field).all(by);
            Applied { rule, settles, settled }
        })
        .collect()
}

/// What may be in a version that no rule on a field covers: the lists of the nearest older and newer versions.
fn between(rules: &[Arc<Rule>], version: u16) -> Vec<Arc<Rule>> {
    let exact = |field: Field| {
        rules.iter().filter(move |rule| {
            rule.test.field == field
                && rule.test.kind == Kind::Exactly
                && rule.test.when.is_none()
                && rule.systems.is_none()
        })
    };
    let mut made = Vec::new();
    for field in Field::ALL {
        if exact(field).any(|rule| rule.covers(version)) {
            continue;
        }
        let older = exact(field).filter(|rule| rule.to.is_some_and(|to| to < version)).max_by_key(|rule| rule.to);
        let newer = exact(field).filter(|rule| rule.from > version).min_by_key(|rule| rule.from);
        if let (Some(older), Some(newer)) = (older, newer) {
            made.push(Arc::new(older.or(newer)));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::user_agent::{Claim, read};

    const TABLE: &str = include_str!("../../data/browsers.toml");

    fn browser(user_agent: &str) -> Browser {
        match read(Some(user_agent)) {
            Claim::Browser(browser) => browser,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_row_is_read() {
        let browsers = Browsers::parse(TABLE).expect("the table");
        assert_eq!(browsers.rules.len(), TABLE.lines().filter(|line| *line == "[[rule]]").count());
        assert!(browsers.newest(Engine::Chromium) >= 156);
        assert!(browsers.newest(Engine::Gecko) >= 153);
    }

    #[test]
    fn every_version_has_rules_from_its_engines_first() {
        let browsers = Browsers::parse(TABLE).expect("the table");
        let chrome = |version: u16| {
            browser(&format!(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{version}.0.0.0 Safari/537.36"
            ))
        };
        for version in 14..200 {
            for transport in TRANSPORTS {
                let browser = chrome(version);
                let rules: Vec<_> = browsers.rules(&browser, transport).flatten().collect();
                assert!(rules.len() > 2, "{version}: {}", rules.len());
                assert!(rules.iter().all(|applied| applied.rule.covers(version)));
                assert!(rules.iter().all(|applied| applied.rule.transport.is_none_or(|own| own == transport)));
            }
        }
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let mut browsers = Browsers::parse(TABLE).expect("the table");
        browsers.forget_version(Engine::Gecko, 153);
        assert_eq!(browsers.newest(Engine::Gecko), 144);
        assert!(browsers.rules.iter().all(|rule| rule.engine != Engine::Gecko || !rule.seen.contains(&153)));
    }

    #[test]
    fn a_table_with_a_mistake_is_refused() {
        let row = "[sources]\nus = \"seen\"\n[[rule]]\nengine = \"chromium\"\nfrom = 1\nfield = \"suites\"\nkind = \"required\"\n\
                   value = [1]\nsource = [\"us\"]\n";
        assert!(Browsers::parse(row).is_ok());
        for (from, to) in [
            ("chromium", "mosaic"),
            ("required", "wanted"),
            ("\"suites\"", "\"suits\""),
            ("[1]", "[]"),
            ("[1]", "[\"h2\"]"),
            ("[\"us\"]", "[]"),
            ("[\"us\"]", "[\"them\"]"),
            ("from = 1", "from = 2\nto = 1"),
            ("from = 1", "from = 1\nunknown = 1"),
        ] {
            assert!(Browsers::parse(&row.replace(from, to)).is_err(), "{to}");
        }
    }
}
