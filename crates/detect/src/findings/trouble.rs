//! What was altered, what stands on the path, and what does not work: one finding for each rule.

use model::{Attribution, Class, Finding, Leaning, Record, State};

use super::{Subject, action, advice, by_host, features, names, share};
use crate::rules::{PORTAL, Piece, Reach, Rule, rules};
use crate::view::Settled;

pub(super) fn findings(record: &Record, all: &[Subject<'_>]) -> Vec<Finding> {
    let service: Vec<Subject<'_>> = all.iter().copied().filter(Subject::is_service).collect();
    // Where a portal answers in the service's stead, what else is missing is missing because of that.
    let (portals, others): (Vec<_>, Vec<_>) = service.iter().copied().partition(Subject::is_behind_portal);
    let far_end: Vec<Subject<'_>> = all.iter().copied().filter(|subject| !subject.is_service()).collect();
    // What other traffic meets beside a service that is proven to be spared is the contrast and not the trouble.
    let spared = !service.is_empty()
        && service.iter().all(|subject| matches!(subject.verdict.state, State::Intact | State::Degraded));
    let with_rule = |rule: &'static Rule| {
        let own = if rule.id == PORTAL { &portals } else { &others };
        let of_service = finding(record, rule, own, Some(service.len()));
        let told_here = rule.reach != Reach::Service && !REWRITTEN.contains(&rule.id);
        let of_far_end = told_here.then(|| finding(record, rule, &far_end, None)).flatten();
        let of_far_end = of_far_end.map(|finding| match (rule.class, rule.reach) {
            (Class::B, Reach::FarEnd) if spared => {
                Finding { state: State::Intact, breaks: Vec::new(), action: SPARED.to_owned(), ..finding }
            }
            // It is the service's hosts that have to be spared, and what people do on them that suffers.
            (Class::B | Class::D, Reach::FarEnd) if !service.is_empty() => {
                let breaks = rule.breaks.map(|need| features(record, &service, need)).unwrap_or_default();
                Finding { breaks, action: action(rule.action, &service), ..finding }
            }
            (_, Reach::Line) => {
                let breaks = rule.breaks.map(|need| features(record, &service, need)).unwrap_or_default();
                Finding { breaks, ..finding }
            }
            _ => finding,
        });
        of_service.into_iter().chain(of_far_end)
    };
    let own = |rule: &&'static Rule| rule.class != Class::A;
    rules().iter().copied().filter(own).flat_map(with_rule).chain(rewritten(&far_end, &service, spared)).collect()
}

/// What whoever writes HTTP anew does to it, each by itself too small for a finding of its own.
const REWRITTEN: [&str; 6] =
    ["header-added", "header-removed", "header-altered", "header-order", "http-translated", "trailers-lost"];

/// All of that in one finding: what arrives at the reflector is not what was sent.
fn rewritten(far_end: &[Subject<'_>], service: &[Subject<'_>], spared: bool) -> Option<Finding> {
    let speaks = |piece: &&Piece| REWRITTEN.contains(&piece.rule.id) && piece.sign.leaning == Leaning::Against;
    let pieces = || far_end.iter().flat_map(|subject| subject.judged.pieces.iter().filter(speaks));
    let confidence = pieces().map(|piece| piece.sign.confidence).max()?;
    let first = pieces().next()?;
    Some(Finding {
        id: "http-rewritten".to_owned(),
        state: if spared { State::Intact } else { State::Manipulated },
        confidence,
        title: "HTTP is written anew on the way, seen at the reflector".to_owned(),
        who: who(far_end, first.rule),
        because: super::reasons(pieces().map(|piece| crate::text::sentence(&piece.sign.detail))),
        breaks: Vec::new(),
        hosts: names(far_end),
        action: if spared { SPARED.to_owned() } else { action("Exempt {hosts} from HTTP inspection.", service) },
    })
}

const SPARED: &str = "Nothing to do for this service: it is spared what happens to other traffic.";

/// `of` how many hosts of the service; `None` at the reflector.
fn finding(record: &Record, rule: &Rule, subjects: &[Subject<'_>], of: Option<usize>) -> Option<Finding> {
    let speaks = |piece: &&Piece| piece.rule.id == rule.id && piece.sign.leaning == Leaning::Against;
    let affected: Vec<Subject<'_>> =
        subjects.iter().copied().filter(|subject| subject.judged.pieces.iter().any(|piece| speaks(&piece))).collect();
    let pieces =
        || affected.iter().flat_map(|subject| subject.judged.pieces.iter().filter(speaks).map(move |p| (subject, p)));
    let confidence = pieces().map(|(_, piece)| piece.sign.confidence).max()?;
    // What decryption alone takes away, and no feature lives on, is told with the decryption.
    let told_elsewhere = rule.reach == Reach::Service && rule.class != Class::D;
    if rule.breaks.is_none() && told_elsewhere && affected.iter().all(decrypted) {
        return None;
    }
    let because = by_host(pieces().map(|(subject, piece)| (subject, piece.sign.detail.clone())).collect());
    Some(Finding {
        id: rule.id.to_owned(),
        state: state(rule.class),
        confidence,
        title: match of {
            Some(of) => format!("{} {}", rule.title, share(affected.len(), of)),
            None => format!("{}, seen at the reflector", rule.title),
        },
        who: who(&affected, rule),
        because,
        breaks: rule.breaks.map(|need| features(record, &affected, need)).unwrap_or_default(),
        hosts: names(&affected),
        action: action(&advice(rule.action, pieces().map(|(_, piece)| &piece.sign)), &affected),
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
    let silent = |rule: &&&Rule| {
        matches!(rule.class, Class::B | Class::E) && rule.breaks.is_none() && rule.reach == Reach::Service && seen(rule)
    };
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
