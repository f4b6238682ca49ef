use super::quic_layer::{Layer, cost, seen, sign};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a datagram of an unknown version is answered, so UDP gets through; the Initial of a real handshake
    /// is not.
    ///
    /// Why it is proof: the same far end answered one and not the other; a device on the path looks into Initials and
    /// drops them, by name or by size.
    ///
    /// What can fool it: a device that answers version negotiation in the place of the service.
    ///
    /// Source: RFC 9000 sections 6.1 and 14.1 (Initials are at least 1,200 octets long); RFC 9001 section 5.2 (they can be read).
    "quic-version-negotiation-only", E, "QUIC answers version negotiation only", look, Some("quic"),
    "Stop filtering QUIC Initials to {hosts} on UDP port {port}."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    match seen(view) {
        Some(found) if found.layer == Layer::NegotiationOnly => {
            let detail = format!("UDP reaches the service, but its handshake gets no answer{}", cost(view));
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
    fn quic_version_negotiation_only_is_told() {
        let mut record = testing::clean();
        testing::quic_fails(&mut record.hosts[0], model::FailureKind::Timeout, 0, true);
        assert_eq!(against(&record, 0), ["quic-version-negotiation-only"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
        record.hosts[0].target.promises.http3 = false;
        assert!(against(&record, 0).is_empty(), "what is not promised is not missed");
    }
}
