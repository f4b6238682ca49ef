use super::scts::{Timestamps, where_promised};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: no timestamp of the certificate could be verified, and the list of Certificate Transparency logs
    /// is more than 70 days old, or of unknown age.
    ///
    /// Why it is not proof: a certificate may carry timestamps of logs that are younger than the list. A newer list
    /// (`--ct-logs`) settles it.
    ///
    /// What can fool it: this machine's clock.
    ///
    /// Source: Chrome's Certificate Transparency policy (enforcement stops when the list is 70 days old).
    "expired-log-list", A, "The list of CT logs is too old to judge by", look, None,
    "Give a newer list of CT logs with --ct-logs, then judge again."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    where_promised(view, |timestamps| match timestamps {
        Timestamps::ListTooOld(why) => Some(Sign::silent(why)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use model::{SctStatus, State};

    use crate::testing::{self, silent};

    #[test]
    fn an_old_list_is_said_only_where_it_matters() {
        let mut record = testing::clean();
        record.trust.ct_logs_made = testing::days_before(&record, 300);
        assert_eq!(testing::state(&record, 0), State::Intact, "an old list still verifies what it knows");
        assert!(!silent(&record, 0).contains(&"expired-log-list".to_owned()));
        record.hosts[0].chains[0].facts.scts.iter_mut().for_each(|sct| sct.status = SctStatus::UnknownLog);
        assert!(silent(&record, 0).contains(&"expired-log-list".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Unknown);
    }
}
