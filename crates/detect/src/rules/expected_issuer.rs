use super::private_chain::issuer;
use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

rule! {
    /// What it shows: whether the issuer of the certificate is one of those that the profile names for this host.
    ///
    /// Why it is not proof: such lists go stale, because services change their authorities without telling. An
    /// expected issuer adds confidence to a public chain; an unexpected one takes some away and accuses nobody.
    ///
    /// What can fool it: a list that is older than the service's last change of authority.
    ///
    /// Source: the authorities that the service publishes, in its profile.
    "expected-issuer", A, "The issuer is one that the service names", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let expected = &view.host.target.promises.issuers;
    if !view.judged_by_public_trust() || expected.is_empty() {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Public)
        .filter_map(|(_, chain, _, connections)| {
            let name = chain.facts.leaf()?.issuer_common_name.as_deref()?;
            let known = expected.iter().any(|expected| expected.eq_ignore_ascii_case(name));
            Some(if known {
                Sign::supporting(format!("it was issued by {}, as expected", issuer(chain))).on(connections)
            } else {
                let detail = format!("it was issued by {}, which the profile does not name for this host", issuer(chain));
                Sign::silent(detail).on(connections).doubting()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{Confidence, State};

    use crate::Knowledge;
    use crate::testing::{self, silent, supporting};

    #[test]
    fn an_unexpected_issuer_lowers_confidence_and_accuses_nobody() {
        let mut record = testing::clean();
        assert!(supporting(&record, 0).contains(&"expected-issuer".to_owned()));
        let verdict = |record: &model::Record| crate::judge(record, &Knowledge::builtin()).hosts.swap_remove(0);
        assert_eq!(verdict(&record).confidence, Confidence::Proven);
        record.hosts[0].target.promises.issuers = vec!["Another CA".to_owned()];
        assert!(silent(&record, 0).contains(&"expected-issuer".to_owned()));
        assert_eq!((verdict(&record).state, verdict(&record).confidence), (State::Intact, Confidence::Strong));
    }
}
