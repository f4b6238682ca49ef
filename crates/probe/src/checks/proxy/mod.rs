//! `proxy`: every place that tells programs of this machine to use a proxy, what each decides for every host, and how
//! the proxies that come out of it answer.
//!
//! Nothing is used: the other checks go the way that `--via` says, or the direct one. Each source is asked by itself,
//! because programs differ in which ones they follow: command-line tools read the environment, browsers the system's
//! settings, and what a script decides for one host says nothing of the next.

mod ask;
mod bypass;
mod environment;
mod evaluate;
mod file;
mod script;
mod system;
mod worker;
mod wpad;
mod zone;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use model::{
    Attempt, Operation, ProxyDecision, ProxyFacts, ProxyRoute, ProxySetting, ProxySource, ProxySourceKind, Target,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::check::{Check, Scope, no_wait};
use crate::failure::Stopwatch;
use crate::host::Context;
use crate::proxy::Proxy;
use bypass::Bypass;
use script::{From, Script};
pub use worker::evaluate_script;

pub(crate) const CHECK: Check = Check {
    name: "proxy",
    title: "proxy settings of this machine, and which rule sends which host where",
    page: "\
Reads every place that tells programs of this machine to use a proxy: the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY,
as curl reads them), the system's settings (GNOME, KDE and /etc/environment; the Internet settings of Windows; the
network settings of macOS), the script of --pac, and automatic discovery (WPAD): option 252 in the leases that DHCP
clients leave behind and in the answer to a DHCPINFORM, and the host wpad in the search domains, never above the domain
that an organisation registers.

A script is fetched and evaluated for every host as Chromium would, in a process of its own that has an engine without
files, network and clock, and is bounded in work, memory, questions and time; what is not done within the run's
budget fails for its own source alone.
The scripts that DHCP and DNS name are fetched by http and https only, and those of --pac and of the system's settings
from regular files too. Recorded are the result, the line and text of the rule that decided, the names
that the script resolved on the way, and the time that it took. Then each proxy that came out is asked once for a tunnel
to the first host, without a sign-in: its status, the ways to sign in that it offers (407), Server and Via.

Shows why a host goes through a proxy although a bypass was meant for it, a script that cannot be fetched, and a proxy
that wants a sign-in which background services cannot give. No setting is used: --via chooses the way of the other
checks. A script under https is refused as browsers refuse it where the certificate leads to no trusted root.

Limits: no group policies, no settings that live in a browser itself. DHCPINFORM needs Linux and the right to bind port
68. Scripts hear local time where the machine has a time zone file, else UTC. Cost on a machine without any proxy:
some names, one broadcast for each interface; with a script, its length, and one connection for each proxy.",
    round_trips: 4,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 2_000,
    scope: Scope::Run,
    by_default: true,
};

/// Sources kept; each interface, lease and search domain is one.
const SOURCES_LIMIT: usize = 32;

/// Scripts evaluated at one time; each is a process. More than two sources with a script are rare.
const SCRIPTS_AT_ONCE: usize = 4;

/// Left of the run's budget when the last part ends: what was found by then has to be handed on before the run ends it.
const MARGIN: Duration = Duration::from_millis(500);

/// When each part of the check has to be done, one after the other within the run's budget.
#[derive(Clone, Copy)]
struct Deadlines {
    started: Stopwatch,
    /// Fetching each script. It is a little before the next one, so that a slow script fails for itself, and what else there
    /// is in the same place is kept.
    fetches: Instant,
    /// Finding the sources.
    sources: Instant,
    /// Evaluating the scripts, side by side.
    scripts: Instant,
    /// Asking the proxies.
    answers: Instant,
}

impl Deadlines {
    fn of(context: &Context) -> Self {
        // A budget of a second and less is shared in halves.
        let budget = context.settings.budget;
        let left = budget.saturating_sub(MARGIN.min(budget / 2)).saturating_sub(context.watch.elapsed());
        let now = Instant::now();
        Self {
            started: Stopwatch::start(),
            fetches: now + left * 3 / 10,
            sources: now + left / 3,
            scripts: now + left * 2 / 3,
            answers: now + left,
        }
    }

    /// The sources that are found in time.
    async fn found(self, kind: ProxySourceKind, name: &str, sources: impl Future<Output = Vec<Source>>) -> Vec<Source> {
        match tokio::time::timeout_at(self.sources, sources).await {
            Ok(sources) => sources,
            Err(_elapsed) => {
                let failure = self.started.timed_out(Operation::Exchange, self.started.elapsed());
                vec![Source::without(kind, name, Attempt::Failed(failure))]
            }
        }
    }
}

/// One place, and how it decides.
struct Source {
    facts: ProxySource,
    rule: Option<Rule>,
}

/// How a source decides for a host.
enum Rule {
    Fixed { proxy: Proxy, bypass: Bypass },
    Script(Script),
}

impl Source {
    /// A source that decides nothing, and why.
    fn without(kind: ProxySourceKind, name: impl Into<String>, setting: Attempt<ProxySetting>) -> Self {
        Self { facts: ProxySource { kind, name: name.into(), setting }, rule: None }
    }

    fn fixed(kind: ProxySourceKind, name: impl Into<String>, proxy: Proxy, bypass: Bypass) -> Self {
        let setting = ProxySetting::Fixed { proxy: proxy.to_string(), bypass: bypass.shown() };
        let facts = ProxySource { kind, name: name.into(), setting: Attempt::Seen(setting) };
        Self { facts, rule: Some(Rule::Fixed { proxy, bypass }) }
    }

    /// Fetches the script at `url`.
    async fn script(
        context: &Context,
        deadline: Instant,
        kind: ProxySourceKind,
        name: impl Into<String>,
        url: &str,
        from: From,
    ) -> Self {
        let (name, watch) = (name.into(), Stopwatch::start());
        let fetched = tokio::time::timeout_at(deadline, script::fetch(context, url, from)).await;
        match fetched.unwrap_or_else(|_elapsed| Err(watch.timed_out(Operation::Request, watch.elapsed()))) {
            Ok((script, facts)) => {
                let setting = Attempt::Seen(ProxySetting::Script(facts));
                Self { facts: ProxySource { kind, name, setting }, rule: Some(Rule::Script(script)) }
            }
            Err(failure) => Self::without(kind, name, Attempt::Failed(failure)),
        }
    }
}

pub(crate) async fn run(context: &Arc<Context>, hosts: &[Target]) -> Attempt<ProxyFacts> {
    let environment = environment::sources(&context.settings.environment_proxies);
    let deadlines = Deadlines::of(context);
    let fetches = deadlines.fetches;
    let given = async {
        match &context.settings.pac {
            Some(url) => {
                let name = script::without_secrets(url);
                vec![Source::script(context, fetches, ProxySourceKind::Given, name, url, From::Anywhere).await]
            }
            None => Vec::new(),
        }
    };
    // Each of them bounded: what the slowest has not told by then is missing, and the others are kept.
    let (system, given, dhcp, dns) = tokio::join!(
        deadlines.found(ProxySourceKind::System, "system", Box::pin(system::sources(context, fetches))),
        deadlines.found(ProxySourceKind::Given, "--pac", Box::pin(given)),
        deadlines.found(ProxySourceKind::WpadDhcp, "DHCP", Box::pin(wpad::dhcp(context, fetches))),
        deadlines.found(ProxySourceKind::WpadDns, "wpad", Box::pin(wpad::dns(context, fetches))),
    );
    let sources = environment.into_iter().chain(system).chain(given).chain(dhcp).chain(dns).take(SOURCES_LIMIT);
    decide(context, sources.collect(), hosts, deadlines).await
}

/// What the sources say for every host, and what the proxies say that come out. A source that is not done at the deadline
/// fails for itself alone.
async fn decide(
    context: &Arc<Context>,
    sources: Vec<Source>,
    hosts: &[Target],
    deadlines: Deadlines,
) -> Attempt<ProxyFacts> {
    let (facts, rules): (Vec<ProxySource>, Vec<Option<Rule>>) =
        sources.into_iter().map(|source| (source.facts, source.rule)).unzip();
    // A few at a time, in the order of the sources: the scripts that this machine's owner chose come before those of the network.
    let turns = Semaphore::new(SCRIPTS_AT_ONCE);
    let turns = &turns;
    let outcomes = rules.into_iter().map(|rule| async move {
        match rule {
            None => Vec::new(),
            Some(Rule::Fixed { proxy, bypass }) => hosts.iter().map(|host| fixed(&proxy, &bypass, host)).collect(),
            Some(Rule::Script(script)) => {
                let _turn = turns.acquire().await;
                evaluate::decide(context, script, hosts, deadlines.scripts).await
            }
        }
    });
    let mut decisions = Vec::new();
    for (index, outcomes) in join_all(outcomes).await.into_iter().enumerate() {
        decisions.extend(hosts.iter().zip(outcomes).map(|(target, outcome)| ProxyDecision {
            host: target.host.clone(),
            port: target.port,
            source: index,
            outcome,
        }));
    }
    let proxies = ask::all(context, &decisions, hosts.first(), deadlines.answers).await;
    Attempt::Seen(ProxyFacts { sources: facts, decisions, proxies })
}

fn fixed(proxy: &Proxy, bypass: &Bypass, target: &Target) -> Attempt<ProxyRoute> {
    let watch = Stopwatch::start();
    let rule = bypass.entry_for(&target.host).map(str::to_owned);
    let result = if rule.is_some() { "DIRECT".to_owned() } else { proxy.to_pac_result() };
    Attempt::Seen(ProxyRoute { result, rule, line: None, took_ms: watch.elapsed().into(), resolved: Vec::new() })
}

#[cfg(test)]
mod tests;
