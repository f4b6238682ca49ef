use model::Confidence;

use crate::rules::Sign;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: the network answers for everybody until somebody signs in to it: status 511, or one untrusted
    /// certificate that answers for several unrelated hosts, names none of them, and sends all requests to one place.
    ///
    /// Why it is proof: a service never answers 511, and unrelated services do not share a certificate that names
    /// none of them. It is kept apart from interception, because nothing was relayed: the answer is the portal's own.
    ///
    /// What can fool it: a misconfigured load balancer with a default certificate and a redirect, in front of
    /// unrelated names.
    ///
    /// Source: RFC 6585 section 6 (status 511); RFC 8952 section 2 (captive portal architecture).
    "captive-portal", B, "A captive portal answers", look, Some("https"),
    "Sign in to the network with a browser, then run the check again."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(portal) = &view.context.portal else { return Vec::new() };
    let place = portal.at.as_deref().map(|at| format!(" and sends requests to {}", quoted(at))).unwrap_or_default();
    if let Some(leaf) = &portal.leaf {
        let connections = connections(view, leaf);
        if connections.is_empty() {
            return Vec::new();
        }
        let detail = format!("one certificate that names none of them answers for unrelated hosts{place}");
        return vec![Sign::against(Confidence::Strong, detail).on(connections)];
    }
    let answered: Vec<usize> =
        view.responses().iter().filter(|response| response.status == 511).map(|response| response.connection).collect();
    if answered.is_empty() {
        return Vec::new();
    }
    let detail = format!("status 511 (Network Authentication Required) came back{place}");
    vec![Sign::against(Confidence::Proven, detail).on(answered)]
}

fn connections(view: &View<'_>, leaf: &str) -> Vec<usize> {
    let chains = view.chains().filter(|(_, chain, ..)| answers(chain, leaf));
    chains.flat_map(|(.., connections)| connections).collect()
}

/// Whether this is the portal's own certificate: what it shows is not an interceptor's work.
pub(super) fn is_portals(view: &View<'_>, chain: &model::Chain) -> bool {
    match &view.context.portal {
        Some(portal) => portal.leaf.as_deref().is_none_or(|leaf| answers(chain, leaf)),
        None => false,
    }
}

fn answers(chain: &model::Chain, leaf: &str) -> bool {
    chain.certificates.first().is_some_and(|first| first.to_string() == leaf)
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, against};

    #[test]
    fn a_portal_is_not_an_interceptor() {
        let record = testing::behind_portal();
        for host in 0..record.hosts.len() {
            assert_eq!(against(&record, host), ["captive-portal"], "host {host}");
            assert_eq!(testing::state(&record, host), State::Manipulated);
        }
    }

    #[test]
    fn one_certificate_without_a_redirect_is_no_portal() {
        let mut record = testing::behind_portal();
        record.hosts.iter_mut().for_each(|host| host.http = model::Attempt::not_tried("--skip http"));
        assert_eq!(against(&record, 0), ["untrusted-chain"]);
    }
}
