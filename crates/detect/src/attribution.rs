//! Who does it: products ranked by how well their marks fit, with the reasons.
//!
//! Signals and their weights (design section 4): a name that an admin gave to a key 1.0, the issuer's name 0.95, a
//! block page or a header with a product's token 0.9, the habits of a forged leaf 0.4 to 0.5, and the behaviour of the
//! path as support for one of these. The best signal of each kind counts once, and kinds combine as independent
//! witnesses do: 1 - (1 - a)(1 - b). Where habits are all there is, confidence stays at 0.5 or below, because a wrong
//! name is worse than none. Hosts whose certificates come from one authority are one case: a header seen on one of
//! them speaks for all.

mod behaviour;
mod casb;
mod habits;
mod issuer;
mod marks;

use std::collections::BTreeMap;

use model::{Attempt, Attribution, CertificateFacts, Chain, State};

pub(crate) use behaviour::Behaviour;
pub(crate) use casb::ReverseProxy;
pub(crate) use habits::Habit;
pub(crate) use marks::{Direction, Marks, of_headers, say_once};
pub use marks::{HeaderMark, Interceptor, PageMark};

use crate::Knowledge;
use crate::judge::Judged;
use crate::standing::Standing;
use crate::text::quoted;
use crate::view::Settled;

/// The kinds of signals, each of which counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Admin,
    Issuer,
    Content,
    Habit,
    Behaviour,
}

/// One reason to think of one product.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    pub(crate) product: String,
    pub(crate) vendor: String,
    pub(crate) class: String,
    pub(crate) kind: Kind,
    pub(crate) weight: f64,
    pub(crate) because: String,
}

impl Signal {
    pub(crate) fn of(interceptor: &Interceptor, kind: Kind, weight: f64, because: String) -> Self {
        Self {
            product: interceptor.product.clone(),
            vendor: interceptor.vendor.clone(),
            class: interceptor.class.clone(),
            kind,
            weight,
            because,
        }
    }
}

/// More candidates than these say nothing more.
const MOST_SHOWN: usize = 5;

/// For each host, in order, who is seen on its path. Empty where nothing points to anybody.
pub(crate) fn attribute(judged: &[Judged<'_>], states: &[State], knowledge: &Knowledge) -> Vec<Vec<Attribution>> {
    let mut cases: BTreeMap<String, Vec<Signal>> = BTreeMap::new();
    let own: Vec<(Option<String>, Vec<Signal>)> = judged
        .iter()
        .zip(states)
        .map(|(judged, state)| {
            let chains = foreign_chains(judged);
            let authority = chains.first().and_then(|chain| authority(chain));
            let signals = if *state >= State::Manipulated { signals(judged, &chains, knowledge) } else { Vec::new() };
            (authority, signals)
        })
        .collect();
    for (authority, signals) in &own {
        if let Some(authority) = authority {
            cases.entry(authority.clone()).or_default().extend(signals.iter().cloned());
        }
    }
    own.iter()
        .zip(judged)
        .zip(states)
        .map(|(((authority, signals), judged), state)| {
            if *state < State::Manipulated {
                return Vec::new();
            }
            let together = authority.as_ref().and_then(|authority| cases.get(authority)).unwrap_or(signals);
            let mut ranked = rank(together);
            if *state < State::Intercepted {
                marks::name_plainly(&mut ranked, knowledge);
            } else if ranked.is_empty() {
                ranked.push(unknown_interceptor(&foreign_chains(judged)));
            }
            ranked
        })
        .collect()
}

/// The chains that somebody else than the service showed.
fn foreign_chains<'a>(judged: &Judged<'a>) -> Vec<&'a Chain> {
    let view = &judged.view;
    view.chains()
        .filter(|(_, _, standing, shown)| {
            matches!(standing, Standing::Private | Standing::Untrusted | Standing::Forged)
                && !shown.iter().any(|connection| view.settled(*connection) == Settled::Whole)
                && (!view.is_reflector() || shown.iter().any(|connection| view.settled(*connection) == Settled::Ended))
                || shown.iter().any(|connection| view.settled(*connection) == Settled::Ended)
        })
        .map(|(_, chain, ..)| chain)
        .collect()
}

/// What makes two hosts one case: the issuer's name together with its key.
fn authority(chain: &Chain) -> Option<String> {
    let leaf = chain.facts.leaf()?;
    let key = issuing_key(chain, leaf);
    Some(format!("{}\n{}", leaf.issuer, key.unwrap_or_default()))
}

fn issuing_key(chain: &Chain, leaf: &CertificateFacts) -> Option<String> {
    let presented = chain.facts.certificates.iter().skip(1).filter_map(Attempt::seen);
    leaf.authority_key_id
        .as_ref()
        .or_else(|| presented.filter(|c| c.subject == leaf.issuer).find_map(|c| c.subject_key_id.as_ref()))
        .map(ToString::to_string)
}

fn signals(judged: &Judged<'_>, chains: &[&Chain], knowledge: &Knowledge) -> Vec<Signal> {
    let view = &judged.view;
    let mut signals = Vec::new();
    for chain in chains {
        signals.extend(issuer::signals(chain, knowledge));
        signals.extend(habits::signals(chain, view, knowledge));
    }
    if view.context.portal.is_none() {
        signals.extend(marks::signals(view, knowledge));
    }
    let pointed: Vec<String> = signals.iter().map(|signal| signal.product.clone()).collect();
    signals.extend(behaviour::signals(view, knowledge, &pointed));
    signals
}

fn rank(signals: &[Signal]) -> Vec<Attribution> {
    let mut products: BTreeMap<(&str, &str), Vec<&Signal>> = BTreeMap::new();
    for signal in signals {
        products.entry((&signal.vendor, &signal.product)).or_default().push(signal);
    }
    let mut ranked: Vec<Attribution> = products.into_values().filter_map(|signals| combine(&signals)).collect();
    ranked.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.product.cmp(&b.product)));
    // What the traffic itself names leaves no room for what only resembles something.
    if ranked.first().is_some_and(|first| first.confidence >= 0.9) {
        ranked.retain(|candidate| candidate.confidence > 0.5);
    }
    ranked.truncate(MOST_SHOWN);
    ranked
}

fn combine(signals: &[&Signal]) -> Option<Attribution> {
    let first = signals.first()?;
    let mut best: BTreeMap<Kind, f64> = BTreeMap::new();
    for signal in signals {
        let weight = best.entry(signal.kind).or_insert(signal.weight);
        // Behaviour may also weigh less than nothing: the worst of it counts, as what was seen anywhere is true.
        *weight = if signal.kind == Kind::Behaviour { weight.min(signal.weight) } else { weight.max(signal.weight) };
    }
    let behaviour = best.remove(&Kind::Behaviour).unwrap_or(0.0);
    let doubt: f64 = best.values().map(|weight| 1.0 - weight).product();
    let mut confidence = 1.0 - doubt * (1.0 - behaviour.max(0.0));
    let named = best.keys().any(|kind| matches!(kind, Kind::Admin | Kind::Issuer | Kind::Content));
    if !named {
        confidence = (confidence + behaviour.min(0.0)).min(0.5);
    }
    let limit = if best.contains_key(&Kind::Admin) { 1.0 } else { 0.99 };
    let mut because: Vec<String> = Vec::new();
    for signal in signals {
        if !because.contains(&signal.because) {
            because.push(signal.because.clone());
        }
    }
    let confidence = (confidence.clamp(0.0, limit) * 100.0).round() / 100.0;
    (confidence > 0.0).then(|| Attribution {
        product: first.product.clone(),
        vendor: first.vendor.clone(),
        class: first.class.clone(),
        confidence,
        because,
    })
}

/// Nothing fits: the authority is all there is to say, and enough for an admin to name it.
fn unknown_interceptor(chains: &[&Chain]) -> Attribution {
    let because = chains.iter().find_map(|chain| {
        let leaf = chain.facts.leaf()?;
        Some(describe_authority(chain, leaf))
    });
    Attribution {
        product: "unknown interceptor".to_owned(),
        vendor: "unknown".to_owned(),
        class: "unknown".to_owned(),
        confidence: 0.0,
        because: because.into_iter().collect(),
    }
}

pub(crate) fn describe_authority(chain: &Chain, leaf: &CertificateFacts) -> String {
    let key = issuing_key(chain, leaf)
        .map_or_else(|| "without a key id".to_owned(), |key| format!("key id {}", quoted(&key)));
    let own = leaf.issuer == leaf.subject;
    let name = if leaf.issuer.is_empty() { "without a name".to_owned() } else { quoted(&leaf.issuer) };
    if own { format!("self-signed certificate {name}, {key}") } else { format!("CA {name}, {key}") }
}
