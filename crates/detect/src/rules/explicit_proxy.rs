use model::Confidence;

use crate::rules::Sign;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: the connections went through the explicit proxy of `--via`.
    ///
    /// Why it is proof of nothing more: a proxy that only tunnels leaves TLS whole. It costs its own round trip and
    /// carries no QUIC.
    ///
    /// What can fool it: nothing; it was asked for.
    ///
    /// Source: RFC 9110 section 9.3.6 (CONNECT).
    "explicit-proxy", D, "An explicit proxy is on the path", look, None,
    "Send {hosts} direct, with a PAC rule or a bypass list, instead of through the proxy."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let connections = view.connections(|c| c.via_proxy);
    if connections.is_empty() {
        return Vec::new();
    }
    let which = view.record.path.via.as_deref().map(|via| format!(" {}", quoted(via))).unwrap_or_default();
    vec![Sign::against(Confidence::Proven, format!("connections go through the explicit proxy{which}")).on(connections)]
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, against};

    #[test]
    fn a_tunnelling_proxy_leaves_the_host_intact() {
        let mut record = testing::clean();
        record.hosts[0].connections.iter_mut().for_each(|c| c.via_proxy = true);
        assert_eq!(against(&record, 0), ["explicit-proxy"]);
        assert_eq!(testing::state(&record, 0), State::Intact);
        assert!(against(&record, 1).is_empty());
    }
}
