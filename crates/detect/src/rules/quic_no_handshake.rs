use super::quic_layer::{Layer, cost, seen, sign};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the far end answered the Initial, and the handshake still did not end.
    ///
    /// Why it is proof: the service promises HTTP/3; a path that loses the larger datagrams of the handshake, or a
    /// device that takes part in it and fails, look like this.
    ///
    /// What can fool it: heavy loss; a service that refuses this very client.
    ///
    /// Source: RFC 9001 section 4 (handshake); RFC 9000 section 14 (datagram size).
    "quic-no-handshake", E, "The QUIC handshake does not end", look, Some("quic"),
    "Let datagrams of 1,200 octets and more pass to {hosts} on UDP port {port}, and exempt them from QUIC inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    match seen(view) {
        Some(found) if found.layer == Layer::NoHandshake => {
            let detail = format!("datagrams come back, but the QUIC handshake does not end{}", cost(view));
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
    fn quic_no_handshake_is_told() {
        let mut record = testing::clean();
        testing::quic_fails(&mut record.hosts[0], model::FailureKind::Timeout, 2, true);
        assert_eq!(against(&record, 0), ["quic-no-handshake"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
        record.hosts[0].target.promises.http3 = false;
        assert!(against(&record, 0).is_empty(), "what is not promised is not missed");
    }
}
