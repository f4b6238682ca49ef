//! `truepath classify`: observations in, verdicts out, one line for each.

use std::io::{BufWriter, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use detect::{Classifier, ClientKnowledge, Knowledge};
use model::ExitCode as Meaning;

use crate::classify::{Judge, Tally, Wanted, networks, open, run as classify};
use crate::exit::misuse;
use crate::inputs::read_text;
use crate::{cli, geo};

/// Written at one time.
const WRITTEN_AT_ONCE: usize = 1 << 20;

pub(crate) fn run(arguments: &cli::Classify) -> Result<ExitCode> {
    let input = open(&arguments.file)?;
    let databases = arguments.geo.iter().map(|file| geo::Database::open(file)).collect::<Result<Vec<_>>>()?;
    let networks = (!databases.is_empty()).then(|| networks(databases));
    let judge = Judge { classifier: classifier(arguments)?, networks };
    let wanted = if arguments.summary { Wanted::Tally } else { Wanted::Lines };
    let threads = arguments.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, NonZero::get),
        |threads| usize::from(threads.get()),
    );
    let output = BufWriter::with_capacity(WRITTEN_AT_ONCE, std::io::stdout());
    let tally = classify(input, output, &judge, wanted, threads).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => anyhow::Error::new(error),
        _ => misuse(format!("{}: {error}", arguments.file.display())),
    })?;
    if arguments.summary {
        std::io::stdout().write_all(tally.table().as_bytes()).context("writing the table")?;
    }
    if tally.unread > 0 {
        let _ = writeln!(std::io::stderr(), "{} of {} lines could not be read", tally.unread, tally.lines);
    }
    if tally.lines > 0 && tally.unread == tally.lines {
        return Err(misuse(format!("{}: no line is an observation; see docs/classify.md", arguments.file.display())));
    }
    Ok(ExitCode::from(meaning(&tally).code()))
}

/// What is compiled in, with the tables that were given, without what is to be forgotten.
fn classifier(arguments: &cli::Classify) -> Result<Classifier> {
    let mut interceptors = Knowledge::builtin();
    if let Some(file) = &arguments.interceptors {
        interceptors = interceptors.with_interceptors(&read_text(file)?).map_err(|error| unreadable(file, &error))?;
    }
    let mut clients = ClientKnowledge::builtin();
    if let Some(file) = &arguments.browsers {
        clients = clients.with_browsers(&read_text(file)?).map_err(|error| unreadable(file, &error))?;
    }
    if let Some(file) = &arguments.clients {
        clients = clients.with_clients(&read_text(file)?).map_err(|error| unreadable(file, &error))?;
    }
    if let Some(file) = &arguments.clusters {
        clients = clients.with_clusters(&read_text(file)?).map_err(|error| unreadable(file, &error))?;
    }
    if let Some(product) = &arguments.without_product {
        clients = clients.without_product(product);
    }
    if let (Some(build), Some(agent)) = (&arguments.without_build, &arguments.without_user_agent) {
        clients = clients.without_build(agent, build);
    }
    Ok(Classifier::new(clients, &interceptors))
}

fn unreadable(file: &Path, error: &dyn std::fmt::Display) -> anyhow::Error {
    misuse(format!("{}: {error}", file.display()))
}

fn meaning(tally: &Tally) -> Meaning {
    match tally.all {
        all if all.intercepted > 0 => Meaning::Interception,
        all if all.manipulated + all.degraded > 0 => Meaning::Degradation,
        _ => Meaning::NothingFound,
    }
}
