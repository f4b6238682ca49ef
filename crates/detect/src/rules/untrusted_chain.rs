use model::{Attempt, Confidence, Validation};

use super::captive_portal::is_portals;
use super::private_chain::issuer;
use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: the host of a public service shows a certificate that neither a public root nor this machine's
    /// own store stands behind. Programs on this machine refuse it.
    ///
    /// Why it is proof: the service's own certificate leads to a public root, so what answered is not the service. It
    /// is what interception looks like on a machine that lacks the inspection authority.
    ///
    /// What can fool it: a captive portal, which is told apart where it shows itself; a test server under a public name.
    ///
    /// Source: RFC 5280 section 6.
    "untrusted-chain", A, "The certificate leads to no known root", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, chain, standing, _)| **standing == Standing::Untrusted && !is_portals(view, chain))
        .map(|(_, chain, _, connections)| {
            let here = match &chain.system {
                Attempt::Seen(Validation::Expired) => "expired for this machine",
                Attempt::Seen(_) => "not accepted by this machine either",
                _ => "and this machine's own store could not be asked",
            };
            let detail = format!("the certificate leads to no public root, {here}; it was issued by {}", issuer(chain));
            Sign::against(Confidence::Strong, detail).on(connections)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{Attempt, State, Validation};

    use crate::testing::{self, against};

    #[test]
    fn an_unknown_authority_is_against_the_path() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        record.hosts[0].chains[0].system = Attempt::Seen(Validation::UnknownIssuer);
        assert!(against(&record, 0).contains(&"untrusted-chain".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Intercepted);
        assert!(!against(&record, 1).contains(&"untrusted-chain".to_owned()));
    }
}
