//! `truepath check`: one run over every host of the service, judged and told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use detect::Knowledge;
use model::{Coordinates, HexBytes, HostName, Record, Timestamp};
use probe::{
    CHECKS, Check, Event, InvalidProxy, Proxy, ReflectorAddress, ScriptWorker, Settings, SystemNet, Targets, Trust,
    Turn,
};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedSender;

use super::compare;
use crate::cli;
use crate::exit::misuse;
use crate::{geo, inputs, progress, report};

pub(crate) fn run(arguments: &cli::Check) -> Result<ExitCode> {
    let checks = chosen(arguments)?;
    // A check is a few operations one after another; with less than that, a slow one would end with the budget.
    if arguments.budget < arguments.timeout * 4 {
        return Err(misuse("--budget must be at least four times --timeout"));
    }
    if arguments.list {
        if !arguments.only.is_empty() {
            report::list::print_pages(&checks)?;
            return Ok(ExitCode::SUCCESS);
        }
        let (profile, catalogue) = inputs::profile(&arguments.service)?;
        let names = catalogue.as_ref().map_or(0, |catalogue| profile.required_endpoints(catalogue).len());
        let every = arguments.every.unwrap_or(EVERY);
        let hosts = &profile.targets;
        let plan = report::list::Plan { hosts, names, every, octets_a_week: octets_a_week(arguments) };
        report::list::print(&CHECKS.iter().collect::<Vec<_>>(), &profile.name, &plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Better now than after half a minute of measuring.
    let folder =
        arguments.output.html.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(misuse(format!("--html: there is no folder {}", folder.display())));
    }
    let prepared = Prepared::new(arguments, &checks)?;
    if let Some(with) = &arguments.compare {
        return compare::run(arguments, &prepared, with);
    }
    let started = now()?;
    let runtime = runtime()?;
    let record = runtime.block_on(async {
        let (sender, receiver) = progress::channel(!arguments.output.quiet && !arguments.output.json);
        let shown = receiver.map(|receiver| tokio::spawn(progress::show(receiver)));
        let record = prepared.measure(prepared.settings.clone(), started, sender).await;
        if let Some(shown) = shown {
            let _ = shown.await;
        }
        record
    })?;
    // Resolver threads of the system may still wait for an answer that nobody needs any more.
    runtime.shutdown_background();
    let record = prepared.located(record);
    let judgement = detect::judge(&record, &prepared.knowledge);
    report::print(&record, &judgement, &prepared.knowledge, &arguments.output)?;
    Ok(ExitCode::from(judgement.exit.code()))
}

/// Everything that a run needs, read and understood before the first packet leaves.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) settings: Settings,
    targets: Targets,
    trust: Arc<Trust>,
    pub(super) knowledge: Knowledge,
    geo: Vec<PathBuf>,
    place: Option<Coordinates>,
}

impl Prepared {
    fn new(arguments: &cli::Check, checks: &[&'static Check]) -> Result<Self> {
        let (profile, catalogue) = inputs::profile(&arguments.service)?;
        let knowledge = inputs::knowledge(&arguments.knowledge)?;
        let trust = Arc::new(inputs::trust(&arguments.knowledge, &profile)?);
        let mut settings = Settings {
            checks: checks.iter().map(|check| check.name).collect(),
            turn: None,
            timeout: arguments.timeout,
            budget: arguments.budget,
            life: arguments.life,
            call: arguments.call.or_else(|| calls(arguments).then_some(CALL)),
            pac: arguments.pac.as_deref().map(pac).transpose()?,
            interface: arguments.interface.clone(),
            script_worker: script_worker()?,
            via: arguments.via.as_deref().map(|via| proxy("--via", via)).transpose()?,
            resolve: arguments.resolve.clone(),
            reflector: reflector(arguments.reflector.as_deref(), arguments.reflector_key.as_deref())?,
            environment_proxies: environment_proxies(),
            tool: concat!("truepath ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let targets = Targets {
            service: profile.reference(),
            features: profile.features.clone(),
            hosts: profile.targets.clone(),
            prefixes: catalogue.as_ref().map_or_else(Vec::new, |catalogue| profile.optimize_prefixes(catalogue)),
            endpoints: catalogue.as_ref().map_or_else(Vec::new, |catalogue| profile.required_endpoints(catalogue)),
        };
        if let Some(every) = arguments.every {
            let number = u64::try_from(now()?.unix_seconds()).unwrap_or(0) / every.as_secs().max(1);
            let reflector = settings.reflector.is_some();
            let names = targets.endpoints.len();
            let week = octets_a_week(arguments);
            settings.turn = Some(Turn::new(number, every, week, checks, &targets.hosts, reflector, names));
        }
        geo::readable(&arguments.geo)?;
        let (geo, place) = (arguments.geo.clone(), arguments.place);
        Ok(Self { settings, targets, trust, knowledge, geo, place })
    }

    /// Whether every host was put on this machine with `--resolve`.
    pub(super) fn is_all_here(&self) -> bool {
        self.targets.hosts.iter().all(|target| {
            let is_it = |resolve: &&probe::Resolve| resolve.host == target.host && resolve.port == target.port;
            let resolve = self.settings.resolve.iter().find(is_it);
            resolve.is_some_and(|resolve| resolve.addresses.iter().all(std::net::IpAddr::is_loopback))
        })
    }

    /// One run of the checks.
    pub(super) async fn measure(
        &self,
        settings: Settings,
        started: Timestamp,
        events: Option<UnboundedSender<Event>>,
    ) -> Result<Record> {
        let net = match &settings.interface {
            Some(name) => SystemNet::on_interface(name).map_err(|error| misuse(format!("--interface {error}")))?,
            None => SystemNet::new(),
        };
        let net = Arc::new(net);
        Ok(probe::run(self.targets.clone(), settings, self.trust.clone(), net, started, events).await?)
    }

    /// The record with what this machine's databases know of the places of its addresses.
    pub(super) fn located(&self, mut record: Record) -> Record {
        geo::locate(&mut record, &self.geo, self.place);
        record
    }
}

/// This very program, told to be nothing else.
fn script_worker() -> Result<ScriptWorker> {
    let program = std::env::current_exe().context("where this program is")?;
    Ok(ScriptWorker { program, arguments: vec!["evaluate-script".to_owned()] })
}

pub(super) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")
}

/// The URL of a script that the user named: one that cannot be is a mistake, and no machine without a proxy.
fn pac(url: &str) -> Result<String> {
    let wrong = |why: String| misuse(format!("--pac {url}: {why}"));
    if let Some(path) = url.strip_prefix("file://") {
        let readable = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        return if readable.is_file() { Ok(url.to_owned()) } else { Err(wrong("that is no file".to_owned())) };
    }
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(url.to_owned());
    }
    Err(wrong("expected an http, https or file URL, such as file:///etc/proxy.pac".to_owned()))
}

/// Not parsed by the command line, whose errors repeat the value: it may hold a password.
pub(super) fn proxy(flag: &str, url: &str) -> Result<Proxy> {
    url.parse().map_err(|error: InvalidProxy| misuse(format!("{flag}: {error}")))
}

/// What `--list` reckons with where `--every` is not given.
const EVERY: Duration = Duration::from_secs(300);

fn octets_a_week(arguments: &cli::Check) -> u64 {
    u64::from(arguments.traffic) * 1_000_000
}

/// How long a call lasts unless said otherwise: as long as the one of the service's own test tool.
const CALL: Duration = Duration::from_secs(10);

fn calls(arguments: &cli::Check) -> bool {
    arguments.reflector.is_some() && (arguments.full || arguments.only.iter().any(|name| name == "media"))
}

/// The checks to run, in the order of the table.
fn chosen(arguments: &cli::Check) -> Result<Vec<&'static Check>> {
    let cli::Check { only, skip, .. } = arguments;
    for name in only.iter().chain(skip) {
        if Check::by_name(name).is_none() {
            let known: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
            return Err(misuse(format!("no check is called `{name}`; there are {}", known.join(", "))));
        }
    }
    let named = |names: &[String], check: &Check| names.iter().any(|name| name == check.name);
    let asked_for = |check: &Check| match check.name {
        "content" => arguments.content,
        _ => check.by_default || arguments.full,
    };
    let wanted = |check: &Check| named(only, check) || (only.is_empty() && asked_for(check));
    let chosen: Vec<&'static Check> = CHECKS.iter().filter(|check| wanted(check) && !named(skip, check)).collect();
    if chosen.is_empty() { Err(misuse("--skip leaves no check")) } else { Ok(chosen) }
}

fn reflector(url: Option<&str>, key: Option<&str>) -> Result<Option<ReflectorAddress>> {
    let (Some(url), Some(key)) = (url, key) else { return Ok(None) };
    let invalid = |why: &str| misuse(format!("--reflector `{url}`: {why} (expected https://HOST[:PORT])"));
    let rest = url.strip_prefix("https://").ok_or_else(|| invalid("the scheme is not https"))?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| invalid("the port is not a number"))?),
        None => (authority, 443),
    };
    let host = HostName::parse(host).map_err(|_| invalid("the host is not a name"))?;
    let key = hex::decode(key.trim()).ok().filter(|key| key.len() == 32);
    let key =
        key.ok_or_else(|| misuse("--reflector-key: expected 64 hex digits, as `truepath reflect` prints them"))?;
    Ok(Some(ReflectorAddress { host, port, key: HexBytes(key) }))
}

/// Proxy settings that other programs on this machine would follow. `check` records them and goes its own way.
fn environment_proxies() -> BTreeMap<String, String> {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"]
        .into_iter()
        .filter_map(|name| {
            let value = std::env::var(name).ok()?;
            let shown = match (value.split_once("://"), value.rsplit_once('@')) {
                (Some((scheme, _)), Some((_, authority))) => format!("{scheme}://{authority}"),
                (None, Some((_, authority))) => authority.to_owned(),
                _ => value,
            };
            // Lists of what goes past the proxy are long where they matter.
            Some((name.to_owned(), shown.chars().take(4096).collect()))
        })
        .collect()
}

pub(super) fn now() -> Result<Timestamp> {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .context("the machine's clock stands before 1970")?;
    let milliseconds = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_milliseconds(milliseconds).context("the machine's clock stands beyond the year 9999")
}
