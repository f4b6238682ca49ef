//! Products by how they shape what they forge.

use model::{CertificateFacts, Chain, Timestamp, Validation};
use serde::Deserialize;

use super::{Kind, Signal, describe_authority};
use crate::view::View;
use crate::{Knowledge, KnowledgeError};

/// One product's habits. All that a row states must hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Habit {
    pub(crate) product: String,
    pub(crate) versions: String,
    pub(crate) weight: f64,
    chain_length: Option<usize>,
    repeats_authority: Option<bool>,
    begins: Option<Timestamp>,
    begins_hours_before: Option<(i64, i64)>,
    valid_hours: Option<i64>,
    serial_octets: Option<(usize, usize)>,
    key: Option<String>,
    subject_empty: Option<bool>,
    subject_repeats_host: Option<bool>,
    subject_contains: Option<Vec<String>>,
    subject_key_id: Option<bool>,
    authority_key_id: Option<bool>,
    policies: Option<bool>,
    copies_dates: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    habit: Vec<Habit>,
}

impl Habit {
    pub(crate) fn parse(text: &str) -> Result<Vec<Self>, KnowledgeError> {
        let table: Table = toml::from_str(text).map_err(|error| KnowledgeError::Interceptors(error.to_string()))?;
        Ok(table.habit)
    }

    /// Whether each condition that the row states holds; conditions that cannot be told here are left out.
    fn conditions(
        &self,
        chain: &Chain,
        leaf: &CertificateFacts,
        host: &str,
        now: Timestamp,
        genuine: Option<&CertificateFacts>,
    ) -> Vec<bool> {
        let begins_before = now.seconds_since(leaf.not_before);
        let valid = leaf.not_after.seconds_since(leaf.not_before);
        let host_count =
            leaf.subject.split([',', '+']).filter(|part| part.split_once('=').is_some_and(|(_, v)| v == host)).count();
        [
            self.chain_length.map(|length| chain.certificates.len() == length),
            self.repeats_authority.map(|repeats| repeats_a_certificate(chain) == repeats),
            self.begins.map(|begins| leaf.not_before == begins),
            self.begins_hours_before.map(|(from, to)| (from * 3_600..=to * 3_600).contains(&begins_before)),
            self.valid_hours.map(|hours| (valid - hours * 3_600).abs() < 3_600),
            self.serial_octets.map(|(from, to)| (from..=to).contains(&leaf.serial.0.len())),
            self.key.as_ref().map(|key| leaf.key == *key),
            self.subject_empty.map(|empty| leaf.subject.is_empty() == empty),
            self.subject_repeats_host.map(|repeats| (host_count > 1) == repeats),
            self.subject_contains.as_ref().map(|parts| parts.iter().all(|part| leaf.subject.contains(part))),
            self.subject_key_id.map(|present| leaf.subject_key_id.is_some() == present),
            self.authority_key_id.map(|present| leaf.authority_key_id.is_some() == present),
            self.policies.map(|present| leaf.policies.is_empty() != present),
            self.copies_dates.zip(genuine).map(|(copies, genuine)| {
                (genuine.not_before == leaf.not_before && genuine.not_after == leaf.not_after) == copies
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The same certificate more than once: no server is set up like this on purpose.
fn repeats_a_certificate(chain: &Chain) -> bool {
    chain
        .certificates
        .iter()
        .enumerate()
        .any(|(at, one)| chain.certificates.iter().skip(at + 1).any(|other| one == other))
}

const FEWEST_CONDITIONS: usize = 4;

pub(super) fn signals(chain: &Chain, view: &View<'_>, knowledge: &Knowledge) -> Vec<Signal> {
    let Some(leaf) = chain.facts.leaf() else { return Vec::new() };
    let host = view.host.target.host.as_str();
    let genuine = view.host.chains.iter().find(|c| c.facts.public == Validation::Valid).and_then(|c| c.facts.leaf());
    knowledge
        .habits()
        .iter()
        .filter(|habit| {
            let conditions = habit.conditions(chain, leaf, host, view.record.started, genuine);
            conditions.len() >= FEWEST_CONDITIONS && conditions.into_iter().all(|holds| holds)
        })
        .filter_map(|habit| {
            let interceptor = knowledge.interceptor(&habit.product)?;
            let because = format!(
                "the forged certificate is shaped as {} {} shapes them; {}",
                habit.product,
                habit.versions,
                describe_authority(chain, leaf)
            );
            Some(Signal::of(interceptor, Kind::Habit, habit.weight, because))
        })
        .collect()
}

impl Habit {
    /// How many conditions the row states.
    #[cfg(test)]
    fn stated(&self) -> usize {
        let chain = crate::testing::host("a.example").chains[0].clone();
        let leaf = chain.facts.leaf().expect("a leaf").clone();
        self.conditions(&chain, &leaf, "a.example", leaf.not_before, Some(&leaf)).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_rests_on_few_conditions() {
        for habit in Knowledge::builtin().habits() {
            assert!(habit.stated() >= FEWEST_CONDITIONS, "{} {}", habit.product, habit.versions);
            assert!((0.1..=0.5).contains(&habit.weight), "{} {}", habit.product, habit.versions);
        }
    }

    #[test]
    fn a_repeated_certificate_is_found() {
        let mut chain = crate::testing::host("a.example").chains[0].clone();
        assert!(!repeats_a_certificate(&chain));
        let last = chain.certificates.last().expect("a certificate").clone();
        chain.certificates.push(last);
        assert!(repeats_a_certificate(&chain));
    }
}
