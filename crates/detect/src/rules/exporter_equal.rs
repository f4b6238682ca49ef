use crate::rules::{Sign, reflected};
use crate::view::View;

rule! {
    /// What it shows: this machine and the reflector hold the same `tls-exporter` channel binding: they are the two
    /// ends of one TLS session.
    ///
    /// Why it is proof: the value is derived from the session's secrets, which nobody in between has; the answer that
    /// carries it is signed with a key that the client pins.
    ///
    /// What can fool it: nothing known. It speaks for this connection only: a path may treat other hosts otherwise.
    ///
    /// Source: RFC 9266 section 2; RFC 8446 section 7.5; RFC 5705 with RFC 7627 for TLS 1.2.
    "exporter-equal", A, "Both ends share one TLS session", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let equal = |r: &&reflected::Reflected<'_>| r.exporters_equal() == Some(true);
    let connections: Vec<usize> = reflected::signed(view).iter().filter(equal).map(|r| r.index).collect();
    if connections.is_empty() {
        return Vec::new();
    }
    vec![Sign::supporting("the tls-exporter value is the same at both ends").on(connections).proving(true)]
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, supporting};

    #[test]
    fn one_session_is_intact() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        assert!(supporting(&record, reflector).contains(&"exporter-equal".to_owned()));
        assert_eq!(testing::state(&record, reflector), State::Intact);
        testing::reflection(&mut record, |r| r.signature_valid = false);
        assert!(!supporting(&record, reflector).contains(&"exporter-equal".to_owned()));
    }
}
