//! TLS is decrypted: by whom, on which hosts, and the contrast between what is decrypted and what is not.

use std::collections::BTreeMap;

use model::{Attribution, Class, Confidence, Finding, Record, State, Transport};

use super::trouble::side_effects;
use super::{Subject, action, features, names, reasons, share};
use crate::Knowledge;
use crate::text::{counted, in_sentence, listed};
use crate::view::Settled;

pub(super) fn findings(record: &Record, all: &[Subject<'_>], knowledge: &Knowledge) -> Vec<Finding> {
    let service: Vec<Subject<'_>> = all.iter().copied().filter(Subject::is_service).collect();
    let decrypted: Vec<Subject<'_>> =
        service.iter().copied().filter(|s| s.verdict.state == State::Intercepted).collect();

    let mut groups: BTreeMap<Vec<(String, String)>, Vec<Subject<'_>>> = BTreeMap::new();
    for subject in &decrypted {
        groups.entry(suspects(&subject.verdict.attribution)).or_default().push(*subject);
    }
    let mut findings: Vec<Finding> =
        groups.into_values().map(|subjects| decrypted_by(record, &subjects, service.len(), knowledge)).collect();
    findings.extend(partly(record, &decrypted, knowledge));
    findings.extend(reflector(all, &service, knowledge));
    findings
}

/// Who leads the list: more than one where they tie.
fn suspects(attribution: &[Attribution]) -> Vec<(String, String)> {
    let best = attribution.first().map_or(0.0, |first| first.confidence);
    let leading = attribution.iter().take_while(|a| a.confidence.total_cmp(&best).is_eq());
    let mut suspects: Vec<(String, String)> = leading.map(|a| (a.product.clone(), authority_of(a))).collect();
    suspects.sort();
    suspects
}

/// Unknown interceptors are told apart by their authority; known ones are one case, whatever key they use.
fn authority_of(attribution: &Attribution) -> String {
    if attribution.confidence > 0.0 { String::new() } else { attribution.because.first().cloned().unwrap_or_default() }
}

fn decrypted_by(record: &Record, subjects: &[Subject<'_>], all: usize, knowledge: &Knowledge) -> Finding {
    let who = ranked(subjects);
    let best = who.first().map_or(0.0, |first| first.confidence);
    let leading: Vec<String> = who
        .iter()
        .filter(|a| a.confidence > 0.0 && a.confidence.total_cmp(&best).is_eq())
        .map(|a| format!("{} ({:.2})", a.product, a.confidence))
        .collect();
    let by = match leading.as_slice() {
        [] => ", by an unknown interceptor".to_owned(),
        [one] => format!(", by {one}"),
        tie => format!(", by one of {}", listed(tie)),
    };
    let whole = subjects.iter().all(|s| !s.verdict.partly);
    let what = if whole { "TLS is decrypted" } else { "TLS is partly decrypted" };
    let proofs = subjects.iter().flat_map(|subject| &subject.judged.pieces).filter(|piece| piece.is_against(Class::A));
    let confidence = proofs.clone().map(|piece| piece.sign.confidence).max().unwrap_or(Confidence::Weak);
    let effects: Vec<String> = side_effects(subjects).iter().map(|title| in_sentence(title)).collect();
    let effects = (!effects.is_empty()).then(|| format!("With it comes: {}", listed(&effects)));
    let because = reasons(proofs.map(|piece| crate::text::sentence(&piece.sign.detail)).chain(effects));
    Finding {
        id: "tls-decryption".to_owned(),
        state: State::Intercepted,
        confidence,
        title: format!("{what} {}{by}", share(subjects.len(), all)),
        breaks: features(record, subjects, "https").into_iter().map(|name| format!("{name} (at risk)")).collect(),
        hosts: names(subjects),
        action: bypass(&who, subjects, knowledge),
        who,
        because,
    }
}

/// The candidates of all hosts of a group, with the highest confidence that any host gives them.
fn ranked(subjects: &[Subject<'_>]) -> Vec<Attribution> {
    let mut ranked: Vec<Attribution> = Vec::new();
    for candidate in subjects.iter().flat_map(|subject| &subject.verdict.attribution) {
        match ranked.iter_mut().find(|known| known.product == candidate.product && known.vendor == candidate.vendor) {
            Some(known) => {
                known.confidence = known.confidence.max(candidate.confidence);
                let new: Vec<String> =
                    candidate.because.iter().filter(|b| !known.because.contains(b)).cloned().collect();
                known.because.extend(new);
                known.because.truncate(6);
            }
            None => ranked.push(candidate.clone()),
        }
    }
    ranked.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.product.cmp(&b.product)));
    ranked
}

fn bypass(who: &[Attribution], subjects: &[Subject<'_>], knowledge: &Knowledge) -> String {
    let named = who.first().filter(|first| first.confidence > 0.0);
    match named {
        Some(first) => match knowledge.interceptor(&first.product).and_then(|i| i.bypass.as_deref()) {
            Some(template) => format!("On {}: {}.", first.product, action(template, subjects)),
            None => action(&format!("Exempt {{hosts}} from TLS decryption on {}.", first.product), subjects),
        },
        None => action(
            "Ask who runs this certificate authority, give its key a name in the configuration, and exempt {hosts} from \
             TLS decryption there.",
            subjects,
        ),
    }
}

/// One path, two treatments: the likeliest reason for "it works for me".
fn partly(record: &Record, decrypted: &[Subject<'_>], knowledge: &Knowledge) -> Option<Finding> {
    let subjects: Vec<Subject<'_>> = decrypted.iter().copied().filter(|s| s.verdict.partly).collect();
    if subjects.is_empty() {
        return None;
    }
    let who = ranked(&subjects);
    Some(Finding {
        id: "partly-decrypted".to_owned(),
        state: State::Intercepted,
        confidence: Confidence::Strong,
        title: format!("Only a part of the connections to {} is decrypted", counted(subjects.len(), "host")),
        because: reasons(subjects.iter().map(treatment)),
        breaks: features(record, &subjects, "https")
            .into_iter()
            .map(|name| format!("{name} (differs between programs)"))
            .collect(),
        hosts: names(&subjects),
        action: bypass(&who, &subjects, knowledge),
        who,
    })
}

fn treatment(subject: &Subject<'_>) -> String {
    let view = &subject.judged.view;
    let of = |settled: Settled| -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (index, connection) in view.host.connections.iter().enumerate() {
            if view.settled(index) == settled {
                let transport = if connection.transport == Transport::Quic { "QUIC" } else { "TCP" };
                let name = crate::text::quoted(&format!("{} ({} {})", transport, connection.check, connection.purpose));
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    };
    let quic_only = |settled: Settled| {
        let mut with =
            view.host.connections.iter().enumerate().filter(|(index, _)| view.settled(*index) == settled).peekable();
        with.peek().is_some() && with.all(|(_, connection)| connection.transport == Transport::Quic)
    };
    let host = &subject.verdict.host;
    if quic_only(Settled::Whole) {
        return format!("{host}: TCP is decrypted, QUIC is not");
    }
    format!("{host}: decrypted: {}; not decrypted: {}", listed(&of(Settled::Ended)), listed(&of(Settled::Whole)))
}

/// The reflector stands for other traffic, which nobody exempted.
fn reflector(all: &[Subject<'_>], service: &[Subject<'_>], knowledge: &Knowledge) -> Option<Finding> {
    let subject = *all.iter().find(|subject| !subject.is_service() && subject.verdict.state == State::Intercepted)?;
    let intact = service.iter().filter(|s| matches!(s.verdict.state, State::Intact | State::Degraded)).count();
    let who = subject.verdict.attribution.clone();
    let by = who
        .first()
        .filter(|a| a.confidence > 0.0)
        .map(|a| format!(" by {} ({:.2})", a.product, a.confidence))
        .unwrap_or_default();
    let bypassed = intact > 0 && intact == service.len() && !subject.judged.view.context.certificate_borrowed;
    let title = if bypassed {
        format!("The service is not decrypted here; other traffic is decrypted{by}")
    } else {
        format!("Traffic to the reflector is decrypted{by}")
    };
    let proofs = subject.judged.pieces.iter().filter(|piece| piece.is_against(Class::A));
    Some(Finding {
        id: "control-decrypted".to_owned(),
        // Where the service's hosts are exempt, this is the contrast and not the trouble.
        state: if bypassed { State::Intact } else { State::Intercepted },
        confidence: proofs.clone().map(|piece| piece.sign.confidence).max().unwrap_or(Confidence::Weak),
        title,
        because: reasons(proofs.map(|piece| piece.sign.detail.clone())),
        breaks: Vec::new(),
        hosts: names(&[subject]),
        action: if bypassed {
            "Nothing to do for this service: its bypass works.".to_owned()
        } else {
            let hosts = if service.is_empty() { vec![subject] } else { service.to_vec() };
            bypass(&who, &hosts, knowledge)
        },
        who,
    })
}
