use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: the server left out the certificate of the issuer, so that no path to a root can be built. The
    /// leaf has what public authorities put in: timestamps of known logs and a pointer to the issuer.
    ///
    /// Why it is not proof: without the issuer neither the signature nor the timestamps can be verified. It may be a
    /// badly configured server, and it may be somebody who wants to look like one.
    ///
    /// What can fool it: nothing; the answer is unknown either way.
    ///
    /// Source: RFC 8446 section 4.4.2 (certificate list); RFC 6962 section 3.2 (what a timestamp covers).
    "incomplete-chain", A, "The issuer's certificate is missing", look, None,
    "Ask the operator of {hosts} to send the issuer's certificate, or look from another network."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Incomplete)
        .map(|(.., connections)| {
            Sign::silent("the server did not send its issuer's certificate, so the chain cannot be verified").on(connections)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{Attempt, SctStatus, State, Validation};

    use crate::testing::{self, against, silent};

    #[test]
    fn a_forgotten_intermediate_is_unknown() {
        let mut record = testing::clean();
        let chain = &mut record.hosts[0].chains[0];
        chain.facts.certificates.truncate(1);
        chain.facts.public = Validation::UnknownIssuer;
        chain.facts.public_ignoring_time = Validation::UnknownIssuer;
        chain.system = Attempt::Seen(Validation::UnknownIssuer);
        chain.facts.scts.iter_mut().for_each(|sct| sct.status = SctStatus::NoIssuer);
        assert!(silent(&record, 0).contains(&"incomplete-chain".to_owned()));
        assert!(against(&record, 0).is_empty());
        assert_eq!(testing::state(&record, 0), State::Unknown);
        // Without the marks of a public authority it is what any forged leaf looks like.
        record.hosts[0].chains[0].facts.scts.clear();
        assert!(!silent(&record, 0).contains(&"incomplete-chain".to_owned()));
    }
}
