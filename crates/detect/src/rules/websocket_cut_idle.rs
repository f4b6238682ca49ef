use model::{Confidence, Milliseconds, WebSocketEnd, WebSocketSession};

use crate::rules::Sign;
use crate::text::seconds;
use crate::view::View;

rule! {
    /// What it shows: a WebSocket that stayed silent was cut before the time that it was to live: chats reconnect again
    /// and again, and miss what was said in between.
    ///
    /// Why it is proof: the service keeps silent connections for longer. A close frame on a connection that is proven
    /// to end at the service is the service's own, and is not counted.
    ///
    /// What can fool it: an idle life that was asked for beyond what the service itself keeps.
    ///
    /// Source: RFC 6455 section 7.1.5; idle times of products in the lab, 2026-11 (10 s to 300 s).
    "websocket-cut-idle", E, "Silent WebSockets are cut", look, Some("websocket"),
    "Raise the idle timeout for TCP connections to {hosts} to 300 s or more on proxies, firewalls and NAT."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.host.target.promises.websocket.is_none() {
        return Vec::new();
    }
    let Some((session, after)) = cut(view) else { return Vec::new() };
    let how = match &session.end {
        WebSocketEnd::CloseFrame(code) if !view.can_be_altered(session.connection) => {
            return vec![
                Sign::silent(format!("the service itself closed a silent WebSocket after {} (code {code})", seconds(after)))
                    .on(vec![session.connection]),
            ];
        }
        WebSocketEnd::CloseFrame(code) => format!("closed with code {code}"),
        WebSocketEnd::Reset => "reset".to_owned(),
        WebSocketEnd::Stalled => "dead without a word".to_owned(),
        _ => "cut without a close frame".to_owned(),
    };
    let detail = format!("a silent WebSocket was {how} after {}", seconds(after));
    vec![Sign::against(Confidence::Strong, detail).on(vec![session.connection])]
}

/// The idle session that ended during its silence, or was found dead after it, and after how long.
pub(crate) fn cut<'a>(view: &View<'a>) -> Option<(&'a WebSocketSession, Milliseconds)> {
    let session = view.host.websocket.seen()?.idle.seen()?;
    let opened = session.status == 101 || session.status == 200;
    let ended = matches!(
        session.end,
        WebSocketEnd::Cut | WebSocketEnd::Reset | WebSocketEnd::Stalled | WebSocketEnd::CloseFrame(_)
    );
    let silence = session.silent_ms.failure()?;
    (opened && ended).then_some((session, silence.after_ms))
}

#[cfg(test)]
mod tests {
    use model::{Attempt, FailureKind, State, WebSocketEnd};

    use crate::testing::{self, against};

    #[test]
    fn a_silent_websocket_that_is_cut_is_a_degraded_path() {
        let mut record = testing::clean();
        testing::idle(&mut record.hosts[0], |session| {
            session.end = WebSocketEnd::Cut;
            session.silent_ms = Attempt::Failed(testing::failure(FailureKind::Closed));
        });
        assert_eq!(against(&record, 0), ["websocket-cut-idle"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        testing::idle(&mut record.hosts[1], |session| {
            session.end = WebSocketEnd::CloseFrame(1001);
            session.silent_ms = Attempt::Failed(testing::failure(FailureKind::Closed));
        });
        assert!(against(&record, 1).is_empty(), "the service's own close frame");
    }
}
