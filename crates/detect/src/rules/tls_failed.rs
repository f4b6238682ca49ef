use model::{Operation, Transport};

use crate::rules::unreachable::words;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: TCP connects, but no TLS handshake with the host was completed.
    ///
    /// Why it is not proof: without a handshake there is no certificate and no key to judge by. Rules that compare
    /// one hello with another may still say why.
    ///
    /// What can fool it: nothing; it only says what is missing.
    ///
    /// Source: RFC 8446 section 6 (alerts).
    "tls-failed", A, "No TLS handshake was completed", look, Some("https"),
    "Look for a device that inspects or blocks TLS to {hosts}, and exempt these hosts on it."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.tcp_works() {
        return Vec::new();
    }
    let in_handshake = |c: &model::Connection| {
        c.transport == Transport::Tcp && c.tls.failure().is_some_and(|f| f.operation == Operation::Handshake)
    };
    let connections = view.connections(in_handshake);
    let Some(failure) = connections.first().and_then(|first| view.connection(*first)?.tls.failure()) else {
        return Vec::new();
    };
    vec![Sign::silent(format!("no TLS handshake over TCP was completed: {}", words(failure))).on(connections).barring()]
}

#[cfg(test)]
mod tests {
    use model::{FailureKind, Operation, State};

    use crate::testing::{self, silent};

    #[test]
    fn a_host_whose_handshakes_all_fail_is_unknown() {
        let mut record = testing::clean();
        testing::cut_off(&mut record.hosts[0], Operation::Handshake, FailureKind::Alert(40));
        assert!(silent(&record, 0).contains(&"tls-failed".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Unknown);
        assert!(!silent(&record, 1).contains(&"tls-failed".to_owned()));
    }
}
