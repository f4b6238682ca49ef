use model::Confidence;

use super::unreachable::words;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the service takes WebSockets over HTTP/2 (extended CONNECT), and that fails here while HTTP/1.1
    /// works: each WebSocket costs a connection of its own.
    ///
    /// Why it is proof: both were tried on the same host. Connections that are proven to end at the service are not
    /// counted where the service itself answered.
    ///
    /// What can fool it: a service that turned it off.
    ///
    /// Source: RFC 8441 sections 3 and 4.
    "websocket-http2-lost", E, "WebSockets over HTTP/2 are lost", look, None,
    "Allow HTTP/2 extended CONNECT to {hosts}, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let promised = view.host.target.promises.websocket.as_ref().is_some_and(|promise| promise.http2);
    let (true, Some(websocket)) = (promised, view.host.websocket.seen()) else { return Vec::new() };
    if websocket.http1.seen().is_none_or(|session| session.status != 101) {
        return Vec::new();
    }
    if let Some(failure) = websocket.http2.failure() {
        let detail = format!("a WebSocket over HTTP/2 could not be opened, over HTTP/1.1 it could: {}", words(failure));
        return vec![Sign::against(Confidence::Weak, detail)];
    }
    match websocket.http2.seen() {
        Some(session) if !(200..300).contains(&session.status) && view.can_be_altered(session.connection) => {
            let detail = format!("a WebSocket over HTTP/2 was refused with status {}, over HTTP/1.1 it opened", session.status);
            vec![Sign::against(Confidence::Weak, detail).on(vec![session.connection])]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use model::{Attempt, FailureKind};

    use crate::testing::{self, against};

    #[test]
    fn a_lost_extended_connect_is_told() {
        let mut record = testing::clean();
        testing::websocket_record(&mut record.hosts[0]).http2 = Attempt::Failed(testing::failure(FailureKind::Timeout));
        assert_eq!(against(&record, 0), ["websocket-http2-lost"]);
        testing::websocket_record(&mut record.hosts[1]).http2 = Attempt::not_applicable("HTTP/2 was not negotiated");
        assert!(against(&record, 1).is_empty());
    }
}
