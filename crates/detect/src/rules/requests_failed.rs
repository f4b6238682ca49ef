use model::{Attempt, Confidence, Operation};

use crate::rules::Sign;
use crate::rules::unreachable::words;
use crate::view::View;

rule! {
    /// What it shows: TLS with the host was completed, and yet every plain request to it failed.
    ///
    /// Why it is proof: the requests went over connections of their own, over HTTP/2 and over HTTP/1.1, to a host that takes
    /// connections. People see a page that does not load.
    ///
    /// What can fool it: a far end or a path that was overloaded at that moment. Where the handshakes of those connections
    /// failed, and not the requests, it is weak.
    ///
    /// Source: RFC 9110 section 7.6 (what an intermediary may do with messages).
    "requests-failed", E, "Requests fail", look, Some("https"),
    "Look for a device that lets connections to {hosts} open and then ends or starves them, such as a proxy with a limit on connections or on rate."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(http) = view.host.http.seen() else { return Vec::new() };
    let (Some(first), Some(second)) = (http.preferred.failure(), http.http1.failure()) else { return Vec::new() };
    if !view.tcp_works() {
        return Vec::new();
    }
    let in_request = [first, second].into_iter().all(|failure| failure.operation == Operation::Request);
    let confidence = if in_request { Confidence::Strong } else { Confidence::Weak };
    let connections = view.connections(|c| c.check == "http" && matches!(c.tls, Attempt::Seen(_) | Attempt::Failed(_)));
    vec![Sign::against(confidence, format!("TLS was completed, and all requests failed: {}", words(first))).on(connections)]
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Failure, FailureKind, Milliseconds, Operation, State};

    use crate::testing::{self, against};

    #[test]
    fn a_host_whose_requests_all_fail_is_not_intact() {
        let failed = |operation| {
            let detail = "connection closed".to_owned();
            Attempt::Failed(Failure { operation, kind: FailureKind::Closed, detail, after_ms: Milliseconds(30.0) })
        };
        let mut record = testing::clean();
        testing::seen(&mut record.hosts[0].http).preferred = failed(Operation::Request);
        assert!(!against(&record, 0).contains(&"requests-failed".to_owned()), "one of the two works");
        testing::seen(&mut record.hosts[0].http).http1 = failed(Operation::Handshake);
        assert!(against(&record, 0).contains(&"requests-failed".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Degraded);
    }
}
