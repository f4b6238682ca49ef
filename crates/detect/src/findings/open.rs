//! What could not be judged, and why: a run that proved nothing must not read like one that found nothing.

use std::collections::BTreeMap;

use model::{Attribution, Confidence, Finding, Leaning, Record, State};

use super::{Subject, action, advice, by_host, features, names, share};
use crate::Knowledge;
use crate::attribution::of_headers;
use crate::rules::{PROXY_REFUSED, Rule, rules};
use crate::text::in_sentence;

pub(super) fn findings(record: &Record, all: &[Subject<'_>], knowledge: &Knowledge) -> Vec<Finding> {
    let service: Vec<Subject<'_>> = all.iter().copied().filter(Subject::is_service).collect();
    let mut groups: BTreeMap<usize, Vec<Subject<'_>>> = BTreeMap::new();
    for subject in all.iter().copied().filter(|subject| subject.verdict.state == State::Unknown) {
        // Whoever asked for checks that judge nothing needs no finding that nothing was judged.
        if asked_for_no_judgement(record) && subject.judged.view.host.connections.is_empty() {
            continue;
        }
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
                who: rule.map(|rule| who(record, rule, knowledge)).unwrap_or_default(),
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
                action: match rule.map(|rule| told(rule, &subjects)).filter(|text| !text.is_empty()) {
                    Some(text) => action(&text, &subjects),
                    None => action("Run the check with all of its parts against {hosts}.", &subjects),
                },
            }
        })
        .collect()
}

/// None of the checks that were asked for could prove who ends TLS.
fn asked_for_no_judgement(record: &Record) -> bool {
    const JUDGING: [&str; 9] = ["dns", "tcp", "tls", "http", "quic", "websocket", "stream", "exporter", "hello"];
    let asked = &record.options.checks;
    !asked.is_empty() && !asked.iter().any(|check| JUDGING.contains(&check.as_str()))
}

fn told(rule: &Rule, subjects: &[Subject<'_>]) -> String {
    let pieces = subjects.iter().flat_map(|subject| &subject.judged.pieces).filter(|piece| piece.rule.id == rule.id);
    advice(rule.action, pieces.map(|piece| &piece.sign))
}

/// A proxy that refuses speaks for itself, so its own headers say who it is, where the check of the settings met it too.
fn who(record: &Record, rule: &Rule, knowledge: &Knowledge) -> Vec<Attribution> {
    let via = record.path.via.as_deref().filter(|_| rule.id == PROXY_REFUSED);
    let answers = record.proxy.seen().into_iter().flat_map(|facts| &facts.proxies);
    let theirs = answers.filter(|answer| via.is_some_and(|via| via.contains(authority(&answer.proxy))));
    let mut heads = theirs.filter_map(|answer| answer.outcome.seen());
    heads.next().map(|head| of_headers(head.server.as_deref(), head.via.as_deref(), knowledge)).unwrap_or_default()
}

/// `host:port` of `scheme://host:port`.
fn authority(proxy: &str) -> &str {
    proxy.rsplit_once("://").map_or(proxy, |(_, authority)| authority)
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
