use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: there was nothing to hold the chain against: no public roots, no roots for a private service, or
    /// a certificate that cannot be read.
    ///
    /// Why it is not proof: without roots every certificate looks the same.
    ///
    /// What can fool it: nothing; it only says what is missing.
    ///
    /// Source: RFC 5280 section 6 (path validation needs a trust anchor).
    "unjudged-chain", A, "Nothing to hold the certificate against", look, None,
    "Give the roots of this service with --trust-roots, then judge again."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() {
        return Vec::new();
    }
    view.chains()
        .filter_map(|(_, _, standing, connections)| match standing {
            Standing::Unjudged(why) => Some(Sign::silent(why.clone()).on(connections)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{State, Trust};

    use crate::testing::{self, silent};

    #[test]
    fn a_private_service_without_roots_is_unknown() {
        let mut record = testing::clean();
        record.hosts[0].target.promises.trust = Trust::Given;
        assert!(silent(&record, 0).contains(&"unjudged-chain".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Unknown);
        assert!(!silent(&record, 1).contains(&"unjudged-chain".to_owned()));
    }
}
