//! What was concluded from a record, as short as a test wants to compare it.

use model::{Leaning, Record, State};

/// Names of the rules that speak against this host's path; the reflector is the last host.
pub(crate) fn against(record: &Record, host: usize) -> Vec<String> {
    ids(record, host, Leaning::Against)
}

pub(crate) fn silent(record: &Record, host: usize) -> Vec<String> {
    ids(record, host, Leaning::Silent)
}

pub(crate) fn supporting(record: &Record, host: usize) -> Vec<String> {
    ids(record, host, Leaning::For)
}

pub(crate) fn state(record: &Record, host: usize) -> State {
    crate::judge(record, &crate::Knowledge::builtin()).hosts[host].state
}

/// Names of the rules over the whole record that speak against the path.
pub(crate) fn path_against(record: &Record) -> Vec<String> {
    let judgement = crate::judge(record, &crate::Knowledge::builtin());
    let against = judgement.path.iter().filter(|evidence| evidence.leaning == Leaning::Against);
    against.map(|evidence| evidence.id.clone()).collect()
}

fn ids(record: &Record, host: usize, leaning: Leaning) -> Vec<String> {
    let judgement = crate::judge(record, &crate::Knowledge::builtin());
    let mut ids: Vec<String> = Vec::new();
    for evidence in judgement.hosts[host].evidence.iter().filter(|evidence| evidence.leaning == leaning) {
        if !ids.contains(&evidence.id) {
            ids.push(evidence.id.clone());
        }
    }
    ids
}
