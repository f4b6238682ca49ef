use super::quic_layer::{Layer, seen, sign};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the QUIC handshake ends, and then the datagrams stop. Browsers do not fall back from this: pages
    /// hang, which is worse than a clean block.
    ///
    /// Why it is proof: what was sent after the handshake never came back, while TCP works. The cost is the time that
    /// was waited in vain.
    ///
    /// What can fool it: a connection that broke for another reason in the same moment.
    ///
    /// Source: RFC 9308 section 2 (fallback after the handshake is not specified); the lab's rule that drops a flow
    /// after 30 packets, 2026-11.
    "quic-stalled", E, "QUIC stalls after the handshake", look, Some("quic"),
    "Let UDP port {port} to {hosts} pass without limits on a flow, or reject it, because browsers do not fall back from a stall."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    match seen(view) {
        Some(found) => {
            let Layer::Stalled(waited) = found.layer else { return Vec::new() };
            let detail = format!("the QUIC handshake ends, then nothing more comes; {waited} were waited in vain (measured)");
            vec![sign(found, detail)]
        }
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use model::{Attempt, FailureKind, State};

    use crate::testing::{self, against};

    #[test]
    fn a_transfer_that_stops_is_a_stall() {
        let mut record = testing::clean();
        testing::http3_fails(&mut record.hosts[0], FailureKind::Timeout);
        assert_eq!(against(&record, 0), ["quic-stalled"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        testing::http3(&mut record.hosts[1]).sustained = Attempt::Failed(testing::failure(FailureKind::Timeout));
        assert_eq!(against(&record, 1), ["quic-stalled"]);
    }

    #[test]
    fn a_transfer_that_was_not_tried_is_no_stall() {
        let mut record = testing::clean();
        testing::http3(&mut record.hosts[0]).sustained = Attempt::not_tried("no download path");
        assert!(against(&record, 0).is_empty());
    }
}
