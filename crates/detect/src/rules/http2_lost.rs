use model::Confidence;

use crate::rules::Sign;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: the service speaks HTTP/2 and it was not negotiated: requests queue behind each other on HTTP/1.1.
    ///
    /// Why it is proof: the protocol is chosen under the protection of the handshake, so only who ends TLS can lower
    /// it. On a connection that is proven to end at the service it is the service's own choice, and is not counted.
    ///
    /// What can fool it: a service that turned HTTP/2 off while something else leaves the connection unproven.
    ///
    /// Source: RFC 7301 (ALPN); RFC 9113 section 3.2.
    "http2-lost", E, "HTTP/2 is lost", look, None,
    "Allow HTTP/2 to {hosts}, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if !view.host.target.promises.http2 {
        return Vec::new();
    }
    let tried = [view.hybrid(), view.classic()].into_iter().flatten();
    let lost: Vec<(usize, Option<&str>)> = tried
        .filter(|(index, _)| view.can_be_altered(*index))
        .filter_map(|(index, c)| Some((index, c.tls.seen()?.alpn.as_deref())))
        .filter(|(_, alpn)| *alpn != Some("h2"))
        .collect();
    let Some((_, alpn)) = lost.first() else { return Vec::new() };
    let found = alpn.map_or_else(|| "no protocol was negotiated".to_owned(), |alpn| format!("{} was negotiated", quoted(alpn)));
    let detail = format!("{found} where h2 was offered and the service speaks it");
    vec![Sign::against(Confidence::Strong, detail).on(lost.iter().map(|(index, _)| *index).collect())]
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, against};

    #[test]
    fn a_lost_protocol_on_an_intercepted_connection_is_a_loss() {
        let mut record = testing::clean();
        testing::sessions(&mut record.hosts[0], |tls| tls.alpn = None);
        assert!(against(&record, 0).is_empty(), "on a whole connection it is the service's choice");
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(against(&record, 0).contains(&"http2-lost".to_owned()));
    }
}
