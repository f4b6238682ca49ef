use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: a private service's certificate leads to the roots that were given for it.
    ///
    /// Why it is proof: only who holds the key of that private authority can make such a certificate.
    ///
    /// What can fool it: a file of roots into which the inspection authority was copied as well.
    ///
    /// Source: RFC 5280 section 6.
    "given-chain", A, "The certificate leads to the roots given for this service", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Given)
        .map(|(.., connections)| {
            Sign::supporting("the certificate leads to the roots given for this service").on(connections).proving(true)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{Attempt, State, Trust, Validation};

    use crate::testing::{self, supporting};

    #[test]
    fn a_private_service_with_its_own_roots_is_intact() {
        let mut record = testing::clean();
        let host = &mut record.hosts[0];
        host.target.promises.trust = Trust::Given;
        host.chains[0].given = Attempt::Seen(Validation::Valid);
        assert!(supporting(&record, 0).contains(&"given-chain".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Intact);
        assert!(!supporting(&record, 1).contains(&"given-chain".to_owned()));
    }
}
