//! `truepath check --compare`: the same hosts over two ways, in turns, so that what the network does meanwhile does not pass
//! for a difference between them.
//!
//! First one whole run each, which says what works and who is on the way. Then rounds of the few checks that time a first
//! request, both ways one right after the other, the first way alternating. It all fits into a minute, unless the paths are
//! so slow that six rounds, the fewest that give an interval, take longer.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use model::{ComparedWay, Comparison, Milliseconds, Record, Round};
use probe::{Settings, SystemNet};

use super::check::{Prepared, now, proxy, runtime};
use crate::exit::misuse;
use crate::{cli, progress, report};

/// The checks of a timed round: those that a first request is made of, and those that time what follows, if they were
/// asked for.
const TIMED: [&str; 2] = ["dns", "http"];
const TIMED_IF_ASKED: [&str; 2] = ["stream", "download"];
/// Rounds of this many are made even where the minute is over.
const FEWEST_ROUNDS: u8 = 6;
const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn run(arguments: &cli::Check, prepared: &Prepared, with: &str) -> Result<ExitCode> {
    let here = &prepared.settings;
    let there = way(here, with)?;
    if name(here) == name(&there) {
        return Err(misuse(format!("--compare {with}: that is the way that is tested anyway")));
    }
    refuse_way_to_nowhere(here, prepared)?;
    refuse_way_to_nowhere(&there, prepared)?;
    // The detour is the way with the proxy; between two ways without one, it is the way that is taken today.
    let (detour, bypass) = if there.via.is_some() && here.via.is_none() { (&there, here) } else { (here, &there) };

    let started = now()?;
    let begun = Instant::now();
    let runtime = runtime()?;
    let (detour_record, bypass_record, rounds) = runtime.block_on(async {
        let shown = progress::Rounds::new(!arguments.output.quiet && !arguments.output.json);
        let whole = |settings: &Settings, doing: String| {
            let measured = prepared.measure(settings.clone(), started, shown.next(doing));
            Box::pin(measured)
        };
        let detour_record = prepared.located(whole(detour, format!("the whole, {}", name(detour))).await?);
        let bypass_record = prepared.located(whole(bypass, format!("the whole, {}", name(bypass))).await?);
        let mut rounds = Vec::new();
        for number in 0..arguments.rounds {
            if number >= FEWEST_ROUNDS && begun.elapsed() > MINUTE {
                break;
            }
            let detour_first = number % 2 == 0;
            let (first, second) = if detour_first { (detour, bypass) } else { (bypass, detour) };
            let doing = |way: &Settings| format!("round {} of {}, {}", number + 1, arguments.rounds, name(way));
            let first = whole(&timed(first), doing(first)).await?;
            let second = whole(&timed(second), doing(second)).await?;
            let (through, past) = if detour_first { (&first, &second) } else { (&second, &first) };
            rounds.push(Round { detour_first, samples: detect::samples(through, past) });
        }
        anyhow::Ok((detour_record, bypass_record, rounds))
    })?;
    runtime.shutdown_background();
    let way = |settings: &Settings, record: Record| ComparedWay { name: name(settings), record };
    let comparison = Comparison {
        v: Comparison::VERSION,
        started,
        took_ms: Milliseconds::from(begun.elapsed()),
        detour: way(detour, detour_record),
        bypass: way(bypass, bypass_record),
        rounds,
    };
    let judgement = detect::compare(&comparison, &prepared.knowledge);
    report::print_comparison(&comparison, &judgement, &prepared.knowledge, &arguments.output)?;
    Ok(ExitCode::from(judgement.detour.exit.code()))
}

/// The settings of the way that is compared with.
fn way(here: &Settings, with: &str) -> Result<Settings> {
    let mut there = Settings { via: None, interface: None, ..here.clone() };
    if let Some(interface) = with.strip_prefix("interface:") {
        there.interface = Some(interface.to_owned());
    } else if with != "direct" {
        // A word that is none of the three would be taken for a host.
        if !with.contains("://") {
            return Err(misuse(format!("--compare {with}: expected `direct`, `interface:NAME` or the URL of a proxy")));
        }
        there.via = Some(proxy("--compare", with)?);
        there.interface.clone_from(&here.interface);
    }
    Ok(there)
}

/// A way that leads to nobody would be waited for at every step, only to be told what was clear before.
fn refuse_way_to_nowhere(settings: &Settings, prepared: &Prepared) -> Result<()> {
    let Some(name) = &settings.interface else { return Ok(()) };
    let net = SystemNet::on_interface(name).map_err(|error| misuse(format!("--compare: interface {error}")))?;
    match net.leads_nowhere() {
        Some(why) if !prepared.is_all_here() => {
            Err(misuse(format!("--compare: no host is to be reached by interface `{name}`: {why}")))
        }
        _ => Ok(()),
    }
}

fn timed(settings: &Settings) -> Settings {
    let asked = TIMED_IF_ASKED.into_iter().filter(|check| settings.checks.contains(check));
    let checks = TIMED.into_iter().chain(asked).collect();
    Settings { checks, life: None, call: None, reflector: None, ..settings.clone() }
}

fn name(settings: &Settings) -> String {
    match (&settings.via, &settings.interface) {
        (Some(proxy), _) => format!("through {proxy}"),
        (None, Some(interface)) => format!("by interface {interface}"),
        (None, None) => "direct".to_owned(),
    }
}
