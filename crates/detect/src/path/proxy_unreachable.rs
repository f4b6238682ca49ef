use model::{Confidence, Failure, FailureKind, Operation, ProxyAnswer, ProxyFacts};

use super::proxies::sent_to;
use super::{PathSign, PathView, decided};
use crate::rules::{Sign, words};
use crate::text::quoted;

path_rule! {
    /// What it shows: a proxy that the settings of this machine choose for hosts of the service takes no connection, or does
    /// not answer CONNECT.
    ///
    /// Why it is proof: programs that follow the settings go there first. Where the settings name nothing else they do not
    /// reach the service at all; where they go on to another proxy or go direct, each program waits first, and it is weak.
    ///
    /// What can fool it: settings that were made for another network than this one, which programs here do not read.
    ///
    /// Source: the settings themselves; the Proxy Auto-Configuration format, on lists of proxies that are tried in order.
    "proxy-unreachable", E, "A configured proxy cannot be reached", look,
    "Check that the proxy runs, that its name and port in the settings are right, and that a firewall lets this machine reach it; else take it out of the settings, or return DIRECT for {hosts}."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let Some(facts) = view.record.proxy.seen() else { return Vec::new() };
    let dead = facts.proxies.iter().filter_map(|answer| Some((answer, answer.outcome.failure().filter(|f| is_gone(f))?)));
    dead.filter_map(|(answer, failure)| {
        let hosts = sent_to(facts, view.record, &answer.proxy);
        let detail = format!("{}: {}", quoted(&answer.proxy), words(failure));
        let sign = match (hosts.is_empty(), goes_on(view, facts, answer)) {
            (true, _) => return None,
            (false, true) => Sign::against(Confidence::Weak, format!("{detail}; the settings name another way, which is tried after it")),
            (false, false) => Sign::against(Confidence::Strong, format!("{detail}; the settings name no other way")),
        };
        Some(PathSign { sign, hosts, who: Vec::new() })
    })
    .collect()
}

/// A proxy that answers with a status is there; one that this machine could not ask is not known.
fn is_gone(failure: &Failure) -> bool {
    let asked = matches!(failure.operation, Operation::Resolve | Operation::Connect | Operation::Proxy);
    asked && !matches!(failure.kind, FailureKind::Status(_) | FailureKind::Local)
}

/// Each host that is sent there first has a second way.
fn goes_on(view: &PathView<'_>, facts: &ProxyFacts, answer: &ProxyAnswer) -> bool {
    let hosts = sent_to(facts, view.record, &answer.proxy);
    let ways = |result: &str| result.split(';').filter(|entry| !entry.trim().is_empty()).count();
    let all = decided(view.record);
    let mut sent = all.iter().filter(|decided| hosts.contains(&decided.host()));
    sent.all(|decided| ways(&decided.route.result) > 1)
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Confidence, ExitCode, Failure, FailureKind, Operation, Record};

    use crate::testing::{self, path_against};

    fn dead(result: &str, operation: Operation, kind: FailureKind) -> Record {
        let mut record = testing::clean();
        record.proxy = testing::proxy_facts(result, 200);
        let answer = &mut testing::seen(&mut record.proxy).proxies[0];
        answer.outcome = Attempt::Failed(Failure { operation, ..testing::failure(kind) });
        record
    }

    #[test]
    fn a_proxy_that_is_not_there_breaks_what_follows_the_settings() {
        let record = dead("PROXY proxy.contoso.example:8080", Operation::Connect, FailureKind::Refused);
        assert_eq!(path_against(&record), ["proxy-unreachable", "proxy-configured"]);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(judgement.exit, ExitCode::Degradation);
        let finding = judgement.findings.iter().find(|finding| finding.id == "proxy-unreachable").expect("a finding");
        assert_eq!(
            finding.because,
            ["http://proxy.contoso.example:8080: the TCP connection was refused; the settings name no other way"]
        );
        assert!(finding.action.ends_with("or return DIRECT for outlook.office365.com."), "{}", finding.action);
        assert_eq!(finding.confidence, Confidence::Strong);
    }

    #[test]
    fn with_another_way_it_costs_a_wait() {
        let record = dead("PROXY proxy.contoso.example:8080; DIRECT", Operation::Resolve, FailureKind::NoSuchName);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!((judgement.path[0].id.as_str(), judgement.path[0].confidence), ("proxy-unreachable", Confidence::Weak));
    }

    #[test]
    fn a_proxy_that_answers_is_there() {
        let result = "PROXY proxy.contoso.example:8080";
        for kind in [FailureKind::Status(403), FailureKind::Local] {
            assert_eq!(path_against(&dead(result, Operation::Proxy, kind)), ["proxy-configured"]);
        }
        assert!(path_against(&dead("DIRECT", Operation::Connect, FailureKind::Timeout)).is_empty());
    }
}
