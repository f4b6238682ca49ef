//! What `check` said against what the scenario expects.

use model::{HostVerdict, Judgement, Leaning, State};

use crate::scenario::{Expect, Verdict};

/// Every way in which the judgement differs, in a line each; empty where it is right.
pub(crate) fn differences(expect: &Expect, judgement: &Judgement) -> Vec<String> {
    let mut wrong = Vec::new();
    let hosts = judgement.hosts.iter().filter(|host| !host.is_reflector);
    for host in hosts.clone() {
        let due = expect.workload.get(&host.workload).unwrap_or(&expect.all);
        wrong.extend(compare(due, host));
    }
    if hosts.count() == 0 {
        wrong.push("no host was judged".into());
    }
    for workload in expect.workload.keys() {
        if !judgement.hosts.iter().any(|host| host.workload == *workload) {
            wrong.push(format!("no host of {workload} was judged"));
        }
    }
    if let Some(due) = &expect.reflector {
        match judgement.hosts.iter().find(|host| host.is_reflector) {
            Some(host) => wrong.extend(compare(due, host)),
            None => wrong.push("the reflector was not judged".into()),
        }
    }
    for id in &expect.findings {
        if !judgement.findings.iter().any(|finding| finding.id == *id) {
            let found: Vec<&str> = judgement.findings.iter().map(|finding| finding.id.as_str()).collect();
            wrong.push(format!("finding {id} is missing; found [{}]", found.join(", ")));
        }
    }
    if judgement.exit.code() != expect.exit {
        wrong.push(format!("the judgement's exit is {}, expected {}", judgement.exit.code(), expect.exit));
    }
    wrong
}

fn compare(due: &Verdict, host: &HostVerdict) -> Vec<String> {
    // What a rule finds in favour of the path is evidence too, with the same id: only what speaks against it is compared.
    let against: Vec<&str> =
        host.evidence.iter().filter(|e| e.leaning != Leaning::For).map(|e| e.id.as_str()).collect();
    let first = host.attribution.first().map_or("none", |attribution| attribution.product.as_str());

    let mut wrong = Vec::new();
    if !due.state.contains(&host.state) {
        let due: Vec<&str> = due.state.iter().map(|state| word(*state)).collect();
        wrong.push(format!("state {}, expected {}", word(host.state), due.join(" or ")));
    }
    if due.partly.is_some_and(|partly| partly != host.partly) {
        wrong.push(format!("partly {}, expected {}", host.partly, !host.partly));
    }
    let missing = |id: &&String| !against.contains(&id.as_str());
    wrong.extend(due.has.iter().filter(missing).map(|id| format!("evidence {id} is missing")));
    wrong.extend(due.lacks.iter().filter(|id| !missing(id)).map(|id| format!("evidence {id} must not be there")));
    if let Some(product) = due.attribution.as_deref().filter(|product| *product != first) {
        wrong.push(format!("attributed to {first}, expected {product}"));
    }
    if wrong.is_empty() {
        return wrong;
    }
    let reason = host.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let got = format!("got {}{reason}, evidence [{}], {first}", word(host.state), against.join(", "));
    vec![format!("{} {}:{}: {}; {got}", host.workload, host.host, host.port, wrong.join("; "))]
}

fn word(state: State) -> &'static str {
    match state {
        State::Intact => "intact",
        State::Unknown => "unknown",
        State::Degraded => "degraded",
        State::Manipulated => "manipulated",
        State::Intercepted => "intercepted",
    }
}

#[cfg(test)]
mod tests {
    use super::differences;
    use crate::scenario::Expect;
    use model::Judgement;

    fn judgement(state: &str, evidence: &str) -> Judgement {
        serde_json::from_value(serde_json::json!({
            "v": 1, "workloads": [], "findings": [], "exit": "interception",
            "hosts": [{
                "host": "a.example", "port": 443, "workload": "Mail", "is_reflector": false, "state": state,
                "confidence": "proven", "reason": null, "partly": false, "connections": [],
                "evidence": [{ "id": evidence, "class": "A", "leaning": "against", "confidence": "proven",
                               "detail": "", "connections": [] }],
                "attribution": [{ "product": "Box", "vendor": "V", "class": "swg", "confidence": 0.9, "because": [] }],
            }],
        }))
        .unwrap()
    }

    fn expect(text: &str) -> Expect {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_right_judgement_has_no_differences() {
        let due = expect("exit = 10\nall = { state = 'intercepted', has = ['private-chain'], attribution = 'Box' }");
        assert_eq!(differences(&due, &judgement("intercepted", "private-chain")), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_told() {
        let due = expect(
            "exit = 0\nreflector = { state = 'intact' }\n\
             all = { state = ['intact', 'unknown'], lacks = ['x'], has = ['y'], attribution = 'none' }\n\
             [workload.Chat]\nstate = 'intact'",
        );
        let told = differences(&due, &judgement("intercepted", "x")).join("\n");
        for part in [
            "Mail a.example:443: state intercepted, expected intact or unknown; evidence y is missing; evidence x must",
            "attributed to Box, expected none",
            "no host of Chat was judged",
            "the reflector was not judged",
            "exit is 10, expected 0",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }
}
