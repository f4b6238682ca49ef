//! What can be said about the signed certificate timestamps of a chain.

use model::{Chain, SctStatus};

use crate::rules::Sign;
use crate::standing::Standing;
use crate::view::View;

pub(super) enum Timestamps {
    /// At least one verifies: by how many logs.
    Valid(usize),
    /// There should be one and is none: the certificate was never logged. The reason reads on from "because".
    Missing(&'static str),
    /// The log list is too old, or not known, to say that one is missing.
    ListTooOld(String),
    /// Something is in the way of a conclusion.
    Unverified(String),
}

/// What `sign` makes of the timestamps of each public chain, where the service promises timestamps.
pub(super) fn where_promised(view: &View<'_>, sign: fn(Timestamps) -> Option<Sign>) -> Vec<Sign> {
    if !view.judged_by_public_trust() || !view.host.target.promises.certificate_transparency {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Public)
        .filter_map(|(index, chain, _, connections)| Some(sign(timestamps(view, index, chain))?.on(connections)))
        .collect()
}

/// Chrome enforces Certificate Transparency only while its own log list is at most so old.
const LIST_LIFE_DAYS: i64 = 70;

pub(super) fn timestamps(view: &View<'_>, index: usize, chain: &Chain) -> Timestamps {
    let scts = &chain.facts.scts;
    let valid = scts.iter().filter(|sct| sct.status == SctStatus::Valid).count();
    if valid > 0 {
        return Timestamps::Valid(valid);
    }
    match view.record.trust.ct_logs_made {
        None => return Timestamps::ListTooOld("the day the CT log list was made is not known".to_owned()),
        Some(made) => {
            let days = view.record.started.seconds_since(made) / 86_400;
            if days > LIST_LIFE_DAYS {
                return Timestamps::ListTooOld(format!(
                    "the CT log list is {days} days old; beyond {LIST_LIFE_DAYS} days newer logs are missing from it"
                ));
            }
        }
    }
    if view.context.clock_behind_s.is_some() {
        return Timestamps::Unverified("timestamps cannot be judged with a wrong clock".to_owned());
    }
    if scts.is_empty() {
        let asked = view
            .host
            .tls
            .seen()
            .and_then(|tls| tls.timestamps.seen())
            .is_some_and(|timestamps| timestamps.chain == index && timestamps.list.is_none());
        return if asked {
            Timestamps::Missing("neither the certificate nor the handshake carries one")
        } else {
            Timestamps::Unverified(
                "the certificate carries no timestamp, and whether the handshake does was not seen".to_owned(),
            )
        };
    }
    if scts.iter().all(|sct| matches!(sct.status, SctStatus::BadSignature | SctStatus::Malformed)) {
        return Timestamps::Missing("no log's key verifies those that it carries");
    }
    let mut reasons: Vec<&str> = scts.iter().map(|sct| words(sct.status)).collect();
    reasons.sort_unstable();
    reasons.dedup();
    Timestamps::Unverified(format!("no timestamp of the certificate could be verified: {}", reasons.join(", ")))
}

fn words(status: SctStatus) -> &'static str {
    match status {
        SctStatus::Valid => "valid",
        SctStatus::BadSignature => "a signature does not fit",
        SctStatus::UnknownLog => "the log is not in the list",
        SctStatus::RetiredLog => "the log was retired before",
        SctStatus::FromTheFuture => "it lies in the future",
        SctStatus::OutsideLogInterval => "the log does not take such certificates",
        SctStatus::NoIssuer => "the issuer's certificate is missing",
        SctStatus::Malformed => "it cannot be read",
    }
}
