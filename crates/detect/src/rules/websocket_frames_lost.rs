use model::{Attempt, Confidence, WebSocketAnswer, WebSocketEnd};

use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the WebSocket opened with status 101, and frames do not come back, or a large one comes back
    /// damaged: the upgrade alone says nothing about the life after it.
    ///
    /// Why it is proof: the far end sends every frame back as it came.
    ///
    /// What can fool it: a far end that promises to echo and does not.
    ///
    /// Source: RFC 6455 sections 5 and 6.
    "websocket-frames-lost", E, "WebSocket frames are lost", look, Some("websocket"),
    "Exempt {hosts} from WebSocket inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(promise) = &view.host.target.promises.websocket else { return Vec::new() };
    let Some(session) = view.host.websocket.seen().and_then(|websocket| websocket.http1.seen()) else { return Vec::new() };
    if session.status != 101 || promise.answer != WebSocketAnswer::Echo {
        return Vec::new();
    }
    if matches!(session.end, WebSocketEnd::Reset | WebSocketEnd::Cut | WebSocketEnd::Broken(_)) {
        return Vec::new();
    }
    let detail = match (&session.small_frame_ms, &session.large_frame_ms) {
        (Attempt::Failed(_), _) => "the WebSocket opened, but frames do not come back",
        (_, Attempt::Failed(_)) => "small WebSocket frames pass, but a large one does not come back whole",
        _ => return Vec::new(),
    };
    vec![Sign::against(Confidence::Strong, detail).on(vec![session.connection])]
}

#[cfg(test)]
mod tests {
    use model::{Attempt, FailureKind, State, WebSocketEnd};

    use crate::testing::{self, against};

    #[test]
    fn an_upgrade_without_frames_is_a_degraded_path() {
        let mut record = testing::clean();
        testing::websocket(&mut record.hosts[0], |session| {
            session.small_frame_ms = Attempt::Failed(testing::failure(FailureKind::Timeout));
            session.end = WebSocketEnd::Stalled;
        });
        assert_eq!(against(&record, 0), ["websocket-frames-lost"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
    }
}
