//! What the settings of this machine decide for each host: the first source that decides is the one that programs ask.

use model::{ProxyDecision, ProxyFacts, ProxyRoute, ProxySource, Record};

use crate::text::quoted;

pub(crate) struct Decided<'a> {
    pub(crate) decision: &'a ProxyDecision,
    pub(crate) route: &'a ProxyRoute,
    pub(crate) source: Option<&'a ProxySource>,
}

impl Decided<'_> {
    /// `host:port` of the proxy that is asked first, with its kind as a script says it; `None` where it is direct.
    pub(crate) fn proxy(&self) -> Option<String> {
        let first = self.route.result.split(';').map(str::trim).find(|entry| !entry.is_empty())?;
        (!first.eq_ignore_ascii_case("direct")).then(|| quoted(first))
    }

    pub(crate) fn host(&self) -> String {
        format!("{}:{}", self.decision.host, self.decision.port)
    }

    pub(crate) fn said_by(&self) -> String {
        self.source.map_or_else(|| "a setting".to_owned(), |source| quoted(&source.name))
    }
}

/// One decision for each host.
pub(crate) fn decided(record: &Record) -> Vec<Decided<'_>> {
    let Some(facts) = record.proxy.seen() else { return Vec::new() };
    let mut decided: Vec<Decided<'_>> = Vec::new();
    let mut in_order: Vec<&ProxyDecision> = facts.decisions.iter().collect();
    in_order.sort_by_key(|decision| decision.source);
    for decision in in_order {
        let Some(route) = decision.outcome.seen() else { continue };
        let known = |d: &Decided<'_>| d.decision.host == decision.host && d.decision.port == decision.port;
        if !decided.iter().any(known) {
            decided.push(Decided { decision, route, source: facts.sources.get(decision.source) });
        }
    }
    decided
}

/// The hosts that are sent to this proxy, given as `scheme://host:port`.
pub(super) fn sent_to(facts: &ProxyFacts, record: &Record, proxy: &str) -> Vec<String> {
    let authority = proxy.rsplit_once("://").map_or(proxy, |(_, authority)| authority);
    let single = facts.proxies.len() == 1;
    let fits = |decided: &Decided<'_>| {
        decided.proxy().is_some_and(|name| single || name.split_whitespace().any(|word| word.ends_with(authority)))
    };
    decided(record).iter().filter(|decided| fits(decided)).map(Decided::host).collect()
}
