use model::Confidence;

use crate::rules::{Sign, reflected};
use crate::view::View;

rule! {
    /// What it shows: the TLS session that left this machine is not the one that arrived at the reflector. Both ends
    /// derive the `tls-exporter` channel binding from the secrets of their session; they differ.
    ///
    /// Why it is proof: whoever ends one session and opens another cannot make the two values equal without the
    /// secrets of both ends, and the reflector's answer is signed with a key that the client pins.
    ///
    /// What can fool it: nothing known. It speaks for the reflector only: a path may treat other hosts otherwise.
    ///
    /// Source: RFC 9266 section 2 (tls-exporter); RFC 8446 section 7.5; RFC 5705 with RFC 7627 for TLS 1.2.
    "exporter-differs", A, "The two ends do not share a TLS session", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let differs = |r: &reflected::Reflected<'_>| r.exporters_equal() == Some(false);
    let connections: Vec<usize> = reflected::signed(view).iter().filter(|r| differs(r)).map(|r| r.index).collect();
    if connections.is_empty() {
        return Vec::new();
    }
    let detail = "the tls-exporter value at the reflector is not the one here: TLS ends in between";
    vec![Sign::against(Confidence::Proven, detail).on(connections)]
}

#[cfg(test)]
mod tests {
    use model::{HexBytes, State};

    use crate::testing::{self, against};

    #[test]
    fn another_session_at_the_reflector_proves_interception() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        assert!(!against(&record, reflector).contains(&"exporter-differs".to_owned()));
        testing::reflection(&mut record, |r| r.answer.exporter = Some(HexBytes(vec![9; 32])));
        assert!(against(&record, reflector).contains(&"exporter-differs".to_owned()));
        assert_eq!(testing::state(&record, reflector), State::Intercepted);
    }

    #[test]
    fn an_unsigned_answer_proves_nothing_by_itself() {
        let mut record = testing::with_reflector();
        testing::reflection(&mut record, |r| {
            r.answer.exporter = Some(HexBytes(vec![9; 32]));
            r.signature_valid = false;
        });
        assert!(!against(&record, record.hosts.len()).contains(&"exporter-differs".to_owned()));
    }
}
