use model::{Confidence, EndpointAnswer, FailureKind, Operation};

use super::{PathSign, PathView};
use crate::rules::Sign;
use crate::text::{counted, listed_up_to};

path_rule! {
    /// What it shows: a required name of the endpoint list gives no answer, while this machine is online.
    ///
    /// Why it is proof: the list says that it has to be reachable, and other names are. It is the rule of the service's own
    /// test tool.
    ///
    /// What can fool it: a list that is older than the service's last change; a name that does not exist is told and not
    /// counted, because a name that was given up looks the same. One name alone is weak.
    ///
    /// Source: Microsoft 365 network connectivity test, connectivity of required endpoints (2025-04-02).
    "endpoint-unreachable", E, "Required endpoints give no answer", look,
    "Open TCP to {hosts} on the firewall and the proxy."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let Some(endpoints) = view.record.endpoints.seen() else { return Vec::new() };
    let online = view.context.something_works || endpoints.iter().any(|endpoint| endpoint.outcome.seen().is_some());
    let failed: Vec<(&EndpointAnswer, &FailureKind)> = endpoints
        .iter()
        .filter_map(|endpoint| Some((endpoint, endpoint.outcome.failure()?)))
        .filter(|(_, failure)| failure.kind != FailureKind::Local)
        .filter(|(_, failure)| !(failure.operation == Operation::Proxy && matches!(failure.kind, FailureKind::Status(_))))
        .map(|(endpoint, failure)| (endpoint, &failure.kind))
        .collect();
    let (gone, silent): (Vec<_>, Vec<_>) = failed.into_iter().partition(|(_, kind)| **kind == FailureKind::NoSuchName);
    let names = |those: &[(&EndpointAnswer, &FailureKind)]| -> Vec<String> {
        those.iter().map(|(endpoint, _)| format!("{}:{}", endpoint.host, endpoint.port)).collect()
    };
    let mut signs = Vec::new();
    if !silent.is_empty() {
        let hosts = names(&silent);
        let of = counted(endpoints.len(), "name");
        let detail = format!("{} of {of} of the list gave no answer: {}", hosts.len(), listed_up_to(&hosts, 6));
        let sign = match (online, hosts.len()) {
            (false, _) => Sign::silent(format!("{detail}; nothing else answered either")),
            (true, 1) => Sign::against(Confidence::Weak, detail),
            (true, _) => Sign::against(Confidence::Strong, detail),
        };
        signs.push(PathSign { sign, hosts, who: Vec::new() });
    }
    if !gone.is_empty() {
        let hosts = names(&gone);
        let detail = format!("{} of the list does not exist: {}", counted(hosts.len(), "name"), listed_up_to(&hosts, 6));
        signs.push(PathSign { sign: Sign::silent(detail), hosts, who: Vec::new() });
    }
    signs
}

#[cfg(test)]
mod tests {
    use model::{Attempt, ExitCode, FailureKind};

    use crate::testing::{self, path_against};

    #[test]
    fn a_silent_name_counts_while_others_answer() {
        let mut record = testing::clean();
        record.endpoints = testing::endpoints(&["a.example", "b.example", "c.example"]);
        assert!(path_against(&record).is_empty());
        let endpoints = testing::seen(&mut record.endpoints);
        endpoints[0].outcome = Attempt::Failed(testing::failure(FailureKind::Timeout));
        assert_eq!(path_against(&record), ["endpoint-unreachable"]);
        assert_eq!(crate::judge(&record, &crate::Knowledge::builtin()).exit, ExitCode::Degradation);
        let endpoints = testing::seen(&mut record.endpoints);
        endpoints[0].outcome = Attempt::Failed(testing::failure(FailureKind::NoSuchName));
        assert!(path_against(&record).is_empty(), "a name that was given up looks the same");
    }

    #[test]
    fn without_a_network_nothing_is_held_against_it() {
        let mut record = testing::clean();
        record.hosts.iter_mut().for_each(|host| testing::cut_off(host, model::Operation::Connect, FailureKind::Timeout));
        record.endpoints = testing::endpoints(&["a.example"]);
        testing::seen(&mut record.endpoints)[0].outcome = Attempt::Failed(testing::failure(FailureKind::Timeout));
        assert!(path_against(&record).is_empty());
        assert_eq!(crate::judge(&record, &crate::Knowledge::builtin()).exit, ExitCode::Unreachable);
    }
}
