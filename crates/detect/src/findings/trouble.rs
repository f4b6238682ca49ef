//! What was altered, what stands on the path, and what does not work: one finding for each rule.

use model::{Attribution, Class, Finding, Leaning, Record, State};

use super::{Subject, action, by_host, features, names, share};
use crate::rules::{PORTAL, Piece, Rule, rules};
use crate::view::Settled;

pub(super) fn findings(record: &Record, all: &[Subject<'_>]) -> Vec<Finding> {
    let service: Vec<Subject<'_>> = all.iter().copied().filter(Subject::is_service).collect();
    // Where a portal answers in the service's stead, what else is missing is missing because of that.
    let (portals, others): (Vec<_>, Vec<_>) = service.iter().copied().partition(Subject::is_behind_portal);
    let with_rule =
        |rule: &Rule| finding(record, rule, if rule.id == PORTAL { &portals } else { &others }, service.len());
    rules().iter().filter(|rule| rule.class != Class::A).filter_map(|rule| with_rule(rule)).collect()
}

fn finding(record: &Record, rule: &Rule, subjects: &[Subject<'_>], of: usize) -> Option<Finding> {
    let speaks = |piece: &&Piece| piece.rule.id == rule.id && piece.sign.leaning == Leaning::Against;
    let affected: Vec<Subject<'_>> =
        subjects.iter().copied().filter(|subject| subject.judged.pieces.iter().any(|piece| speaks(&piece))).collect();
    let pieces =
        || affected.iter().flat_map(|subject| subject.judged.pieces.iter().filter(speaks).map(move |p| (subject, p)));
    let confidence = pieces().map(|(_, piece)| piece.sign.confidence).max()?;
    // What decryption alone takes away, and no feature lives on, is told with the decryption.
    if rule.breaks.is_none() && rule.class != Class::D && affected.iter().all(decrypted) {
        return None;
    }
    let because = by_host(pieces().map(|(subject, piece)| (subject, piece.sign.detail.clone())).collect());
    Some(Finding {
        id: rule.id.to_owned(),
        state: state(rule.class),
        confidence,
        title: format!("{} {}", rule.title, share(affected.len(), of)),
        who: who(&affected, rule),
        because,
        breaks: rule.breaks.map(|need| features(record, &affected, need)).unwrap_or_default(),
        hosts: names(&affected),
        action: action(rule.action, &affected),
    })
}

fn state(class: Class) -> State {
    match class {
        Class::A => State::Intercepted,
        Class::B => State::Manipulated,
        Class::E => State::Degraded,
        // What merely stands on the path is no verdict.
        Class::C | Class::D => State::Unknown,
    }
}

fn decrypted(subject: &Subject<'_>) -> bool {
    subject.verdict.state == State::Intercepted
}

/// Titles of what decryption takes away on these hosts without a finding of its own.
pub(super) fn side_effects(subjects: &[Subject<'_>]) -> Vec<String> {
    let seen = |rule: &Rule| {
        let mut pieces = subjects.iter().flat_map(|subject| &subject.judged.pieces);
        pieces.any(|piece| piece.rule.id == rule.id && piece.sign.leaning == Leaning::Against)
    };
    let silent = |rule: &&&Rule| matches!(rule.class, Class::B | Class::E) && rule.breaks.is_none() && seen(rule);
    rules().iter().filter(silent).map(|rule| rule.title.to_owned()).collect()
}

/// Whoever ends TLS on the very connections that this was seen on. What happens beside them, as to QUIC, is not laid at
/// the same door; a block page or a header names its product by itself.
fn who(affected: &[Subject<'_>], rule: &Rule) -> Vec<Attribution> {
    let mut who: Vec<Attribution> = Vec::new();
    for subject in affected {
        let mut pieces = subject.judged.pieces.iter().filter(|piece| piece.rule.id == rule.id);
        let theirs = pieces.any(|piece| {
            piece.sign.connections.iter().any(|connection| subject.judged.view.settled(*connection) == Settled::Ended)
        });
        let candidate = subject.verdict.attribution.first().filter(|_| theirs || rule.class == Class::B);
        if let Some(candidate) =
            candidate.filter(|candidate| !who.iter().any(|known| known.product == candidate.product))
        {
            who.push(candidate.clone());
        }
    }
    who.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    who
}
