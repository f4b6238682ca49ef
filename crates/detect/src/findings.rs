//! What to tell a person: evidence and verdicts gathered over the hosts, heaviest first.

mod decryption;
mod on_path;
mod open;
mod trouble;

use std::collections::BTreeSet;

use model::{Finding, HostVerdict, Leaning, Record};

use crate::Knowledge;
use crate::judge::Judged;
use crate::path::PathPiece;
use crate::rules::{PORTAL, Sign};
use crate::text::{listed_up_to, quoted};

/// All findings of a record.
pub(crate) fn findings(
    record: &Record,
    judged: &[Judged<'_>],
    verdicts: &[HostVerdict],
    path: &[PathPiece],
    knowledge: &Knowledge,
) -> Vec<Finding> {
    let all: Vec<Subject<'_>> =
        judged.iter().zip(verdicts).map(|(judged, verdict)| Subject { judged, verdict }).collect();
    let mut findings = decryption::findings(record, &all, knowledge);
    findings.extend(trouble::findings(record, &all));
    findings.extend(on_path::findings(record, path));
    let mut findings: Vec<(Finding, bool)> = findings.into_iter().map(|finding| (finding, false)).collect();
    findings.extend(open::findings(record, &all, knowledge).into_iter().map(|finding| (finding, true)));
    // That a host cannot be judged, or reached, weighs more than what merely stands on the path.
    findings.sort_by(|(a, a_open), (b, b_open)| {
        (b.state, *b_open, b.confidence, b.hosts.len())
            .cmp(&(a.state, *a_open, a.confidence, a.hosts.len()))
            .then_with(|| a.id.cmp(&b.id))
    });
    findings.into_iter().map(|(finding, _)| finding).collect()
}

/// A host with what was found and what was concluded.
#[derive(Clone, Copy)]
struct Subject<'a> {
    judged: &'a Judged<'a>,
    verdict: &'a HostVerdict,
}

impl Subject<'_> {
    fn is_service(&self) -> bool {
        !self.verdict.is_reflector
    }

    fn is_behind_portal(&self) -> bool {
        self.verdict.evidence.iter().any(|evidence| evidence.id == PORTAL && evidence.leaning == Leaning::Against)
    }

    fn name(&self) -> String {
        format!("{}:{}", self.verdict.host, self.verdict.port)
    }
}

fn names(subjects: &[Subject<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for subject in subjects {
        let name = subject.name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Host names for a sentence: at most three by name.
fn hosts_in_words(subjects: &[Subject<'_>]) -> String {
    let hosts: BTreeSet<String> = subjects.iter().map(|subject| subject.verdict.host.to_string()).collect();
    listed_up_to(&hosts.into_iter().collect::<Vec<_>>(), 3)
}

/// "on all 6 hosts", "on 5 of 6 hosts", "on the only host".
fn share(affected: usize, all: usize) -> String {
    match (affected, all) {
        (1, 1) => "on the only host".to_owned(),
        (2, 2) => "on both hosts".to_owned(),
        (affected, all) if affected == all => format!("on all {all} hosts"),
        (affected, all) => format!("on {affected} of {all} hosts"),
    }
}

/// The features that a person misses where `need` does not work on these hosts: "https" is all of them.
fn features(record: &Record, subjects: &[Subject<'_>], need: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for subject in subjects {
        for key in &subject.judged.view.host.target.features {
            let Some(feature) = record.features.get(key) else { continue };
            let hit = need == "https" || feature.needs.iter().any(|n| n == need);
            let name = quoted(&feature.name);
            if hit && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The first step to mend it: the rule's own, or what the signs themselves say is to the point.
fn advice<'a>(rule: &'a str, signs: impl Iterator<Item = &'a Sign>) -> String {
    let mut said: Vec<&str> = Vec::new();
    for advice in signs.filter_map(|sign| sign.advice) {
        if !said.contains(&advice) {
            said.push(advice);
        }
    }
    if said.is_empty() { rule.to_owned() } else { said.join(" ") }
}

/// Fills in what an action is about.
fn action(template: &str, subjects: &[Subject<'_>]) -> String {
    let ports: BTreeSet<u16> = subjects.iter().map(|subject| subject.verdict.port).collect();
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    template.replace("{port}", &crate::text::listed(&ports)).replace("{hosts}", &hosts_in_words(subjects))
}

/// What was seen, host by host; where all hosts say the same, once for all.
fn by_host(texts: Vec<(&Subject<'_>, String)>) -> Vec<String> {
    let same = texts.iter().all(|(_, text)| texts.first().is_some_and(|(_, first)| first == text));
    if same {
        return texts.into_iter().take(1).map(|(_, text)| crate::text::sentence(&text)).collect();
    }
    reasons(texts.into_iter().map(|(subject, text)| format!("{}: {text}", subject.verdict.host)))
}

/// The texts, each once, in order, and not more than a person reads.
fn reasons(texts: impl Iterator<Item = String>) -> Vec<String> {
    const MOST: usize = 6;
    let mut reasons: Vec<String> = Vec::new();
    for text in texts {
        if !reasons.contains(&text) {
            reasons.push(text);
        }
    }
    let left = reasons.len().saturating_sub(MOST);
    reasons.truncate(MOST);
    if left > 0 {
        reasons.push(format!("and {left} more of this kind"));
    }
    reasons
}
