use model::Confidence;

use crate::rules::Sign;
use crate::standing::Standing;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: the host of a public service shows a certificate that leads to no public root, but to a root in
    /// this machine's own store. This is what a company's inspection authority, an antivirus or a debugging proxy
    /// looks like to the programs that trust it: everything seems fine.
    ///
    /// Why it is proof: the service's own certificate leads to a public root. Somebody who was made trusted on this
    /// machine signed another one for the same name, and so holds the key that TLS ends with.
    ///
    /// What can fool it: a list of public roots that is older than the service's authority. A certificate with a
    /// timestamp of a public log is therefore never counted here (see `unlisted-root`).
    ///
    /// Source: RFC 5280 section 6; Durumeric et al., The Security Impact of HTTPS Interception, NDSS 2017.
    "private-chain", A, "The certificate leads only to a root of this machine's own store", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() {
        return Vec::new();
    }
    let confidence = if view.judged_by_public_trust() { Confidence::Proven } else { Confidence::Strong };
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Private)
        .map(|(_, chain, _, connections)| {
            let expected = if view.judged_by_public_trust() { "a public root" } else { "the roots given for this service" };
            let detail = format!(
                "the certificate leads to a root of this machine's own store, not to {expected}; it was issued by {}",
                issuer(chain)
            );
            Sign::against(confidence, detail).on(connections)
        })
        .collect()
}

pub(super) fn issuer(chain: &model::Chain) -> String {
    chain.facts.leaf().map(|leaf| quoted(&leaf.issuer)).filter(|name| !name.is_empty()).unwrap_or_else(|| "nobody named".to_owned())
}

#[cfg(test)]
mod tests {
    use model::{State, Validation};

    use crate::testing::{self, against};

    #[test]
    fn an_inspection_authority_in_the_own_store_is_proof() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(against(&record, 0).contains(&"private-chain".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Intercepted);
        assert!(against(&record, 1).is_empty(), "each host is judged by itself");
    }

    #[test]
    fn the_right_authority_on_the_wrong_name_is_still_private() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        record.hosts[0].chains[0].system = model::Attempt::Seen(Validation::NameMismatch);
        assert!(against(&record, 0).contains(&"private-chain".to_owned()));
    }
}
