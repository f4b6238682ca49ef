use model::Confidence;

use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the service announces HTTP/3 in the Alt-Svc header of its responses, and the header is missing.
    /// Browsers then never try HTTP/3.
    ///
    /// Why it is proof, or not: interceptors that cannot read QUIC remove the header to keep browsers off it. On a
    /// connection that is proven to end at the service it is the service that stopped announcing, and nothing is
    /// counted; the profile is then out of date.
    ///
    /// What can fool it: an error page that never carried the header.
    ///
    /// Source: RFC 7838 section 3 (Alt-Svc); RFC 9114 section 3.1.1 (HTTP Alternative Services).
    "alt-svc-stripped", B, "The announcement of HTTP/3 was removed", look, Some("quic"),
    "Stop removing the Alt-Svc header for {hosts}, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if !view.host.target.promises.alt_svc {
        return Vec::new();
    }
    let stripped: Vec<usize> = view
        .exchanges()
        .into_iter()
        .filter(|exchange| view.can_be_altered(exchange.connection))
        .filter(|exchange| (200..400).contains(&exchange.status) && !announces_http3(exchange))
        .map(|exchange| exchange.connection)
        .collect();
    if stripped.is_empty() {
        return Vec::new();
    }
    let detail = "responses lack the Alt-Svc header with h3 that the service sends";
    vec![Sign::against(Confidence::Strong, detail).on(stripped)]
}

pub(super) fn announces_http3(exchange: &model::HttpExchange) -> bool {
    exchange.header("alt-svc").any(|value| value.split(',').any(|service| service.trim_start().starts_with("h3")))
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, against};

    #[test]
    fn a_missing_announcement_counts_only_where_somebody_can_have_removed_it() {
        let mut record = testing::clean();
        testing::without_header(&mut record.hosts[0], "alt-svc");
        assert!(against(&record, 0).is_empty());
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(against(&record, 0).contains(&"alt-svc-stripped".to_owned()));
        testing::intercept(&mut record.hosts[1], &testing::operator_leaf);
        assert!(!against(&record, 1).contains(&"alt-svc-stripped".to_owned()), "Squid passes it on");
    }
}
