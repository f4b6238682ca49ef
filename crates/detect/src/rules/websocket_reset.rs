use model::{Confidence, FailureKind, Operation, WebSocketEnd};

use super::unreachable::words;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: TLS is there, and the connection is reset, closed or left without an answer when a WebSocket is
    /// asked for, or soon after it opened.
    ///
    /// Why it is proof: plain requests to the same host are answered. A device that knows the upgrade by its size or
    /// its timing, or one that decrypts, ends it.
    ///
    /// What can fool it: a service whose WebSocket side is down.
    ///
    /// Source: RFC 6455 sections 4.1 and 7.1.5 (1006: closed without a close frame).
    "websocket-reset", E, "WebSockets are reset", look, Some("websocket"),
    "Allow WebSockets to {hosts} on the devices of the path, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let (true, Some(websocket)) = (view.host.target.promises.websocket.is_some(), view.host.websocket.seen()) else {
        return Vec::new();
    };
    if let Some(failure) = websocket.http1.failure() {
        let asked = matches!(failure.operation, Operation::Request | Operation::Body | Operation::Exchange);
        let ended = matches!(failure.kind, FailureKind::Reset | FailureKind::Closed | FailureKind::Timeout);
        if asked && ended && view.tcp_works() {
            return vec![Sign::against(Confidence::Strong, format!("a WebSocket could not be opened: {}", words(failure)))];
        }
        return Vec::new();
    }
    let Some(session) = websocket.http1.seen().filter(|session| session.status == 101) else { return Vec::new() };
    let end = match &session.end {
        WebSocketEnd::Reset => "reset",
        WebSocketEnd::Cut => "cut without a close frame",
        WebSocketEnd::Broken(_) => "broken by octets that are no WebSocket frames",
        _ => return Vec::new(),
    };
    let detail = format!("the WebSocket opened and was {end} after {}", session.open_ms);
    vec![Sign::against(Confidence::Strong, detail).on(vec![session.connection])]
}

#[cfg(test)]
mod tests {
    use model::{Attempt, FailureKind, Operation, State, WebSocketEnd};

    use crate::testing::{self, against};

    #[test]
    fn a_websocket_that_is_reset_is_a_degraded_path() {
        let mut record = testing::clean();
        testing::websocket(&mut record.hosts[0], |session| session.end = WebSocketEnd::Reset);
        assert!(against(&record, 0).contains(&"websocket-reset".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
    }

    #[test]
    fn a_handshake_that_fails_is_no_matter_of_websockets() {
        let mut record = testing::clean();
        let mut with = |operation| {
            let failure = model::Failure { operation, ..testing::failure(FailureKind::Reset) };
            testing::websocket_record(&mut record.hosts[0]).http1 = Attempt::Failed(failure);
            against(&record, 0).contains(&"websocket-reset".to_owned())
        };
        assert!(with(Operation::Request));
        assert!(!with(Operation::Handshake));
    }
}
