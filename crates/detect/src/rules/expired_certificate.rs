use model::Validation;

use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: the certificate is genuine but for its dates: it expired or is not valid yet.
    ///
    /// Why it is not proof: the signature leads to a trusted root, so nobody minted it on the path. But keys of expired
    /// certificates are guarded less, and no client accepts it.
    ///
    /// What can fool it: this machine's clock; where several hosts disagree with it, `wrong-clock` says so.
    ///
    /// Source: RFC 5280 section 4.1.2.5.
    "expired-certificate", A, "The certificate is not valid at this time", look, None,
    "Check this machine's clock first; if it is right, tell the operator of {hosts}."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() || (view.context.clock_behind_s.is_some() && view.judged_by_public_trust()) {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Untimely)
        .filter_map(|(_, chain, _, connections)| {
            let leaf = chain.facts.leaf()?;
            let early = chain.facts.public == Validation::NotYetValid;
            let detail = if early {
                format!("the certificate is genuine, but valid only from {}", leaf.not_before)
            } else {
                format!("the certificate is genuine, but expired on {}", leaf.not_after)
            };
            Some(Sign::silent(detail).on(connections))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{State, Validation};

    use crate::testing::{self, against, silent};

    #[test]
    fn an_expired_genuine_certificate_is_unknown() {
        let mut record = testing::clean();
        record.hosts[0].chains[0].facts.public = Validation::Expired;
        assert!(silent(&record, 0).contains(&"expired-certificate".to_owned()));
        assert!(against(&record, 0).is_empty());
        assert_eq!(testing::state(&record, 0), State::Unknown);
        assert_eq!(testing::state(&record, 1), State::Intact);
    }
}
