use model::{Confidence, WebSocketAnswer, WebSocketSession};

use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the opening handshake of a WebSocket is refused with a status that the service would not answer,
    /// or accepted with a key that does not fit. Status 426 is the mark of a proxy that removed the Upgrade header on
    /// its way: the service never learned that a WebSocket was wanted.
    ///
    /// Why it is proof: the profile says how the service answers. On a connection that is proven to end at the service
    /// the refusal is the service's own, and is told without blaming the path.
    ///
    /// What can fool it: a profile that is out of date, on a connection that could not be proven.
    ///
    /// Source: RFC 6455 sections 4.1 and 4.2.2; RFC 9110 section 15.5.22 (426).
    "websocket-refused", E, "WebSockets are refused", look, Some("websocket"),
    "Let the Upgrade and Connection headers pass to {hosts}, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(promise) = &view.host.target.promises.websocket else { return Vec::new() };
    let Some(session) = view.host.websocket.seen().and_then(|websocket| websocket.http1.seen()) else { return Vec::new() };
    let Some(detail) = refusal(session, &promise.answer) else { return Vec::new() };
    let sign = if !view.can_be_altered(session.connection) {
        Sign::silent(format!("{detail}; it is the service's own answer, for all that its certificate tells"))
    } else {
        Sign::against(Confidence::Strong, detail)
    };
    vec![sign.on(vec![session.connection])]
}

fn refusal(session: &WebSocketSession, promised: &WebSocketAnswer) -> Option<String> {
    let opened = session.status == 101;
    let expected = match promised {
        WebSocketAnswer::Echo | WebSocketAnswer::Open => opened,
        WebSocketAnswer::Refuse(statuses) => opened || statuses.contains(&session.status),
    };
    if opened && session.accept_matches == Some(false) {
        return Some("the WebSocket was accepted with a key that does not fit the one sent".to_owned());
    }
    if expected {
        return None;
    }
    Some(match session.status {
        426 => "the WebSocket upgrade did not arrive: status 426 (Upgrade Required) came back".to_owned(),
        status => format!("the WebSocket was refused with status {status}"),
    })
}

#[cfg(test)]
mod tests {
    use model::WebSocketAnswer;

    use crate::testing::{self, against, silent};

    #[test]
    fn a_removed_upgrade_header_is_a_refusal() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(!against(&record, 0).contains(&"websocket-refused".to_owned()));
        testing::websocket_refused(&mut record.hosts[0], 426);
        assert!(against(&record, 0).contains(&"websocket-refused".to_owned()));
    }

    #[test]
    fn the_services_own_refusal_does_not_blame_the_path() {
        let mut record = testing::clean();
        testing::websocket_refused(&mut record.hosts[0], 503);
        assert!(against(&record, 0).is_empty());
        assert!(silent(&record, 0).contains(&"websocket-refused".to_owned()));
    }

    #[test]
    fn a_refusal_that_the_profile_expects_got_there() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        testing::websocket_refused(&mut record.hosts[0], 401);
        let promise = record.hosts[0].target.promises.websocket.as_mut().expect("a promise");
        promise.answer = WebSocketAnswer::Refuse(vec![400, 401]);
        assert!(!against(&record, 0).contains(&"websocket-refused".to_owned()));
    }
}
