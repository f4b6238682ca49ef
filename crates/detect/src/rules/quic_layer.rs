//! How far QUIC got, layer by layer: one answer, of which each QUIC rule takes one case.

use model::{Attempt, Failure, FailureKind, HttpExchange, Milliseconds, Operation};

use super::alt_svc_stripped::announces_http3;
use crate::rules::Sign;
use crate::view::View;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Layer {
    /// No datagram came back.
    Blocked,
    /// The network said that it is not allowed.
    Rejected,
    /// The far end answers version negotiation and nothing else.
    NegotiationOnly,
    /// The handshake began and did not end.
    NoHandshake,
    /// The handshake ended, and the transfer after it stopped; after how long.
    Stalled(Milliseconds),
    /// The handshake ended, and HTTP/3 was not spoken.
    NoHttp3,
}

pub(super) struct Seen {
    pub(super) layer: Layer,
    pub(super) connections: Vec<usize>,
}

/// `None` where QUIC works, is not promised, was not tried, or nothing over TCP shows that the host is there at all.
pub(super) fn seen(view: &View<'_>) -> Option<Seen> {
    let quic = view.quic()?;
    if !view.host.target.promises.http3 || !view.tcp_works() || no_longer_offered(view) {
        return None;
    }
    let connections: Vec<usize> = quic.connection.into_iter().collect();
    let handshake = quic.connection.and_then(|index| view.connection(index)).map(|connection| &connection.tls);
    let layer = match handshake {
        Some(Attempt::Seen(_)) => after_handshake(&quic.http3)?,
        Some(Attempt::Failed(failure)) => {
            let negotiates = quic.version_negotiation.seen().is_some();
            if quic.handshake_datagrams_received > 0 || matches!(failure.kind, FailureKind::Alert(_)) {
                Layer::NoHandshake
            } else if negotiates {
                Layer::NegotiationOnly
            } else if rejected(failure) || quic.version_negotiation.failure().is_some_and(rejected) {
                Layer::Rejected
            } else if failure.kind == FailureKind::Local {
                return None;
            } else {
                Layer::Blocked
            }
        }
        _ => return None,
    };
    Some(Seen { layer, connections })
}

fn rejected(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Refused | FailureKind::Unreachable)
}

fn after_handshake(http3: &Attempt<model::Http3>) -> Option<Layer> {
    let stopped =
        |failure: &Failure| matches!(failure.kind, FailureKind::Timeout | FailureKind::Closed | FailureKind::Reset);
    match http3 {
        Attempt::Seen(http3) => {
            let failure = http3.sustained.failure().filter(|failure| stopped(failure))?;
            Some(Layer::Stalled(failure.after_ms))
        }
        Attempt::Failed(failure) if failure.kind == FailureKind::Timeout && failure.operation != Operation::Connect => {
            Some(Layer::Stalled(failure.after_ms))
        }
        Attempt::Failed(_) => Some(Layer::NoHttp3),
        Attempt::NotTried(_) | Attempt::NotApplicable(_) => None,
    }
}

/// On a connection that ends at the service, the service itself says whether it offers HTTP/3 today.
fn no_longer_offered(view: &View<'_>) -> bool {
    let whole: Vec<&HttpExchange> = view
        .exchanges()
        .into_iter()
        .filter(|e| view.is_whole(e.connection) && (200..400).contains(&e.status))
        .collect();
    view.host.target.promises.alt_svc && !whole.is_empty() && !whole.iter().any(|exchange| announces_http3(exchange))
}

/// What the fallback to TCP costs, and where the figure comes from.
pub(super) fn cost(view: &View<'_>) -> String {
    if let Some(saves) = view.context.quic_saves.filter(|saves| saves.0 > 0.0) {
        format!("; each new connection takes {saves} longer (measured on hosts where QUIC works)")
    } else if let Some(round_trip) = view.context.round_trip {
        format!(
            "; each new connection takes one round trip more, about {round_trip} here (derived from the TCP connections)"
        )
    } else {
        String::new()
    }
}

pub(super) fn sign(seen: Seen, detail: String) -> Sign {
    Sign::against(model::Confidence::Strong, detail).on(seen.connections)
}
