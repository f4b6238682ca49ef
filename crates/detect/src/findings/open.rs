//! What could not be judged, and why: a run that proved nothing must not read like one that found nothing.

use std::collections::BTreeMap;

use model::{Confidence, Finding, Leaning, Record, State};

use super::{Subject, action, by_host, features, names, share};
use crate::rules::rules;
use crate::text::in_sentence;

pub(super) fn findings(record: &Record, all: &[Subject<'_>]) -> Vec<Finding> {
    let service: Vec<Subject<'_>> = all.iter().copied().filter(Subject::is_service).collect();
    let mut groups: BTreeMap<usize, Vec<Subject<'_>>> = BTreeMap::new();
    for subject in all.iter().copied().filter(|subject| subject.verdict.state == State::Unknown) {
        // A reflector without an answer is told apart from the service's hosts by its own reason, in its own line.
        groups.entry(cause(&subject)).or_default().push(subject);
    }
    groups
        .into_iter()
        .map(|(cause, subjects)| {
            let rule = rules().get(cause);
            let of_service = subjects.iter().filter(|subject| subject.is_service()).count();
            let title = rule.map_or("Nothing was seen that proves who ends TLS", |rule| rule.title);
            let place = if of_service == 0 { "at the reflector".to_owned() } else { share(of_service, service.len()) };
            Finding {
                id: rule.map_or("not-judged", |rule| rule.id).to_owned(),
                state: State::Unknown,
                confidence: Confidence::Weak,
                title: format!("Not judged {place}: {}", in_sentence(title)),
                who: Vec::new(),
                because: by_host(
                    subjects
                        .iter()
                        .map(|subject| {
                            (subject, subject.verdict.reason.clone().unwrap_or_else(|| "no reason is known".to_owned()))
                        })
                        .collect(),
                ),
                breaks: rule
                    .and_then(|rule| rule.breaks)
                    .map(|need| features(record, &subjects, need))
                    .unwrap_or_default(),
                hosts: names(&subjects),
                action: match rule.map(|rule| rule.action).filter(|text| !text.is_empty()) {
                    Some(text) => action(text, &subjects),
                    None => action("Run the check with all of its parts against {hosts}.", &subjects),
                },
            }
        })
        .collect()
}

/// The place in the table of the rule that gave the reason; past its end where no rule did.
fn cause(subject: &Subject<'_>) -> usize {
    let reason = subject.verdict.reason.as_deref();
    let gave = |piece: &&crate::rules::Piece| {
        piece.sign.leaning == Leaning::Silent && reason == Some(piece.sign.detail.as_str())
    };
    let rule = subject.judged.pieces.iter().find(gave).map(|piece| piece.rule.id);
    rule.and_then(|id| rules().iter().position(|rule| rule.id == id)).unwrap_or(rules().len())
}
