use super::quic_layer::{Layer, cost, seen, sign};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the QUIC handshake ended, and the request over HTTP/3 was refused or broken off.
    ///
    /// Why it is proof: the service promises HTTP/3. Who ended the handshake is told by the rules over its certificate.
    ///
    /// What can fool it: a service that speaks another protocol over QUIC on this port.
    ///
    /// Source: RFC 9114 section 3.2.
    "quic-no-http3", E, "QUIC connects and HTTP/3 is not spoken", look, Some("quic"),
    "Exempt {hosts} from QUIC inspection on UDP port {port}."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    match seen(view) {
        Some(found) if found.layer == Layer::NoHttp3 => {
            let detail = format!("the QUIC handshake ends, but no HTTP/3 response comes{}", cost(view));
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
    fn quic_no_http3_is_told() {
        let mut record = testing::clean();
        testing::http3_fails(&mut record.hosts[0], model::FailureKind::Closed);
        assert_eq!(against(&record, 0), ["quic-no-http3"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
        record.hosts[0].target.promises.http3 = false;
        assert!(against(&record, 0).is_empty(), "what is not promised is not missed");
    }
}
