use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the same content came in another content coding than it left in.
    ///
    /// Why it is proof: the coding is agreed between the two ends, and the far end's choice is known. Optimisers compress what
    /// was not. A request that lost its Accept-Encoding is a removed header and nothing more: scanners take away the codings
    /// that they cannot read, and code nothing anew.
    ///
    /// What can fool it: a load balancer in front of the reflector that compresses.
    ///
    /// Source: RFC 9110 sections 8.4 (Content-Encoding), 12.5.3 (Accept-Encoding) and 7.7 (transformations).
    "recompressed", B, "Content codings were changed on the way", look, None,
    "Exempt {hosts} from caching and optimisation.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::Recompressed)
}

#[cfg(test)]
mod tests {
    use model::{Difference, DifferenceKind, Way};

    use super::super::fidelity::tests::check;
    use crate::testing::{self, against};

    #[test]
    fn another_coding_was_chosen() {
        check("recompressed", "compression", DifferenceKind::Recompressed, Way::Response, "content-encoding");
        check("recompressed", "compression", DifferenceKind::Added, Way::Response, "Content-Encoding");
    }

    #[test]
    fn codings_that_were_not_asked_for_are_a_header() {
        for (kind, id) in [
            (DifferenceKind::Removed, "header-removed"),
            (DifferenceKind::Changed, "header-altered"),
            (DifferenceKind::Recompressed, "header-altered"),
        ] {
            let mut record = testing::with_decrypted_reflector();
            let difference = Difference {
                way: Way::Request,
                kind,
                what: "Accept-Encoding".to_owned(),
                sent: Some("gzip".to_owned()),
                arrived: None,
            };
            testing::fidelity(&mut record, "compression", vec![difference]);
            let found = against(&record, record.hosts.len());
            assert!(found.contains(&id.to_owned()) && !found.contains(&"recompressed".to_owned()), "{found:?}");
            let judgement = crate::judge(&record, &crate::Knowledge::builtin());
            let optimised = |solution: &model::Solution| solution.class == model::SolutionClass::WanOptimisation;
            assert!(!judgement.solutions.iter().any(optimised), "{:?}", judgement.solutions);
        }
    }
}
