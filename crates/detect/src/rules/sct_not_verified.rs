use super::scts::{Timestamps, where_promised};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the certificate leads to a public root, and whether a public log signed for it could not be
    /// found out. The detail says why.
    ///
    /// Why it is not proof: a log that the list does not know may be new; a handshake that was not asked may have
    /// carried the timestamp.
    ///
    /// What can fool it: nothing; it only says what is missing.
    ///
    /// Source: RFC 6962 sections 3.2 and 3.3.
    "sct-not-verified", A, "The certificate's timestamps could not be verified", look, None,
    "Run the check again with the tls check and a larger budget."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    where_promised(view, |timestamps| match timestamps {
        Timestamps::Unverified(why) => Some(Sign::silent(why)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use model::{Attempt, State};

    use crate::testing::{self, silent};

    #[test]
    fn a_handshake_that_was_not_asked_leaves_the_question_open() {
        let mut record = testing::clean();
        record.hosts[0].chains[0].facts.scts.clear();
        testing::tls(&mut record.hosts[0]).timestamps = Attempt::not_tried("budget");
        assert!(silent(&record, 0).contains(&"sct-not-verified".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Unknown);
        assert!(!silent(&record, 1).contains(&"sct-not-verified".to_owned()));
    }
}
