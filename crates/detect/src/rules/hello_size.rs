use model::{Confidence, FailureKind, Operation};

use super::unreachable::words;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a ClientHello as today's browsers send it, with the hybrid key share and so more than one packet
    /// long, fails; a small one passes. Browsers then fail where older programs work.
    ///
    /// Why it is proof: both went to the same host at the same time. Where the service is known to take large hellos
    /// it is a device that reads only the first packet of a hello.
    ///
    /// What can fool it: a single lost connection.
    ///
    /// Source: RFC 8446 section 5.1 (a hello may span records and packets); SSLsplit 0.5.5 in the lab, 2026-11.
    "hello-size", E, "Large ClientHellos fail", look, Some("https"),
    "Update or bypass the device that breaks large ClientHellos to {hosts}; it has to reassemble a hello from several packets."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let (Some((hybrid, large)), Some((_, small))) = (view.hybrid(), view.classic()) else { return Vec::new() };
    let Some(failure) = large.tls.failure() else { return Vec::new() };
    let in_handshake = failure.operation == Operation::Handshake
        && matches!(
            failure.kind,
            FailureKind::Timeout | FailureKind::Reset | FailureKind::Closed | FailureKind::Alert(_) | FailureKind::Protocol
        );
    let passed_later = view.repeated().is_some_and(|c| c.tls.seen().is_some());
    if !in_handshake || small.tls.seen().is_none() || passed_later {
        return Vec::new();
    }
    let detail = format!("a large ClientHello fails where a small one passes: {}", words(failure));
    let sign = if view.host.target.promises.hybrid_key_exchange {
        Sign::against(Confidence::Strong, detail)
    } else {
        Sign::silent(format!("{detail}; the service does not promise to take it"))
    };
    vec![sign.on(vec![hybrid])]
}

#[cfg(test)]
mod tests {
    use model::{FailureKind, State};

    use crate::testing::{self, against};

    #[test]
    fn a_path_that_breaks_large_hellos_is_degraded() {
        let mut record = testing::clean();
        testing::fail(&mut record.hosts[0], testing::HYBRID, FailureKind::Reset);
        assert!(against(&record, 0).contains(&"hello-size".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Degraded);
        let mut later = record.hosts[1].connections[testing::HYBRID].clone();
        later.purpose = "repeated".to_owned();
        record.hosts[0].connections.push(later);
        assert!(against(&record, 0).is_empty(), "the path was only slow");
        record.hosts[0].connections.pop();
        testing::fail(&mut record.hosts[0], testing::CLASSIC, FailureKind::Reset);
        assert!(!against(&record, 0).contains(&"hello-size".to_owned()), "both fail: size is not the reason");
        testing::fail(&mut record.hosts[1], testing::HYBRID, FailureKind::Reset);
        record.hosts[1].target.promises.hybrid_key_exchange = false;
        assert!(against(&record, 1).is_empty());
    }
}
