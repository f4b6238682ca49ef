//! What `check --compare` said of the two ways, beyond the verdict over each: the rounds, the costs and the losses.

use std::collections::BTreeMap;

use model::{Comparison, ComparisonJudgement, Loss, Phase};
use serde::Deserialize;

use crate::{
    recorded::{self, Range},
    scenario::Expect,
    verdict,
};

/// `[expect.comparison]`. What stands beside it in `[expect]` is due of the detour.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Due {
    /// What is due of the way past the device.
    bypass: Box<Expect>,
    /// Timed rounds that were made.
    rounds: usize,
    /// By phase: where the difference lies. It must also be one that the measurement can tell from none.
    #[serde(default)]
    costs: BTreeMap<Phase, Range>,
    /// Phases that cannot be compared.
    #[serde(default)]
    no_costs: Vec<Phase>,
    /// All that is lost on the detour, and nothing else.
    losses: Vec<Lost>,
    /// All features that are broken on the detour alone, in the service's words, and no others.
    features: Vec<String>,
}

/// One property that every host of the service loses.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lost {
    what: String,
    bypass: String,
    detour: String,
}

/// Every way in which the comparison differs from what is due, in a line each; empty where it is right.
pub(crate) fn differences(due: &Due, comparison: &Comparison, judgement: &ComparisonJudgement) -> Vec<String> {
    let mut wrong: Vec<String> = verdict::differences(&due.bypass, &judgement.bypass);
    match serde_json::to_value(&comparison.bypass.record) {
        Ok(record) => wrong.extend(recorded::differences(&due.bypass.record, &record)),
        Err(error) => wrong.push(format!("the record cannot be written: {error}")),
    }
    wrong.iter_mut().for_each(|line| line.insert_str(0, "past the device: "));
    if comparison.rounds.len() != due.rounds {
        wrong.push(format!("{} rounds, expected {}", comparison.rounds.len(), due.rounds));
    }
    if !comparison
        .rounds
        .iter()
        .zip([true, false].into_iter().cycle())
        .all(|(round, first)| round.detour_first == first)
    {
        wrong.push("the rounds do not begin with either way in turns".into());
    }
    wrong.extend(costs(due, judgement));
    wrong.extend(losses(due, comparison, judgement));
    let named = |features: &[String]| features.join(", ");
    if !same(&due.features, &judgement.features) {
        wrong.push(format!("features lost [{}], expected [{}]", named(&judgement.features), named(&due.features)));
    }
    wrong
}

fn costs(due: &Due, judgement: &ComparisonJudgement) -> Vec<String> {
    let mut wrong = Vec::new();
    for (phase, range) in &due.costs {
        let Some(cost) = judgement.costs.iter().find(|cost| cost.phase == *phase) else {
            wrong.push(format!("there is no cost of {phase:?}"));
            continue;
        };
        let Some((low, high)) = cost.interval else {
            wrong.push(format!("the cost of {phase:?} has no interval after {} rounds", cost.rounds));
            continue;
        };
        if !range.contains(cost.difference) {
            wrong.push(format!("{phase:?} costs {:.2} ({low:.2} to {high:.2}), expected {range}", cost.difference));
        }
        if !(low..=high).contains(&cost.difference) || !cost.is_significant() {
            wrong.push(format!("{phase:?} costs {:.2}, in an interval from {low:.2} to {high:.2}", cost.difference));
        }
        if cost.rounds != due.rounds {
            wrong.push(format!("{phase:?} was measured in {} rounds of {}", cost.rounds, due.rounds));
        }
    }
    let never = due.no_costs.iter().filter(|phase| judgement.costs.iter().any(|cost| cost.phase == **phase));
    wrong.extend(never.map(|phase| format!("a cost of {phase:?} must not be there")));
    wrong
}

fn losses(due: &Due, comparison: &Comparison, judgement: &ComparisonJudgement) -> Vec<String> {
    let lost = |loss: &Loss| Lost { what: loss.what.clone(), bypass: loss.bypass.clone(), detour: loss.detour.clone() };
    let told: Vec<Lost> = judgement.losses.iter().map(lost).collect();
    let mut wrong = Vec::new();
    for loss in due.losses.iter().filter(|loss| !told.contains(loss)) {
        wrong.push(format!("{loss:?} is missing; told [{told:?}]"));
    }
    for loss in told.iter().filter(|loss| !due.losses.contains(loss)) {
        wrong.push(format!("{loss:?} must not be there"));
    }
    let hosts = comparison.bypass.record.hosts.len();
    for loss in judgement.losses.iter().filter(|loss| loss.hosts.len() != hosts) {
        wrong.push(format!("{} is lost on {} hosts of {hosts}", loss.what, loss.hosts.len()));
    }
    wrong
}

fn same(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|text| other.contains(text))
}

#[cfg(test)]
mod tests {
    use model::{Comparison, ComparisonJudgement, Record};
    use serde_json::json;

    use super::{Due, differences};

    /// What was measured in two rounds of a stored record, both ways, and what was said of it.
    fn told(difference: f64, interval: Option<(f64, f64)>) -> (Comparison, ComparisonJudgement) {
        let record = Record::from_json(include_bytes!("../../../corpus/records/direct.json")).unwrap();
        let hosts: Vec<String> =
            record.hosts.iter().map(|host| format!("{}:{}", host.target.host, host.target.port)).collect();
        let judged = json!({ "v": 1, "workloads": [], "findings": [], "exit": "nothing_found", "hosts": [{
            "host": "a.example", "port": 443, "workload": "Mail", "is_reflector": false, "state": "intact",
            "confidence": "proven", "reason": null, "partly": false, "connections": [], "evidence": [], "attribution": [],
        }] });
        let way = json!({ "name": "a way", "record": record });
        let rounds: Vec<_> = [true, false].map(|first| json!({ "detour_first": first, "samples": [] })).into();
        let comparison = json!({
            "v": 1, "started": record.started, "took_ms": 1.0, "detour": way, "bypass": way, "rounds": rounds,
        });
        let judgement = json!({
            "v": 1, "detour": judged, "bypass": judged, "features": ["Chat"], "summary": "",
            "costs": [{ "phase": "total", "hosts": 1, "rounds": 2, "detour": 1.0, "bypass": 1.0,
                        "difference": difference, "interval": interval }],
            "losses": [{ "what": "HTTP version", "bypass": "HTTP/3", "detour": "HTTP/2", "hosts": hosts }],
        });
        (serde_json::from_value(comparison).unwrap(), serde_json::from_value(judgement).unwrap())
    }

    fn due(text: &str) -> Due {
        toml::from_str(text).unwrap()
    }

    const RIGHT: &str = "rounds = 2\nfeatures = ['Chat']\ncosts.total = { at-least = 30, at-most = 40 }\nno-costs = ['dns']\n\
        losses = [{ what = 'HTTP version', bypass = 'HTTP/3', detour = 'HTTP/2' }]\n\
        bypass = { exit = 0, all = { state = 'intact' } }";

    #[test]
    fn a_right_comparison_has_no_differences() {
        let (comparison, judgement) = told(31.0, Some((29.0, 33.0)));
        assert_eq!(differences(&due(RIGHT), &comparison, &judgement), Vec::<String>::new());
    }

    #[test]
    fn a_cost_must_lie_where_it_is_known_to_and_be_told_from_none() {
        for (difference, interval, part) in [
            (29.0, Some((28.0, 33.0)), "Total costs 29.00 (28.00 to 33.00), expected 30 to 40"),
            (31.0, Some((-1.0, 60.0)), "in an interval from -1.00 to 60.00"),
            (31.0, Some((32.0, 60.0)), "in an interval from 32.00 to 60.00"),
            (31.0, None, "has no interval after 2 rounds"),
        ] {
            let (comparison, judgement) = told(difference, interval);
            let wrong = differences(&due(RIGHT), &comparison, &judgement).join("\n");
            assert!(wrong.contains(part), "{part}\n{wrong}");
        }
    }

    #[test]
    fn each_difference_is_told() {
        let (mut comparison, mut judgement) = told(31.0, Some((29.0, 33.0)));
        let wanted = due("rounds = 3\nfeatures = []\ncosts.tls = {}\nno-costs = ['total']\n\
             losses = [{ what = 'WebSocket', bypass = 'works', detour = 'broken' }]\n\
             bypass = { exit = 10, all = { state = 'degraded' } }");
        comparison.rounds.iter_mut().for_each(|round| round.detour_first = true);
        judgement.losses.iter_mut().for_each(|loss| loss.hosts.truncate(1));
        let wrong = differences(&wanted, &comparison, &judgement).join("\n");
        for part in [
            "past the device: Mail a.example:443: state intact, expected degraded",
            "past the device: the judgement's exit is 0, expected 10",
            "2 rounds, expected 3",
            "do not begin with either way in turns",
            "there is no cost of Tls",
            "a cost of Total must not be there",
            "detour: \"broken\" } is missing",
            "detour: \"HTTP/2\" } must not be there",
            "HTTP version is lost on 1 hosts of",
            "features lost [Chat], expected []",
        ] {
            assert!(wrong.contains(part), "{part}\n{wrong}");
        }
    }
}
