use model::FailureKind;

use super::sni_block;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: TCP connects, and after the ClientHello has named the host nothing comes back at all. People see
    /// a page that loads for ever.
    ///
    /// Why it is proof: without the name the same address answers, so the name is the reason. Where nothing answers
    /// without the name either, it is weak: the host may be broken.
    ///
    /// What can fool it: a path that loses large packets (`hello-size` tells that apart).
    ///
    /// Source: RFC 6066 section 3 (server_name); HAProxy with `silent-drop` in the lab, 2026-11.
    "sni-dropped", E, "Handshakes that name the host get no answer", look, Some("https"),
    "Remove the rule that drops TLS to {hosts} by name."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    sni_block::look(view, |kind| *kind == FailureKind::Timeout, "left without an answer")
}

#[cfg(test)]
mod tests {
    use model::{FailureKind, Operation, State};

    use crate::testing::{self, against};

    #[test]
    fn a_name_that_gets_no_answer_is_blocked() {
        let mut record = testing::clean();
        testing::cut_off(&mut record.hosts[0], Operation::Handshake, FailureKind::Timeout);
        assert!(against(&record, 0).contains(&"sni-dropped".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Degraded);
        testing::cut_off(&mut record.hosts[0], Operation::Connect, FailureKind::Timeout);
        assert!(!against(&record, 0).contains(&"sni-dropped".to_owned()), "TCP does not open: nothing about names");
    }
}
