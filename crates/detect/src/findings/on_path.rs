//! What the settings, the routes, the outside and the endpoint list say: one finding for each rule over the record.

use model::{Attribution, Class, Finding, Record, State};

use super::reasons;
use crate::path::{PathPiece, PathRule, path_rules};
use crate::text::{listed_up_to, quoted, sentence};

pub(super) fn findings(record: &Record, path: &[PathPiece]) -> Vec<Finding> {
    path_rules().iter().filter_map(|rule| finding(record, rule, path)).collect()
}

fn finding(record: &Record, rule: &PathRule, path: &[PathPiece]) -> Option<Finding> {
    let pieces: Vec<&PathPiece> = path.iter().filter(|piece| piece.rule.id == rule.id && piece.is_against()).collect();
    let confidence = pieces.iter().map(|piece| piece.found.sign.confidence).max()?;
    let mut hosts: Vec<String> = Vec::new();
    let mut who: Vec<Attribution> = Vec::new();
    for piece in &pieces {
        let new: Vec<String> = piece.found.hosts.iter().filter(|host| !hosts.contains(host)).cloned().collect();
        hosts.extend(new);
        for candidate in &piece.found.who {
            if !who.iter().any(|known| known.product == candidate.product) {
                who.push(candidate.clone());
            }
        }
    }
    let names: Vec<String> =
        hosts.iter().map(|host| host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).to_owned()).collect();
    let affected = if names.is_empty() { "the service".to_owned() } else { listed_up_to(&names, 3) };
    Some(Finding {
        id: rule.id.to_owned(),
        state: if rule.class == Class::E { State::Degraded } else { State::Unknown },
        confidence,
        title: rule.title.to_owned(),
        who,
        because: reasons(pieces.iter().map(|piece| sentence(&piece.found.sign.detail))),
        breaks: if rule.class == Class::E { features(record, &hosts) } else { Vec::new() },
        hosts,
        action: rule.action.replace("{hosts}", &affected),
    })
}

/// What people do on these hosts, as far as they are among those that were tested.
fn features(record: &Record, hosts: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let tested = record.hosts.iter().map(|host| &host.target);
    for target in tested.filter(|target| hosts.contains(&format!("{}:{}", target.host, target.port))) {
        for feature in target.features.iter().filter_map(|key| record.features.get(key)) {
            let name = quoted(&feature.name);
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}
