use model::Confidence;

use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: the chain leads to a public root, for this name and at this time.
    ///
    /// Why it is proof, or not: nobody but a public authority can make such a certificate. For a service whose
    /// certificates are always logged it counts only together with `valid-sct`; for others it stands by itself.
    ///
    /// What can fool it: an interceptor with a misused public authority.
    ///
    /// Source: RFC 5280 section 6; Mozilla's root programme.
    "public-chain", A, "The certificate leads to a public root", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if !view.judged_by_public_trust() {
        return Vec::new();
    }
    let alone = !view.host.target.promises.certificate_transparency && !view.context.certificate_borrowed;
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Public)
        .map(|(.., connections)| {
            let sign = Sign::supporting("the certificate leads to a public root").on(connections).proving(alone);
            Sign { confidence: Confidence::Strong, ..sign }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, supporting};

    #[test]
    fn a_public_chain_is_enough_only_where_no_timestamps_are_promised() {
        let mut record = testing::clean();
        assert!(supporting(&record, 0).contains(&"public-chain".to_owned()));
        record.hosts[0].chains[0].facts.scts.clear();
        record.hosts[0].target.promises.certificate_transparency = false;
        assert_eq!(testing::state(&record, 0), State::Intact);
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(!supporting(&record, 0).contains(&"public-chain".to_owned()));
    }
}
