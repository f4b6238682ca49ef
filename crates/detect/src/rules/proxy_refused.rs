use model::{Failure, FailureKind, Operation};

use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the explicit proxy did not open a tunnel to the host: 407 asks for a sign-in to the proxy, 403
    /// is its policy, 502 to 504 say that it could not get there.
    ///
    /// Why it is not proof: the proxy speaks for itself, outside of TLS; the service was never reached. Nothing is
    /// said about decryption, but the host does not work on this path.
    ///
    /// What can fool it: a wrong address or password in `--via` looks the same.
    ///
    /// Source: RFC 9110 sections 9.3.6 (CONNECT), 15.5.4 (403) and 15.5.8 (407).
    "proxy-refused", D, "The explicit proxy refuses to connect", look, Some("https"),
    "Allow CONNECT to {hosts} on the explicit proxy, or send these hosts direct."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let refused = |failure: &Failure| match failure.kind {
        FailureKind::Status(status) if failure.operation == Operation::Proxy => Some(status),
        _ => None,
    };
    let connections = view.connections(|c| c.tls.failure().and_then(refused).is_some());
    let status = view
        .host
        .connections
        .iter()
        .find_map(|c| refused(c.tls.failure()?))
        .or_else(|| view.host.tcp.failure().and_then(refused));
    let Some(status) = status else { return Vec::new() };
    let meaning = match status {
        407 => "it wants a sign-in first",
        403 => "its policy forbids it",
        502..=504 => "it could not get there",
        _ => "no tunnel was opened",
    };
    let sign = Sign::silent(format!("the explicit proxy answered CONNECT with status {status}: {meaning}"));
    let sign = sign.advising(match status {
        407 => "Let {hosts} pass the explicit proxy without a sign-in, or send these hosts direct.",
        502..=504 => "Look at the explicit proxy: it does not reach {hosts} itself. Until it does, send these hosts direct.",
        _ => "Allow CONNECT to {hosts}, port {port}, in the rules of the explicit proxy, or send these hosts direct.",
    });
    vec![sign.on(connections).barring()]
}

#[cfg(test)]
mod tests {
    use model::{FailureKind, Operation};

    use crate::testing::{self, silent};

    #[test]
    fn a_407_to_connect_is_the_proxys_own_word() {
        let mut record = testing::clean();
        testing::cut_off(&mut record.hosts[0], Operation::Proxy, FailureKind::Status(407));
        assert!(silent(&record, 0).contains(&"proxy-refused".to_owned()));
        assert!(!silent(&testing::clean(), 0).contains(&"proxy-refused".to_owned()));
        assert_eq!(testing::state(&record, 0), model::State::Unknown);
    }

    #[test]
    fn the_advice_fits_the_status() {
        for (status, speaks_of) in [(407, "sign-in"), (403, "Allow CONNECT"), (503, "does not reach")] {
            let mut record = testing::clean();
            testing::cut_off(&mut record.hosts[0], Operation::Proxy, FailureKind::Status(status));
            let judgement = crate::judge(&record, &crate::Knowledge::builtin());
            let finding = judgement.findings.iter().find(|f| f.id == "proxy-refused").expect("a finding");
            assert!(finding.action.contains(speaks_of), "{status}: {}", finding.action);
            assert_eq!(status == 407, finding.action.contains("sign-in"), "{status}: {}", finding.action);
        }
    }
}
