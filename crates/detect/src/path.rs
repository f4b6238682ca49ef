//! Evidence about the path as a whole, from what this machine's settings, its routes, the outside and the endpoint list
//! say: a second table of rules, over the record where the first one looks at each host.
//!
//! A rule is one file in `path/` and one line here, made as those in `rules/` are. What it finds stands in
//! [`model::Judgement::path`]: class E counts as degradation, class D says what is on the path and weighs nothing.

use model::{Attribution, Class, Evidence, Leaning, Record};

use crate::Knowledge;
use crate::context::Context;
use crate::rules::Sign;

/// One rule over a record. Its page is the doc comment of the file that holds it.
#[derive(Debug)]
pub struct PathRule {
    /// The stable name, in kebab-case; [`Evidence::id`].
    pub id: &'static str,
    pub class: Class,
    pub title: &'static str,
    pub page: &'static str,
    /// The first step to mend it; `{hosts}` stands for what is affected.
    pub action: &'static str,
    look: fn(&PathView<'_>) -> Vec<PathSign>,
}

pub(crate) struct PathView<'a> {
    pub(crate) record: &'a Record,
    pub(crate) context: &'a Context,
    pub(crate) knowledge: &'a Knowledge,
}

/// What a rule found, and whom it concerns.
#[derive(Clone, Debug)]
pub(crate) struct PathSign {
    pub(crate) sign: Sign,
    /// `host:port`; empty: the path as a whole.
    pub(crate) hosts: Vec<String>,
    pub(crate) who: Vec<Attribution>,
}

impl From<Sign> for PathSign {
    fn from(sign: Sign) -> Self {
        Self { sign, hosts: Vec::new(), who: Vec::new() }
    }
}

/// A sign with the rule that found it.
#[derive(Clone, Debug)]
pub(crate) struct PathPiece {
    pub(crate) rule: &'static PathRule,
    pub(crate) found: PathSign,
}

impl PathPiece {
    pub(crate) fn is_against(&self) -> bool {
        self.found.sign.leaning == Leaning::Against
    }

    pub(crate) fn evidence(&self) -> Evidence {
        Evidence {
            id: self.rule.id.to_owned(),
            class: self.rule.class,
            leaning: self.found.sign.leaning,
            confidence: self.found.sign.confidence,
            detail: self.found.sign.detail.clone(),
            connections: Vec::new(),
        }
    }
}

/// Runs all rules, in the order of the table.
pub(crate) fn collect(view: &PathView<'_>) -> Vec<PathPiece> {
    let found = |rule: &'static PathRule| (rule.look)(view).into_iter().map(move |found| PathPiece { rule, found });
    path_rules().iter().copied().flat_map(found).collect()
}

/// Declares a rule: its doc comment is both the item's documentation and the page in the table.
macro_rules! path_rule {
    ($(#[doc = $line:literal])* $id:literal, $class:ident, $title:literal, $look:ident, $action:literal) => {
        $(#[doc = $line])*
        pub(super) static RULE: crate::path::PathRule = crate::path::PathRule {
            id: $id,
            class: model::Class::$class,
            title: $title,
            page: concat!($($line, "\n"),*),
            action: $action,
            look: $look,
        };
    };
}

macro_rules! table {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// All rules over a record, in the order in which they weigh.
        pub fn path_rules() -> &'static [&'static PathRule] {
            static TABLE: &[&PathRule] = &[$(&$module::RULE),*];
            TABLE
        }
    };
}

table![
    proxy_sign_in,
    proxy_unreachable,
    endpoint_unreachable,
    endpoint_refused,
    proxy_configured,
    vpn_tunnelled,
    vpn_selective,
    vpn_split,
    distant_egress,
    distant_resolver,
    distant_proxy,
];

mod distance;
mod proxies;
mod tunnels;

pub(crate) use distance::{FAR_KM, spot};
pub(crate) use proxies::{Decided, decided};
pub(crate) use tunnels::{Way, ways};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_a_title_and_a_page() {
        let mut names: std::collections::BTreeSet<&str> = crate::rules::rules().iter().map(|rule| rule.id).collect();
        for rule in path_rules() {
            assert!(names.insert(rule.id), "{} stands in a table already", rule.id);
            assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
            assert!(matches!(rule.class, Class::D | Class::E), "{}: no setting proves more", rule.id);
            for part in ["What it shows:", "What can fool it:", "Source:"] {
                assert!(rule.page.contains(part), "the page of {} lacks `{part}`", rule.id);
            }
        }
    }
}
