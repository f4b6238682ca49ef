//! `truepath check`: one run over every host of the service, judged and told.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use model::{HexBytes, HostName, Timestamp};
use probe::{CHECKS, Check, InvalidProxy, ReflectorAddress, Settings, SystemNet, Targets};

use crate::cli;
use crate::exit::misuse;
use crate::{inputs, progress, report};

pub(crate) fn run(arguments: &cli::Check) -> Result<ExitCode> {
    let checks = chosen(&arguments.only, &arguments.skip)?;
    // A check is a few operations one after another; with less than that, a slow one would end with the budget.
    if arguments.budget < arguments.timeout * 4 {
        return Err(misuse("--budget must be at least four times --timeout"));
    }
    if arguments.list {
        report::list::print(&checks, !arguments.only.is_empty())?;
        return Ok(ExitCode::SUCCESS);
    }
    let profile = inputs::profile(&arguments.service)?;
    let knowledge = inputs::knowledge(&arguments.knowledge)?;
    let trust = Arc::new(inputs::trust(&arguments.knowledge, &profile)?);
    let settings = Settings {
        checks: checks.iter().map(|check| check.name).collect(),
        timeout: arguments.timeout,
        budget: arguments.budget,
        life: arguments.life,
        // Not parsed by the command line, whose errors repeat the value: it may hold a password.
        via: arguments
            .via
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|error: InvalidProxy| misuse(format!("--via: {error}")))?,
        resolve: arguments.resolve.clone(),
        reflector: reflector(arguments.reflector.as_deref(), arguments.reflector_key.as_deref())?,
        environment_proxies: environment_proxies(),
        tool: concat!("truepath ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let targets =
        Targets { service: profile.reference(), features: profile.features.clone(), hosts: profile.targets.clone() };
    let started = now()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")?;
    let record = runtime.block_on(async {
        let (sender, receiver) = progress::channel(!arguments.output.quiet && !arguments.output.json);
        let shown = receiver.map(|receiver| tokio::spawn(progress::show(receiver)));
        let record = probe::run(targets, settings, trust, Arc::new(SystemNet::new()), started, sender).await;
        if let Some(shown) = shown {
            let _ = shown.await;
        }
        record
    })?;
    // Resolver threads of the system may still wait for an answer that nobody needs any more.
    runtime.shutdown_background();
    let judgement = detect::judge(&record, &knowledge);
    report::print(&record, &judgement, &arguments.output)?;
    Ok(ExitCode::from(judgement.exit.code()))
}

/// The checks to run, in the order of the table.
fn chosen(only: &[String], skip: &[String]) -> Result<Vec<&'static Check>> {
    for name in only.iter().chain(skip) {
        if Check::by_name(name).is_none() {
            let known: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
            return Err(misuse(format!("no check is called `{name}`; there are {}", known.join(", "))));
        }
    }
    let named = |names: &[String], check: &Check| names.iter().any(|name| name == check.name);
    let chosen: Vec<&'static Check> =
        CHECKS.iter().filter(|check| (only.is_empty() || named(only, check)) && !named(skip, check)).collect();
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
            Some((name.to_owned(), shown.chars().take(256).collect()))
        })
        .collect()
}

fn now() -> Result<Timestamp> {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .context("the machine's clock stands before 1970")?;
    let milliseconds = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_milliseconds(milliseconds).context("the machine's clock stands beyond the year 9999")
}
