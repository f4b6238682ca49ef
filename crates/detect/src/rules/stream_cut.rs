use model::{Confidence, FailureKind, Operation};

use super::unreachable::words;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: an event stream ended before its last event, or never began although TLS and plain requests work.
    ///
    /// Why it is proof: the far end was asked for a number of events and ends the stream by itself after the last one.
    ///
    /// What can fool it: a far end that was restarted in that moment.
    ///
    /// Source: WHATWG HTML, server-sent events; RFC 9112 section 8 (incomplete messages).
    "stream-cut", E, "Event streams are cut", look, Some("stream"),
    "Let long responses from {hosts} run without a time limit, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.host.target.promises.stream.is_none() {
        return Vec::new();
    }
    if let Some(failure) = view.host.stream.failure() {
        let asked = matches!(failure.operation, Operation::Request | Operation::Body | Operation::Exchange);
        let ended = matches!(failure.kind, FailureKind::Timeout | FailureKind::Reset | FailureKind::Closed);
        if asked && ended && view.tcp_works() {
            let detail = format!("an event stream did not begin: {}", words(failure));
            return vec![Sign::against(Confidence::Strong, detail)];
        }
        return Vec::new();
    }
    let Some(stream) = view.host.stream.seen() else { return Vec::new() };
    let connection = stream.exchange.connection;
    let given = stream.exchange.status == 200;
    if !given && !view.can_be_altered(connection) {
        return vec![
            Sign::silent(format!("the service itself answered the event stream with status {}", stream.exchange.status))
                .on(vec![connection]),
        ];
    }
    if given && stream.complete {
        return Vec::new();
    }
    let endless = stream.broke.as_ref().is_some_and(|failure| failure.kind == FailureKind::TooLarge);
    let detail = if given && endless {
        format!("the event stream did not end after its {} events", stream.promised_events)
    } else if given {
        format!("the event stream was cut after {} of {} events", stream.event_ms.len(), stream.promised_events)
    } else {
        format!("the event stream was answered with status {}", stream.exchange.status)
    };
    vec![Sign::against(Confidence::Strong, detail).on(vec![connection])]
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, against};

    #[test]
    fn a_stream_that_ends_early_was_cut() {
        let mut record = testing::clean();
        let stream = testing::stream(&mut record.hosts[0]);
        stream.event_ms.truncate(2);
        stream.complete = false;
        assert_eq!(against(&record, 0), ["stream-cut"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
    }
}
