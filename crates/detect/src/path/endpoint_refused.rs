use model::{Attempt, Confidence, EndpointAnswer, FailureKind, Operation};

use super::{PathSign, PathView};
use crate::attribution::of_headers;
use crate::rules::{Sign, is_proxy};
use crate::text::{listed, listed_up_to, quoted};

path_rule! {
    /// What it shows: a required name of the endpoint list was answered with 407, or with 403 or 5xx and the Server or Via
    /// header of a proxy.
    ///
    /// Why it is proof: the service does not say 407, and its own errors do not carry a proxy's name. It is the rule of the
    /// service's own test tool, which counts 407 and 403.
    ///
    /// What can fool it: an endpoint that itself runs behind such a proxy.
    ///
    /// Source: Microsoft 365 network connectivity test, connectivity of required endpoints (2025-04-02).
    "endpoint-refused", E, "A proxy refuses required endpoints", look,
    "Let {hosts} pass the proxy without a sign-in and without a filter."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let endpoints = view.record.endpoints.seen().map(Vec::as_slice).unwrap_or_default();
    let refused: Vec<(&EndpointAnswer, String)> =
        endpoints.iter().filter_map(|endpoint| Some((endpoint, refusal(view, endpoint)?))).collect();
    if refused.is_empty() {
        return Vec::new();
    }
    let mut answers: Vec<String> = Vec::new();
    for (_, answer) in &refused {
        if !answers.contains(answer) {
            answers.push(answer.clone());
        }
    }
    answers.truncate(3);
    let hosts: Vec<String> = refused.iter().map(|(e, _)| format!("{}:{}", e.host, e.port)).collect();
    let who = refused.iter().filter_map(|(endpoint, _)| endpoint.outcome.seen());
    let who = who.map(|status| of_headers(status.server.as_deref(), status.via.as_deref(), view.knowledge));
    let of = format!("{} of {} names of the list", hosts.len(), endpoints.len());
    let detail = format!("{of} were answered with {}: {}", listed(&answers), listed_up_to(&hosts, 6));
    vec![PathSign {
        sign: Sign::against(Confidence::Strong, detail),
        hosts,
        who: who.into_iter().find(|who| !who.is_empty()).unwrap_or_default(),
    }]
}

fn refusal(view: &PathView<'_>, endpoint: &EndpointAnswer) -> Option<String> {
    match &endpoint.outcome {
        Attempt::Seen(answer) if answer.status == 407 => Some("status 407 (a sign-in to a proxy)".to_owned()),
        Attempt::Seen(answer) if answer.status == 403 || (500..600).contains(&answer.status) => {
            let known = || !of_headers(None, answer.via.as_deref(), view.knowledge).is_empty();
            let proxy = answer.server.as_deref().filter(|server| is_proxy(server)).or(answer.via.as_deref().filter(|_| known()))?;
            Some(format!("status {} of a proxy ({})", answer.status, quoted(proxy)))
        }
        Attempt::Failed(failure) if failure.operation == Operation::Proxy => match failure.kind {
            FailureKind::Status(status) => Some(format!("status {status} to CONNECT")),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Failure, FailureKind, Operation};

    use crate::testing::{self, path_against};

    #[test]
    fn a_proxys_own_answer_is_a_refusal() {
        let mut record = testing::clean();
        record.endpoints = testing::endpoints(&["a.example", "b.example"]);
        let mut with = |status: u16, server: Option<&str>, via: Option<&str>| {
            let answer = testing::seen(&mut testing::seen(&mut record.endpoints)[0].outcome);
            (answer.status, answer.server, answer.via) = (status, server.map(str::to_owned), via.map(str::to_owned));
            path_against(&record)
        };
        assert!(with(403, Some("Microsoft-IIS/10.0"), None).is_empty(), "the service itself");
        assert!(with(200, Some("squid/5.7"), None).is_empty(), "it passed");
        assert_eq!(with(407, None, None), ["endpoint-refused"]);
        assert_eq!(with(403, Some("squid/5.7"), None), ["endpoint-refused"]);
        assert_eq!(with(503, None, Some("1.1 gw (squid/5.7)")), ["endpoint-refused"]);
        assert!(with(503, Some("AkamaiGHost"), Some("1.1 varnish")).is_empty());
    }

    #[test]
    fn an_answer_to_connect_is_one_too() {
        let mut record = testing::clean();
        record.endpoints = testing::endpoints(&["a.example", "b.example"]);
        let mut with = |operation: Operation, kind: FailureKind| {
            let failed = Failure { operation, ..testing::failure(kind) };
            testing::seen(&mut record.endpoints)[0].outcome = Attempt::Failed(failed);
            path_against(&record)
        };
        for status in [403, 407] {
            assert_eq!(with(Operation::Proxy, FailureKind::Status(status)), ["endpoint-refused"], "{status}");
        }
        assert_eq!(with(Operation::Proxy, FailureKind::Timeout), ["endpoint-unreachable"], "the proxy said nothing");
        assert_eq!(with(Operation::Handshake, FailureKind::Reset), ["endpoint-unreachable"]);
    }
}
