use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: the chain leads to a root of this machine's own store that our list of public roots lacks, and
    /// a public log signed for this very certificate.
    ///
    /// Why it is not proof: logs take certificates of public authorities alone, so it was not minted on the path;
    /// our list of roots may be older than the authority, or may have removed it.
    ///
    /// What can fool it: an authority that is public and misused.
    ///
    /// Source: RFC 6962 section 3.1 (what a log accepts).
    "unlisted-root", A, "A logged certificate of a root that our list lacks", look, None,
    "Give a newer list of public roots with --public-roots, then judge again."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Unlisted)
        .map(|(.., connections)| {
            let detail = "the certificate is in public logs, but its root is in this machine's store only; \
                          the list of public roots may be old";
            Sign::silent(detail).on(connections)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{State, Validation};

    use crate::testing::{self, against, silent};

    #[test]
    fn a_logged_certificate_is_not_minted_on_the_path() {
        let mut record = testing::clean();
        let facts = &mut record.hosts[0].chains[0].facts;
        facts.public = Validation::UnknownIssuer;
        facts.public_ignoring_time = Validation::UnknownIssuer;
        assert!(silent(&record, 0).contains(&"unlisted-root".to_owned()));
        assert!(against(&record, 0).is_empty());
        assert_eq!(testing::state(&record, 0), State::Unknown);
        assert!(!silent(&record, 1).contains(&"unlisted-root".to_owned()));
    }
}
