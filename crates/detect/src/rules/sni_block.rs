//! A handshake that dies because of the name in it, told apart from a host that is dead.

use model::{Attempt, Confidence, Connection, FailureKind, Operation, Transport};

use crate::rules::Sign;
use crate::view::View;

/// Both hellos with the name failed in one of these ways, and what the hello without a name met.
pub(super) fn look(view: &View<'_>, fails: fn(&FailureKind) -> bool, how: &str) -> Vec<Sign> {
    let (Some((hybrid, large)), Some((classic, small))) = (view.hybrid(), view.classic()) else { return Vec::new() };
    let died = |c: &Connection| c.tls.failure().is_some_and(|f| f.operation == Operation::Handshake && fails(&f.kind));
    let opened = |c: &Connection| c.connect_ms.is_some();
    // The name passed on another connection: the path is slow or overloaded, and no rule about names.
    let passed = |c: &Connection| c.sni.is_some() && c.transport == Transport::Tcp && c.tls.seen().is_some();
    if !(died(large) && died(small) && opened(small)) || view.host.connections.iter().any(passed) {
        return Vec::new();
    }
    let without = view.host.tls.seen().map(|tls| &tls.without_sni);
    let nameless = match without {
        Some(Attempt::Seen(index)) => view.connection(*index),
        _ => None,
    };
    let answered = nameless.is_some_and(|c| {
        c.tls.seen().is_some() || c.tls.failure().is_some_and(|f| matches!(f.kind, FailureKind::Alert(_)))
    });
    let named = vec![hybrid, classic];
    if answered {
        let detail = format!("the handshake is {how} when it names the host, and is answered when it does not");
        vec![Sign::against(Confidence::Strong, detail).on(named)]
    } else if nameless.is_none() && view.context.something_works {
        // Where the nameless hello died too, the name is not the reason.
        let detail = format!("TCP opens, the handshake that names the host is {how}, and other hosts work");
        vec![Sign::against(Confidence::Weak, detail).on(named)]
    } else {
        Vec::new()
    }
}
