use model::{Attempt, Failure, FailureKind, Operation};

use crate::rules::Sign;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: no connection to the host could be made, so nothing can be said about the path. The step that
    /// failed is named: the name was not resolved, no address took a TCP connection, or the explicit proxy could not
    /// be reached.
    ///
    /// Why it is not proof: a host that is down and a path that is closed look alike from here. It becomes a finding,
    /// and where no host of the service can be reached at all, the exit code says so.
    ///
    /// What can fool it: a resolver that answers with an address that nobody holds looks like a dead host.
    ///
    /// Source: RFC 9293 section 3.5 (connection establishment); RFC 8305 (trying several addresses).
    "unreachable", A, "The host cannot be reached", look, Some("https"),
    "Check that this machine has a network and resolves names, and that TCP port {port} to {hosts} is open on the firewall."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let sign = failure(view).map(|(why, step)| {
        let sign = Sign::silent(format!("not reachable: {why}")).barring();
        let by_proxy = view.record.path.via.is_some() && matches!(step, Operation::Connect | Operation::Proxy);
        if by_proxy { sign.advising(NO_PROXY) } else { sign }
    });
    sign.into_iter().collect()
}

const NO_PROXY: &str = "Check that the explicit proxy runs, that its name and port are right, and that a firewall lets this machine reach it; or run the check without it to see the way past it.";

/// In words, and the step that failed.
fn failure(view: &View<'_>) -> Option<(String, Operation)> {
    if view.tcp_works() {
        return None;
    }
    let host = view.host;
    if let Attempt::Failed(failure) = &host.dns {
        return Some((words(failure), failure.operation));
    }
    let words = |failure: &Failure| match &view.record.path.via {
        Some(via) if failure.operation == Operation::Connect => {
            format!("the explicit proxy {}: {}", quoted(via), words(failure))
        }
        _ => words(failure),
    };
    // A proxy that answers with a status has a rule of its own; one that says nothing, or nonsense, is a way that is closed.
    if let Attempt::Failed(failure) = &host.tcp
        && !(failure.operation == Operation::Proxy && matches!(failure.kind, FailureKind::Status(_)))
    {
        return Some((words(failure), failure.operation));
    }
    let before_tls = |failure: &&Failure| match failure.operation {
        Operation::Resolve | Operation::Connect => true,
        Operation::Proxy => !matches!(failure.kind, FailureKind::Status(_)),
        _ => false,
    };
    let unresolved = host.dns.seen().filter(|dns| !dns.overridden).and_then(|dns| dns.system.failure());
    let checks =
        [host.tls.failure(), host.http.failure(), host.quic.failure(), host.websocket.failure(), host.stream.failure()];
    if host.connections.is_empty()
        && let Some(failure) = checks.into_iter().flatten().find(before_tls).or(unresolved.filter(|_| view.record.path.via.is_none()))
    {
        return Some((words(failure), failure.operation));
    }
    let mut failures = host.connections.iter().filter(|c| c.transport == model::Transport::Tcp).map(|c| c.tls.failure());
    let first = failures.next()??;
    (before_tls(&first) && failures.all(|failure| failure.as_ref().is_some_and(before_tls))).then(|| (words(first), first.operation))
}

pub(crate) fn words(failure: &Failure) -> String {
    let what = match (failure.operation, &failure.kind) {
        (Operation::Resolve, FailureKind::NoSuchName) => "the name does not exist".to_owned(),
        (Operation::Resolve, _) => "the name was not resolved".to_owned(),
        (Operation::Connect, FailureKind::Timeout) => "no answer to the TCP connection attempt".to_owned(),
        (Operation::Connect, FailureKind::Refused) => "the TCP connection was refused".to_owned(),
        (Operation::Connect, FailureKind::Unreachable) => "the network says there is no way there".to_owned(),
        (Operation::Connect, _) => "no TCP connection".to_owned(),
        (Operation::Proxy, FailureKind::Timeout) => "the explicit proxy took the connection and did not answer CONNECT".to_owned(),
        (Operation::Proxy, _) => "the explicit proxy did not open a tunnel".to_owned(),
        (Operation::Handshake, FailureKind::Timeout) => "no answer to the TLS handshake".to_owned(),
        (Operation::Handshake, FailureKind::Reset) => "a reset in answer to the TLS handshake".to_owned(),
        (Operation::Handshake, FailureKind::Closed) => "the connection was closed during the TLS handshake".to_owned(),
        (Operation::Handshake, FailureKind::Alert(code)) => format!("TLS alert {code} in answer to the handshake"),
        (Operation::Handshake, _) => "the TLS handshake failed".to_owned(),
        (Operation::Request, FailureKind::Timeout) => "no response to the request".to_owned(),
        (Operation::Request, _) => "the request got no response".to_owned(),
        (Operation::Body, _) => "the response broke off".to_owned(),
        (Operation::Exchange, _) => "the exchange broke off".to_owned(),
    };
    // The peer's or the library's own words only where the kind does not say it all; with them, and with the time that it
    // took, every host would have a reason of its own.
    let tells_more = failure.operation == Operation::Proxy
        || matches!(failure.kind, FailureKind::Local | FailureKind::Protocol | FailureKind::TooLarge);
    match quoted(failure.detail.trim()) {
        detail if tells_more && !detail.is_empty() => format!("{what} ({detail})"),
        _ => what,
    }
}

#[cfg(test)]
mod tests {
    use model::{Attempt, FailureKind, Operation};

    use crate::testing::{self, silent};

    #[test]
    fn a_host_without_a_connection_is_not_reachable() {
        let mut record = testing::clean();
        testing::cut_off(&mut record.hosts[0], Operation::Connect, FailureKind::Timeout);
        assert!(silent(&record, 0).contains(&"unreachable".to_owned()));
        assert!(!silent(&record, 1).contains(&"unreachable".to_owned()));
    }

    #[test]
    fn a_proxy_that_never_answers_connect_is_a_closed_way() {
        let mut record = testing::clean();
        record.hosts.iter_mut().for_each(|host| testing::cut_off(host, Operation::Proxy, FailureKind::Timeout));
        assert!(silent(&record, 0).contains(&"unreachable".to_owned()));
        assert_eq!(crate::judge(&record, &crate::Knowledge::builtin()).exit, model::ExitCode::Unreachable);
    }

    #[test]
    fn a_proxy_that_is_not_there_is_what_has_to_be_mended() {
        let action = |record: &model::Record| {
            let judgement = crate::judge(record, &crate::Knowledge::builtin());
            judgement.findings.into_iter().find(|finding| finding.id == "unreachable").expect("a finding").action
        };
        let mut record = testing::clean();
        record.hosts.iter_mut().for_each(|host| testing::cut_off(host, Operation::Connect, FailureKind::Refused));
        assert!(action(&record).contains("TCP port 443 to "));
        record.path.via = Some("http://proxy.contoso.example:8080".to_owned());
        assert!(action(&record).starts_with("Check that the explicit proxy runs"), "{}", action(&record));
    }

    #[test]
    fn what_was_not_tried_is_not_unreachable() {
        let mut record = testing::clean();
        testing::forget(&mut record.hosts[0]);
        record.hosts[0].tcp = Attempt::not_tried("--skip tcp");
        assert!(!silent(&record, 0).contains(&"unreachable".to_owned()));
    }
}
