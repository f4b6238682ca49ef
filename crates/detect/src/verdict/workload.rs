//! The verdict over a workload, for one line.

use model::{Class, HostVerdict, Leaning, State, WorkloadVerdict};

use crate::rules::{PORTAL, rules};
use crate::text::{counted, in_sentence, listed, quoted};

/// One verdict for each workload, in the order in which the profile names them.
pub(crate) fn workloads(verdicts: &[HostVerdict]) -> Vec<WorkloadVerdict> {
    let mut names: Vec<&str> = Vec::new();
    for verdict in verdicts.iter().filter(|v| !v.is_reflector) {
        if !names.contains(&verdict.workload.as_str()) {
            names.push(&verdict.workload);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let hosts: Vec<&HostVerdict> = verdicts.iter().filter(|v| !v.is_reflector && v.workload == name).collect();
            let state = hosts.iter().map(|v| v.state).max().unwrap_or(State::Unknown);
            let unknown = hosts.iter().filter(|v| v.state == State::Unknown).count();
            WorkloadVerdict {
                workload: quoted(name),
                state,
                hosts: hosts.len(),
                unknown,
                summary: summary(&hosts, state, unknown),
            }
        })
        .collect()
}

fn summary(hosts: &[&HostVerdict], state: State, unknown: usize) -> String {
    let affected: Vec<&&HostVerdict> = hosts.iter().filter(|v| v.state == state).collect();
    let share = if affected.len() == hosts.len() {
        String::new()
    } else {
        format!(" on {} of {} hosts", affected.len(), hosts.len())
    };
    let rest = if unknown > 0 && state != State::Unknown {
        format!("; {} not judged", counted(unknown, "host"))
    } else {
        String::new()
    };
    match state {
        State::Intact => format!("intact end to end{rest}"),
        State::Unknown => {
            let reason = affected.iter().find_map(|v| v.reason.as_deref()).unwrap_or("nothing was measured");
            let whole = hosts.len() - unknown;
            if whole > 0 {
                format!("{} intact, {} not judged: {reason}", counted(whole, "host"), unknown)
            } else {
                format!("not judged: {reason}")
            }
        }
        State::Intercepted => {
            let partly = affected.iter().all(|v| v.partly);
            let what = if partly { "TLS partly decrypted" } else { "TLS decrypted" };
            format!("{what}{}{share}{rest}", by(&affected))
        }
        State::Manipulated | State::Degraded => {
            let class = if state == State::Manipulated { Class::B } else { Class::E };
            let mut titles: Vec<String> = Vec::new();
            for rule in rules().iter().filter(|rule| rule.class == class) {
                let seen = affected
                    .iter()
                    .any(|v| v.evidence.iter().any(|e| e.id == rule.id && e.leaning == Leaning::Against));
                if seen {
                    let explains_the_rest = rule.id == PORTAL;
                    titles.push(if titles.is_empty() { rule.title.to_owned() } else { in_sentence(rule.title) });
                    if explains_the_rest {
                        break;
                    }
                }
            }
            titles.truncate(3);
            format!("{}{share}{rest}", listed(&titles))
        }
    }
}

fn by(affected: &[&&HostVerdict]) -> String {
    let mut products: Vec<String> = Vec::new();
    for verdict in affected {
        let named = verdict.attribution.first().filter(|a| a.confidence > 0.0 && !products.contains(&a.product));
        products.extend(named.map(|first| first.product.clone()));
    }
    products.truncate(2);
    if products.is_empty() { String::new() } else { format!(" by {}", listed(&products)) }
}
