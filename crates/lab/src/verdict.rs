//! What `check` said against what the scenario expects.

use std::collections::BTreeMap;

use model::{HostVerdict, Judgement, Leaning, ProxySetting, Record, SolutionClass, State};

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
    let classes: Vec<SolutionClass> = judgement.solutions.iter().map(|solution| solution.class).collect();
    wrong.extend(solutions(expect.solutions.as_deref(), &expect.no_solutions, &classes));
    wrong.extend(path(expect, judgement));
    if judgement.exit.code() != expect.exit {
        wrong.push(format!("the judgement's exit is {}, expected {}", judgement.exit.code(), expect.exit));
    }
    wrong
}

/// Every way in which the machine's own scripts decide otherwise than is `due`, by workload.
pub(crate) fn decisions(due: &BTreeMap<String, String>, record: &Record) -> Vec<String> {
    let mut wrong = Vec::new();
    let facts = record.proxy.seen();
    for (workload, due) in due {
        let made: Vec<&str> = facts
            .iter()
            .flat_map(|facts| facts.decisions.iter().map(|decision| (&facts.sources, decision)))
            .filter(|(sources, decision)| {
                let source = sources.get(decision.source).and_then(|source| source.setting.seen());
                matches!(source, Some(ProxySetting::Script(_)))
            })
            .filter(|(_, decision)| {
                record.hosts.iter().map(|host| &host.target).any(|target| {
                    target.workload == *workload && target.host == decision.host && target.port == decision.port
                })
            })
            .map(|(_, decision)| decision.outcome.seen().map_or("nothing", |route| route.result.as_str()))
            .collect();
        if made.is_empty() || made.iter().any(|result| result != due) {
            wrong.push(format!("the scripts decide [{}] for {workload}, expected {due}", made.join(", ")));
        }
    }
    wrong
}

fn solutions(due: Option<&[SolutionClass]>, never: &[SolutionClass], got: &[SolutionClass]) -> Vec<String> {
    let mut wrong = Vec::new();
    let named = |classes: &[SolutionClass]| format!("{classes:?}");
    if due.is_some_and(<[SolutionClass]>::is_empty) && !got.is_empty() {
        wrong.push(format!("solutions {}, expected none", named(got)));
    }
    for class in due.unwrap_or_default().iter().filter(|class| !got.contains(class)) {
        wrong.push(format!("solution {class:?} is missing, got {}", named(got)));
    }
    wrong.extend(
        never.iter().filter(|class| got.contains(class)).map(|class| format!("solution {class:?} must not be there")),
    );
    wrong
}

/// What is told of the path as a whole. Why nothing can be said ("its place is unknown") is not compared; evidence in favour
/// of the path (a VPN that is split out) may be asked for, but does not count against "none".
fn path(expect: &Expect, judgement: &Judgement) -> Vec<String> {
    let told = judgement.path.iter().filter(|evidence| evidence.leaning != Leaning::Silent);
    let ids: Vec<&str> = told.clone().map(|evidence| evidence.id.as_str()).collect();
    let mut wrong = Vec::new();
    let against = told.filter(|evidence| evidence.leaning == Leaning::Against).count();
    if expect.path.as_ref().is_some_and(Vec::is_empty) && against > 0 {
        wrong.push(format!("the path has evidence [{}], expected none", ids.join(", ")));
    }
    for id in expect.path.iter().flatten().filter(|id| !ids.contains(&id.as_str())) {
        wrong.push(format!("evidence {id} of the path is missing; got [{}]", ids.join(", ")));
    }
    let never = expect.no_path.iter().filter(|id| ids.contains(&id.as_str()));
    wrong.extend(never.map(|id| format!("evidence {id} of the path must not be there")));
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
    wrong.extend(solutions(due.solutions.as_deref(), &due.no_solutions, &host.solutions));
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
    use super::{decisions, differences};
    use crate::scenario::Expect;
    use model::{Judgement, Record};

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

    /// Every host of a stored record, decided upon by a script and by a fixed setting, which is no script.
    fn decided(result: &str) -> Record {
        let mut record = Record::from_json(include_bytes!("../../../corpus/records/direct.json")).unwrap();
        let decisions: Vec<_> = record
            .hosts
            .iter()
            .flat_map(|host| [(host, 0, "PROXY other.example:1"), (host, 1, result)])
            .map(|(host, source, result)| {
                serde_json::json!({
                    "host": host.target.host, "port": host.target.port, "source": source,
                    "outcome": { "seen": { "result": result, "rule": null, "line": null, "took_ms": 1.0, "resolved": [] } },
                })
            })
            .collect();
        record.proxy = serde_json::from_value(serde_json::json!({ "seen": {
            "sources": [
                { "kind": "environment", "name": "HTTPS_PROXY",
                  "setting": { "seen": { "fixed": { "proxy": "http://other.example:1", "bypass": [] } } } },
                { "kind": "given", "name": "a",
                  "setting": { "seen": { "script": { "url": "http://a.example/p", "sha256": "00", "length": 1,
                                                     "content_type": null, "fetched_ms": 1.0 } } } },
            ],
            "decisions": decisions, "proxies": [],
        } }))
        .unwrap();
        record
    }

    #[test]
    fn what_scripts_decide_is_compared() {
        let record = decided("DIRECT");
        let workload = record.hosts.first().unwrap().target.workload.clone();
        let due = |result: &str| [(workload.clone(), result.to_owned())].into();
        assert_eq!(decisions(&due("DIRECT"), &record), Vec::<String>::new());
        let told = decisions(&due("PROXY p.example:8080"), &record).join("\n");
        assert!(told.contains("the scripts decide [DIRECT"), "{told}");
        let none = Record::from_json(include_bytes!("../../../corpus/records/direct.json")).unwrap();
        assert_eq!(decisions(&due("DIRECT"), &none).len(), 1, "no decision is not the right one");
    }

    #[test]
    fn solutions_and_the_path_are_compared() {
        let mut judged = judgement("intercepted", "x");
        judged.solutions = serde_json::from_value(serde_json::json!([
            { "class": "dlp", "confidence": "proven", "who": [], "because": [], "evidence": [], "hosts": [] },
        ]))
        .unwrap();
        judged.path = serde_json::from_value(serde_json::json!([
            { "id": "vpn-split", "class": "D", "leaning": "for", "confidence": "proven", "detail": "", "connections": [] },
            { "id": "distant-proxy", "class": "D", "leaning": "silent", "confidence": "weak", "detail": "", "connections": [] },
            { "id": "proxy-sign-in", "class": "E", "leaning": "against", "confidence": "proven", "detail": "",
              "connections": [] },
        ]))
        .unwrap();
        let told = |text: &str| {
            let due = expect(&format!("exit = 10\n{text}\nall = {{ state = 'intercepted' }}"));
            differences(&due, &judged).join("\n")
        };
        assert_eq!(
            told(
                "solutions = ['dlp']\nno-solutions = ['vpn']\npath = ['vpn-split', 'proxy-sign-in']\nno-path = ['distant-proxy']"
            ),
            ""
        );
        for (text, part) in [
            ("solutions = []", "solutions [Dlp], expected none"),
            ("solutions = ['swg']", "solution Swg is missing, got [Dlp]"),
            ("no-solutions = ['dlp']", "solution Dlp must not be there"),
            ("path = []", "expected none"),
            ("path = ['vpn-tunnelled']", "evidence vpn-tunnelled of the path is missing"),
            ("no-path = ['proxy-sign-in']", "evidence proxy-sign-in of the path must not be there"),
        ] {
            assert!(told(text).contains(part), "{part}\n{}", told(text));
        }
        judged.path.truncate(2);
        let due = expect("exit = 10\npath = []\nall = { state = 'intercepted', solutions = [] }");
        assert_eq!(differences(&due, &judged), Vec::<String>::new(), "what speaks for the path is nothing against it");
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
