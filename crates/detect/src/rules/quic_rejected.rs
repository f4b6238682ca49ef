use super::quic_layer::{Layer, cost, seen, sign};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: datagrams to the UDP port of the service are answered with an ICMP error, while TCP works: a
    /// firewall rule that rejects. Browsers fall back to HTTP/2 at once.
    ///
    /// Why it is proof: the service promises HTTP/3 and its TCP side is there; a service that listens sends no such error.
    ///
    /// What can fool it: a service that stopped HTTP/3. Where its own responses no longer announce it, nothing is counted.
    ///
    /// Source: RFC 1122 section 3.2.2.1 and RFC 4443 section 3.1 (destination unreachable).
    "quic-rejected", E, "QUIC is rejected", look, Some("quic"),
    "Allow UDP port {port} to {hosts} on the firewall in place of rejecting it."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    match seen(view) {
        Some(found) if found.layer == Layer::Rejected => {
            let detail = format!("the network rejects UDP port {}, while TCP works{}", view.host.target.port, cost(view));
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
    fn quic_rejected_is_told() {
        let mut record = testing::clean();
        testing::quic_fails(&mut record.hosts[0], model::FailureKind::Refused, 0, false);
        assert_eq!(against(&record, 0), ["quic-rejected"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
        record.hosts[0].target.promises.http3 = false;
        assert!(against(&record, 0).is_empty(), "what is not promised is not missed");
    }
}
