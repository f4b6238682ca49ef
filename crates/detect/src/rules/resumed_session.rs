use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a resumed session shows no certificate.
    ///
    /// Why it is not proof: the session that was resumed may have ended somewhere else than the next one will. It
    /// inherits no verdict, and it spoils none.
    ///
    /// What can fool it: nothing; it only says what is missing.
    ///
    /// Source: RFC 8446 section 2.2 (resumption).
    "resumed-session", A, "A resumed session shows no certificate", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let connections = view.connections(|c| c.chain.is_none() && c.tls.seen().is_some_and(|tls| tls.resumed));
    if connections.is_empty() {
        return Vec::new();
    }
    vec![Sign::silent("a resumed session shows no certificate and is not judged").on(connections)]
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, silent};

    #[test]
    fn a_resumed_session_is_unknown_and_spoils_nothing() {
        let record = testing::clean();
        assert!(silent(&record, 0).contains(&"resumed-session".to_owned()));
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        let verdict = &judgement.hosts[0];
        assert_eq!(verdict.connections[testing::RESUMED].state, State::Unknown);
        assert_eq!(verdict.state, State::Intact);
    }

    #[test]
    fn a_full_handshake_is_not_resumed() {
        let mut record = testing::clean();
        let full = record.hosts[0].connections[testing::CLASSIC].clone();
        record.hosts[0].connections[testing::RESUMED] = full;
        assert!(!silent(&record, 0).contains(&"resumed-session".to_owned()));
    }
}
