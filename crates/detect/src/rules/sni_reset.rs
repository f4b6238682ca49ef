use model::FailureKind;

use super::sni_block;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: TCP connects, and the connection is reset or closed as soon as the ClientHello has named the host.
    ///
    /// Why it is proof: without the name the same address answers, so the name is the reason. Where nothing answers
    /// without the name either, it is weak: the host may be broken.
    ///
    /// What can fool it: a service that refuses hellos without a name and happens to be down.
    ///
    /// Source: RFC 6066 section 3 (server_name); HAProxy with `tcp-request content reject` in the lab, 2026-11.
    "sni-reset", E, "Handshakes that name the host are reset", look, Some("https"),
    "Remove the rule that resets TLS to {hosts} by name."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    sni_block::look(view, |kind| matches!(kind, FailureKind::Reset | FailureKind::Closed), "reset")
}

#[cfg(test)]
mod tests {
    use model::{FailureKind, Operation, State};

    use crate::testing::{self, against};

    #[test]
    fn a_name_that_is_reset_is_blocked() {
        let mut record = testing::clean();
        testing::cut_off(&mut record.hosts[0], Operation::Handshake, FailureKind::Reset);
        assert!(against(&record, 0).contains(&"sni-reset".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Degraded);
        assert!(against(&record, 1).is_empty());
    }

    #[test]
    fn where_nothing_works_no_name_is_blamed() {
        let mut record = testing::clean();
        record.hosts.iter_mut().for_each(|host| testing::cut_off(host, Operation::Handshake, FailureKind::Reset));
        assert!(against(&record, 0).is_empty());
    }
}
