//! The ClientHello, held against what the browser that the request claims sends.
//!
//! Field by field, with the rules of the truth table ([`Browsers`]): a rule that holds for every version and policy makes
//! the hello impossible when it is broken; one that a setting can break makes it unlikely. A browser newer than the table,
//! another one on the same engine, or a web view inside an application may differ from what is recorded, so there only the
//! rules that hold always can make a hello impossible.
//!
//! A recorder may have kept a part of the hello ([`HelloSource`]): fields that it could not tell are passed over.

mod check;
mod lists;

use model::{HelloFacts, HelloSource, Transport};

use super::Fit;
use super::browsers::{Applied, Browsers, Field, Rule, Weight};
use super::user_agent::{Browser, Engine, Family};
use check::passes_exactly;
pub(super) use check::{Broken, broken, fails};
pub(super) use lists::Lists;

/// The extension that a hello over QUIC carries (RFC 9001 section 8.2).
const QUIC_TRANSPORT_PARAMETERS: u16 = 57;
const NOBODY: &str = "nobody has recorded the ClientHello of that browser";
/// SSL 3.0 has no extensions.
const SSL3: u16 = 0x0300;

/// Over which transport this hello came. It says so itself, where its extensions were recorded; `told` is what the recorder
/// says.
fn transport(hello: &HelloFacts, told: Option<Transport>) -> Transport {
    if hello.has_extension(QUIC_TRANSPORT_PARAMETERS) || hello.extensions.is_empty() && told == Some(Transport::Quic) {
        Transport::Quic
    } else {
        Transport::Tcp
    }
}

/// Holds a hello against the browser that is claimed.
pub(super) fn compare(browser: &Browser, hello: &HelloFacts, told: Option<Transport>, browsers: &Browsers) -> Fit {
    if hello.source != HelloSource::SuitesAndGroups && hello.legacy_version == SSL3 && hello.extensions.is_empty() {
        return Fit::Silent("an SSL 3.0 retry shows too little");
    }
    let lists = Lists::of(hello);
    let claimed = Claimed::of(browser, browsers);
    // More than one set of rules is there only where the text does not tell the engine's version: the best one counts.
    let mut best: Option<Fit> = None;
    for rules in browsers.rules(browser, transport(hello, told)) {
        let fit = claimed.compare(rules, &lists);
        if fit == Fit::Fits {
            return if claimed.forgotten { Fit::Silent(NOBODY) } else { fit };
        }
        if !matches!((&best, &fit), (Some(_), Fit::Impossible(_)) | (Some(Fit::Unlikely(_)), _)) {
            best = Some(fit);
        }
    }
    best.unwrap_or(Fit::Silent(NOBODY))
}

/// What is claimed, and how much of the table can be held against it.
struct Claimed<'b> {
    browser: &'b Browser,
    /// It is one of the browsers that the table was recorded from, in a version that it knows.
    known: bool,
    /// It is older than what the table knows: only what never was can be told.
    forgotten: bool,
}

impl<'b> Claimed<'b> {
    fn of(browser: &'b Browser, browsers: &Browsers) -> Self {
        let own = match browser.engine {
            Engine::Chromium => matches!(browser.family, Family::Chrome | Family::Edge),
            Engine::Gecko => browser.family == Family::Firefox,
            Engine::WebKit => browser.family == Family::Safari,
            Engine::Trident | Engine::Presto => true,
        };
        let recorded = browser.engine_version().is_some_and(|version| version <= browsers.newest(browser.engine));
        let forgotten = browser.engine_version().is_some_and(|version| version < browsers.oldest(browser.engine));
        Self { browser, known: own && recorded && !browser.embedded, forgotten }
    }

    /// In the ordinary mode, or in one of the others where it fits.
    fn compare(&self, rules: &[Applied], lists: &Lists) -> Fit {
        let ordinary = self.hold(rules, lists, None);
        let others = rules.iter().filter_map(|applied| applied.rule.variant.as_deref());
        match ordinary {
            Fit::Fits => ordinary,
            _ if others.into_iter().any(|variant| self.hold(rules, lists, Some(variant)) == Fit::Fits) => Fit::Fits,
            _ => ordinary,
        }
    }

    fn hold(&self, rules: &[Applied], lists: &Lists, variant: Option<&str>) -> Fit {
        let mut unlikely: Option<(&Rule, Broken)> = None;
        let settled = settled(rules, lists);
        for Applied { rule, settled: is_settled, settles } in rules {
            if (*is_settled || *settles) && settled & 1 << (rule.test.field as u32) != 0 {
                continue;
            }
            let other_mode = rule.variant.is_some() && rule.variant.as_deref() != variant;
            let excepted = variant.is_some_and(|variant| rule.except.iter().any(|name| name == variant));
            if other_mode || excepted || !self.runs_on(rule) {
                continue;
            }
            let Some(broken) = broken(&rule.test, lists) else { continue };
            let impossible = match rule.weight {
                Weight::Always => true,
                Weight::Firm => self.known,
                Weight::Excused(_) => false,
            };
            if impossible {
                return Fit::Impossible(self.tell(rule, &broken));
            }
            // A setting explains more than a version that nobody has seen, so what no setting explains is told first.
            let better = unlikely.as_ref().is_none_or(|(before, _)| {
                matches!(before.weight, Weight::Excused(_)) && !matches!(rule.weight, Weight::Excused(_))
            });
            if better {
                unlikely = Some((rule, broken));
            }
        }
        unlikely.map_or(Fit::Fits, |(rule, broken)| Fit::Unlikely(self.tell(rule, &broken)))
    }

    fn runs_on(&self, rule: &Rule) -> bool {
        rule.systems.is_none_or(|(least, greatest)| (least..=greatest).contains(&self.browser.system))
    }

    fn tell(&self, rule: &Rule, broken: &Broken) -> String {
        let mut text = match &rule.says {
            Some(says) => format!("{says}; here {broken}"),
            None => {
                let version = self.browser.engine_version().map_or(String::new(), |version| format!(" {version}"));
                format!("not the {} of {}{version}: {broken}", rule.test.field.words(), self.browser.engine.name())
            }
        };
        if let Weight::Excused(excuse) = &rule.weight {
            text.push_str(" (");
            text.push_str(excuse);
            text.push(')');
        }
        text
    }
}

/// The fields whose list is exactly as one rule wants it, which makes others needless.
fn settled(rules: &[Applied], lists: &Lists) -> u32 {
    let mut fields = [0_u8; Field::ALL.len()];
    let mut passed = 0_u32;
    for Applied { rule, .. } in rules.iter().filter(|applied| applied.settles) {
        let place = rule.test.field as usize;
        let only = fields.get_mut(place).is_some_and(|seen| std::mem::replace(seen, 1) == 0);
        let passes = lists.get(rule.test.field).is_some_and(|seen| passes_exactly(&rule.test, seen));
        let bit = 1 << (rule.test.field as u32);
        // Where two rules settle one field, both must pass.
        passed = if passes && (only || passed & bit != 0) { passed | bit } else { passed & !bit };
    }
    passed
}

/// Whether a recorder of this kind could tell the field.
const fn tells(source: HelloSource, field: Field) -> bool {
    match source {
        HelloSource::Octets => true,
        HelloSource::Ja3Text => {
            matches!(
                field,
                Field::Suites | Field::Extensions | Field::Groups | Field::PointFormats | Field::LegacyVersion
            )
        }
        HelloSource::SuitesAndGroups => matches!(field, Field::Suites | Field::Groups),
    }
}

#[cfg(test)]
mod tests;
