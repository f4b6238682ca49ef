use super::quic_layer::{Layer, cost, seen, sign};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: datagrams to the UDP port of the service get no answer of any kind, while TCP works: browsers fall
    /// back to HTTP/2 after a wait.
    ///
    /// Why it is proof: the service promises HTTP/3 and its TCP side is there. The cost is measured where QUIC works on
    /// another host, else it is one round trip, because QUIC needs one less than TCP with TLS.
    ///
    /// What can fool it: a service that stopped HTTP/3. Where its own responses no longer announce it, nothing is counted.
    ///
    /// Source: RFC 9000 section 6.1 (version negotiation is always answered); RFC 9308 section 2 (fallback).
    "quic-blocked", E, "QUIC is blocked", look, Some("quic"),
    "Open UDP port {port} to {hosts} on the firewall."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    match seen(view) {
        Some(found) if found.layer == Layer::Blocked => {
            let detail = format!("no datagram comes back from UDP port {}, while TCP works{}", view.host.target.port, cost(view));
            vec![sign(found, detail)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, against};

    #[test]
    fn quic_blocked_is_told() {
        let mut record = testing::clean();
        testing::quic_fails(&mut record.hosts[0], model::FailureKind::Timeout, 0, false);
        assert_eq!(against(&record, 0), ["quic-blocked"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
        record.hosts[0].target.promises.http3 = false;
        assert!(against(&record, 0).is_empty(), "what is not promised is not missed");
    }
}
