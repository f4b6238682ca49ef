use model::Confidence;

use crate::rules::{Sign, reflected};
use crate::view::View;

rule! {
    /// What it shows: an answer came from where the reflector is, but the pinned key did not sign it, or it answers
    /// another challenge than ours.
    ///
    /// Why it is proof, or not: where the answer also describes another session than ours, somebody in between wrote
    /// or altered it. Where it describes our very session, a wrongly pinned key is the simpler explanation, and
    /// nothing is concluded.
    ///
    /// What can fool it: a wrong `--reflector-key` together with a reflector behind a load balancer that ends TLS.
    ///
    /// Source: RFC 8032 (Ed25519).
    "answer-not-signed", A, "The reflector's answer is not signed by the pinned key", look, None,
    "Compare --reflector-key with the key that the reflector prints when it starts."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    reflected::all(view)
        .into_iter()
        .filter(|reflected| !reflected.is_signed())
        .map(|reflected| {
            let on = vec![reflected.index];
            let other_session = reflected.exporters_equal() == Some(false)
                || super::hello_differs::equal(&reflected) == Some(false) && reflected.exporters_equal() != Some(true);
            if other_session {
                let detail = "the answer is not signed by the pinned key and describes another TLS session than ours";
                Sign::against(Confidence::Strong, detail).on(on)
            } else {
                let detail = "the answer is not signed by the pinned key, so nothing that it says counts; is the key right?";
                Sign::silent(detail).on(on)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{HexBytes, State};

    use crate::testing::{self, against, silent};

    #[test]
    fn a_wrong_pin_is_not_an_interceptor() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        testing::reflection(&mut record, |r| r.signature_valid = false);
        assert!(against(&record, reflector).is_empty());
        assert!(silent(&record, reflector).contains(&"answer-not-signed".to_owned()));
        assert_eq!(testing::state(&record, reflector), State::Unknown);
    }

    #[test]
    fn a_forged_answer_about_another_session_is() {
        let mut record = testing::with_reflector();
        testing::reflection(&mut record, |r| {
            r.signature_valid = false;
            r.answer.exporter = Some(HexBytes(vec![9; 32]));
        });
        assert!(against(&record, record.hosts.len()).contains(&"answer-not-signed".to_owned()));
    }

    #[test]
    fn a_replayed_answer_does_not_count_as_signed() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        testing::reflection(&mut record, |r| r.answer.challenge = HexBytes(vec![7; 16]));
        assert!(silent(&record, reflector).contains(&"answer-not-signed".to_owned()));
    }
}
