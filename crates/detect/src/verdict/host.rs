//! The verdict over one host: the weightiest of what is against it, or positive proof.

use model::{Class, Confidence, HostVerdict, Leaning, State};

use super::connection::connections;
use crate::judge::Judged;
use crate::view::Settled;

pub(crate) fn host(judged: &Judged<'_>) -> HostVerdict {
    let target = &judged.view.host.target;
    let (state, confidence, reason) = state(judged);
    let settled = |wanted| (0..judged.view.host.connections.len()).any(|index| judged.view.settled(index) == wanted);
    HostVerdict {
        host: target.host.clone(),
        port: target.port,
        workload: target.workload.clone(),
        is_reflector: judged.view.is_reflector(),
        state,
        confidence,
        reason,
        partly: state == State::Intercepted && settled(Settled::Whole),
        evidence: judged.pieces.iter().map(crate::rules::Piece::evidence).collect(),
        attribution: Vec::new(),
        solutions: Vec::new(),
        connections: connections(judged),
    }
}

fn state(judged: &Judged<'_>) -> (State, Confidence, Option<String>) {
    for (class, state) in [(Class::A, State::Intercepted), (Class::B, State::Manipulated), (Class::E, State::Degraded)]
    {
        let against = judged.pieces.iter().filter(|piece| piece.is_against(class));
        if let Some(confidence) = against.map(|piece| piece.sign.confidence).max() {
            let portal = state == State::Manipulated && judged.view.context.portal.is_some();
            let reason = portal.then(|| "a captive portal answers".to_owned());
            return (state, confidence, reason);
        }
    }
    match open_question(judged) {
        None => (State::Intact, proof(judged), None),
        Some(reason) => (State::Unknown, Confidence::Weak, Some(reason)),
    }
}

/// What keeps the host from being called intact: something that bars it, a completed handshake that nothing vouches
/// for, or no proof at all. A resumed session shows nothing and keeps nothing from anybody.
fn open_question(judged: &Judged<'_>) -> Option<String> {
    let view = &judged.view;
    if let Some(piece) = judged.pieces.iter().find(|piece| piece.sign.bars) {
        return Some(piece.sign.detail.clone());
    }
    let open = view.connections(|c| c.tls.seen().is_some_and(|tls| !(tls.resumed && c.chain.is_none())));
    let open: Vec<usize> = open.into_iter().filter(|index| view.settled(*index) == Settled::Open).collect();
    let whole = (0..view.host.connections.len()).any(|index| view.is_whole(index));
    if whole && open.is_empty() {
        return None;
    }
    let silent = || judged.pieces.iter().filter(|piece| piece.sign.leaning == Leaning::Silent);
    let about_open = silent().find(|piece| open.iter().any(|index| piece.concerns(*index)));
    let said = about_open.or_else(|| silent().find(|_| !whole)).map(|piece| piece.sign.detail.clone());
    Some(said.unwrap_or_else(|| untried(judged)))
}

fn untried(judged: &Judged<'_>) -> String {
    let host = judged.view.host;
    let reflector = judged.view.reflector.map(|reflector| &reflector.hybrid);
    let reasons = [untried_why(&host.tls), untried_why(&host.tcp), reflector.and_then(untried_why)];
    match reasons.into_iter().flatten().next() {
        Some(why) => format!("not tried: {}", crate::text::quoted(why)),
        None => "nothing was seen that proves who ends TLS".to_owned(),
    }
}

fn untried_why<T>(attempt: &model::Attempt<T>) -> Option<&str> {
    match attempt {
        model::Attempt::NotTried(why) | model::Attempt::NotApplicable(why) => Some(why),
        _ => None,
    }
}

/// An unexpected issuer, or a public chain without timestamps, is proof of the second rank.
fn proof(judged: &Judged<'_>) -> Confidence {
    let doubt = judged.pieces.iter().any(|piece| piece.sign.doubts);
    let proving = judged.pieces.iter().filter(|piece| piece.sign.proves);
    let rank = proving.map(|piece| piece.sign.confidence).min().unwrap_or(Confidence::Weak);
    if doubt { rank.min(Confidence::Strong) } else { rank }
}
