use model::Confidence;

use super::scts::{Timestamps, where_promised};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the certificate leads to a public root, but no public log ever signed for it, although the
    /// service's certificates are always logged.
    ///
    /// Why it is proof: browsers refuse public certificates without timestamps, so a service cannot use one. A
    /// certificate that was minted on the path by a misused public authority has none. Nothing is concluded
    /// while the log list is older than 70 days, where the clock is wrong, where a log is merely unknown to the list,
    /// or where the handshake, which may carry timestamps too, was not asked for them.
    ///
    /// What can fool it: a damaged log list.
    ///
    /// Source: RFC 6962 section 3; Chrome's Certificate Transparency policy (70 days; SCTs required).
    "no-valid-sct", A, "The certificate was never logged", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    where_promised(view, |timestamps| match timestamps {
        Timestamps::Missing(why) => {
            let detail = format!("the certificate has no valid timestamp of a public log: {why}");
            Some(Sign::against(Confidence::Strong, detail))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use model::{SctStatus, State};

    use crate::testing::{self, against};

    #[test]
    fn a_public_certificate_that_was_never_logged_is_against_the_path() {
        let mut record = testing::clean();
        record.hosts[0].chains[0].facts.scts.clear();
        assert!(against(&record, 0).contains(&"no-valid-sct".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Intercepted);
        record.hosts[0].target.promises.certificate_transparency = false;
        assert!(against(&record, 0).is_empty(), "what is not promised is not held against the path");
    }

    #[test]
    fn forged_timestamps_do_not_count_and_unknown_logs_do_not_accuse() {
        let mut record = testing::clean();
        let mut with = |status: SctStatus| {
            record.hosts[0].chains[0].facts.scts.iter_mut().for_each(|sct| sct.status = status);
            against(&record, 0).contains(&"no-valid-sct".to_owned())
        };
        assert!(with(SctStatus::BadSignature));
        assert!(!with(SctStatus::UnknownLog));
        assert!(!with(SctStatus::FromTheFuture));
        assert!(!with(SctStatus::Valid));
    }

    #[test]
    fn an_old_log_list_accuses_nobody() {
        let mut record = testing::clean();
        record.hosts[0].chains[0].facts.scts.clear();
        record.trust.ct_logs_made = testing::days_before(&record, 71);
        assert!(against(&record, 0).is_empty());
        assert_eq!(testing::state(&record, 0), State::Unknown);
        record.trust.ct_logs_made = testing::days_before(&record, 70);
        assert_eq!(testing::state(&record, 0), State::Intercepted);
    }
}
