use super::private_chain::issuer;
use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: the reflector's certificate leads to no public root.
    ///
    /// Why it is not proof: a reflector may sign its own certificate. It is known by the key that signs its answers,
    /// and judged by what these say.
    ///
    /// What can fool it: nothing; it only names what was shown.
    ///
    /// Source: RFC 8446 section 4.4.2.
    "reflector-chain", A, "The reflector's certificate is not a public one", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if !view.is_reflector() {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, _, standing, _)| **standing != Standing::Public)
        .map(|(_, chain, _, connections)| {
            let detail =
                format!("the reflector's certificate is not a public one (issued by {}); only its signed answer counts", issuer(chain));
            Sign::silent(detail).on(connections)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, against, silent};

    #[test]
    fn a_self_signed_reflector_is_judged_by_its_answers() {
        let record = testing::with_reflector();
        let reflector = record.hosts.len();
        assert!(silent(&record, reflector).contains(&"reflector-chain".to_owned()));
        assert!(against(&record, reflector).is_empty());
        assert_eq!(testing::state(&record, reflector), State::Intact);
        assert!(!silent(&record, 0).contains(&"reflector-chain".to_owned()));
    }
}
