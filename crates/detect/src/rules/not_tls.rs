use model::{Confidence, FailureKind, Operation, Transport};

use crate::rules::Sign;
use crate::rules::unreachable::words;
use crate::view::View;

rule! {
    /// What it shows: something answered a ClientHello with bytes that are not TLS, often a block page in plain HTTP.
    ///
    /// Why it is proof: the service speaks TLS on this port to everybody, so what answered is not the service. It is
    /// weak, because a broken server can send anything.
    ///
    /// What can fool it: a service that is being rebuilt; a port that was given wrongly.
    ///
    /// Source: RFC 8446 section 5.1 (record layer).
    "not-tls", B, "Something else than TLS answers", look, Some("https"),
    "Find the device that answers in the place of {hosts} on TCP port {port}, and exempt these hosts on it."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let garbled = |c: &model::Connection| {
        c.transport == Transport::Tcp
            && c.tls.failure().is_some_and(|f| f.operation == Operation::Handshake && f.kind == FailureKind::Protocol)
    };
    let connections = view.connections(garbled);
    let Some(failure) = connections.first().and_then(|first| view.connection(*first)?.tls.failure()) else {
        return Vec::new();
    };
    vec![Sign::against(Confidence::Weak, format!("the answer to the ClientHello is not TLS: {}", words(failure))).on(connections)]
}

#[cfg(test)]
mod tests {
    use model::{FailureKind, Operation, State};

    use crate::testing::{self, against};

    #[test]
    fn garbage_in_answer_to_a_hello_is_not_the_service() {
        let mut record = testing::clean();
        testing::cut_off(&mut record.hosts[0], Operation::Handshake, FailureKind::Protocol);
        assert!(against(&record, 0).contains(&"not-tls".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Manipulated);
        testing::cut_off(&mut record.hosts[0], Operation::Handshake, FailureKind::Alert(40));
        assert!(!against(&record, 0).contains(&"not-tls".to_owned()));
    }
}
