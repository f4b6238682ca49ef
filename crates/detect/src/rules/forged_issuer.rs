use model::{Confidence, Validation};

use super::captive_portal::is_portals;
use super::private_chain::issuer;
use crate::rules::Sign;
use crate::standing::Standing;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: the certificate names a public authority as its issuer, and that authority's key did not sign it.
    ///
    /// Why it is proof: a signature that does not fit the key is not a mistake that a server can make; somebody
    /// borrowed the name so that the certificate looks genuine to people and to simple filters.
    ///
    /// What can fool it: bytes damaged on the way would break the handshake first. A chain with a missing link is told
    /// apart (see `incomplete-chain`).
    ///
    /// Source: RFC 5280 section 6.1.3 (a).
    "forged-issuer", A, "The certificate poses as a public authority's", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, chain, standing, _)| **standing == Standing::Forged && !is_portals(view, chain))
        .map(|(_, chain, _, connections)| {
            let posed = chain.facts.claims_public_issuer.as_deref().map(quoted).unwrap_or_else(|| issuer(chain));
            let bad = chain.facts.public == Validation::BadSignature
                || chain.facts.public_ignoring_time == Validation::BadSignature;
            let how = if bad { "the signature does not fit its key" } else { "no path leads to it" };
            let detail = format!("the certificate names the public authority {posed}, but {how}");
            Sign::against(Confidence::Proven, detail).on(connections)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{State, Validation};

    use crate::testing::{self, against};

    #[test]
    fn a_borrowed_name_is_proof() {
        for validation in [Validation::BadSignature, Validation::UnknownIssuer] {
            let mut record = testing::clean();
            let facts = &mut record.hosts[0].chains[0].facts;
            facts.public = validation.clone();
            facts.public_ignoring_time = validation;
            facts.scts.clear();
            assert!(against(&record, 0).contains(&"forged-issuer".to_owned()));
            assert_eq!(testing::state(&record, 0), State::Intercepted);
        }
    }

    #[test]
    fn an_own_name_is_not_borrowed() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(!against(&record, 0).contains(&"forged-issuer".to_owned()));
        assert!(!against(&record, 1).contains(&"forged-issuer".to_owned()));
    }
}
