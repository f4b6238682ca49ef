//! `lab run` and `lab up`.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use model::{Comparison, ComparisonJudgement, Judgement, Record};
use serde::Deserialize;

use crate::{
    compared, default_truepath, hosts,
    interrupt::{self, interrupted},
    leftovers::{self, RunDirectory},
    network, out,
    pki::Pki,
    process::{Program, words},
    programs, recorded,
    scenario::{Place, Scenario},
    stage::{Run, Stage},
    verdict,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Scenarios, all if none is named; `squid*` stands for every one that begins so
    names: Vec<String>,
    /// How often to run each
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// How many to run at the same time; timings suffer
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// The program under test [default: beside this one]
    #[arg(long)]
    truepath: Option<PathBuf>,
    /// Keep every record, log and configuration in this directory
    #[arg(long)]
    keep: Option<PathBuf>,
}

/// Where the kernel gives out TUN devices.
const TUN: &str = "/dev/net/tun";

/// What `check --json` prints.
#[derive(Deserialize)]
struct Report {
    record: Record,
    judgement: Judgement,
}

/// What `check --compare --json` prints.
#[derive(Deserialize)]
struct ComparisonReport {
    comparison: Comparison,
    judgement: ComparisonJudgement,
}

enum Printed {
    One(Box<Report>),
    Two(Box<ComparisonReport>),
}

/// How one run of one scenario went.
enum Outcome {
    Passed,
    /// What was wrong, and where to look.
    Failed(Vec<String>, PathBuf),
}

/// What a run has come to so far.
#[derive(Default)]
struct Tally<'a> {
    passed: usize,
    failed: usize,
    scenarios: BTreeMap<&'a str, Counts>,
}

#[derive(Default)]
struct Counts {
    runs: u32,
    wrong: u32,
    seconds: f64,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let scenarios = Scenario::select(&options.names)?;
    interrupt::listen()?;
    leftovers::remove()?;
    let mut directory = RunDirectory::create()?;
    let truepath = truepath(options, &directory.path)?;
    let pki = Pki::create(&directory.path.join("pki"), &hosts::names())?;
    let ledger = directory.ledger();
    let run = Run { truepath: &truepath, pki: &pki, ledger: &ledger };

    let (skipped, ready): (Vec<_>, Vec<_>) = scenarios.iter().partition(|scenario| skip_reason(scenario).is_some());
    for scenario in &skipped {
        out::line(format!("skipped {}: {}", scenario.name, skip_reason(scenario).unwrap_or_default()));
    }
    let due: Vec<(usize, &Scenario)> =
        (1..=options.runs).flat_map(|round| ready.iter().map(move |scenario| (round, *scenario))).collect();
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    thread::scope(|scope| -> Result<()> {
        let worker = || -> Result<()> {
            loop {
                let slot = next.fetch_add(1, Ordering::Relaxed);
                let Some((round, scenario)) = due.get(slot) else { return Ok(()) };
                if interrupted() {
                    bail!("interrupted");
                }
                one(&run, scenario, *round, slot, options.keep.as_deref(), &directory.path, &tally)?;
            }
        };
        let workers: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })?;

    let tally = tally.into_inner().map_err(|_| anyhow!("a worker panicked"))?;
    directory.keep = tally.failed > 0;
    if let Some(keep) = &options.keep {
        // Without these files a kept record cannot be judged again.
        copy(&directory.path.join("pki"), &keep.join("pki"))?;
    }
    if options.runs > 1 {
        tally.print();
    }
    out::line(format!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, skipped.len()));
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(crate) fn up(options: &Options) -> Result<()> {
    let scenarios = Scenario::select(&options.names)?;
    let [scenario] = scenarios.as_slice() else { bail!("`lab up` takes one scenario") };
    if let Some(reason) = skip_reason(scenario) {
        bail!("{} cannot be set up here: {reason}", scenario.name);
    }
    interrupt::listen()?;
    leftovers::remove()?;
    let mut directory = RunDirectory::create()?;
    let truepath = truepath(options, &directory.path)?;
    let pki = Pki::create(&directory.path.join("pki"), &hosts::names())?;
    let ledger = directory.ledger();
    let run = Run { truepath: &truepath, pki: &pki, ledger: &ledger };
    // Kept until it stands: who sets a scenario up wants to read why it does not.
    directory.keep = true;
    let mut stage = Stage::set(&run, scenario, &directory.path.join(&scenario.name), 1)?;
    let check = stage.check()?;
    directory.keep = false;
    let environment: String = check
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={} ", name.to_string_lossy(), value?.to_string_lossy())))
        .collect();
    out::line(format!("{} is up {}; files in {}", scenario.name, stage.client(), stage.directory().display()));
    out::line(format!("{environment}{}", words(&check)));
    out::line("Enter ends it.");
    // Where there is no terminal and no pipe, only a signal ends it.
    let (sender, entered) = std::sync::mpsc::channel();
    thread::spawn(move || {
        if matches!(std::io::stdin().read(&mut [0]), Ok(1)) {
            let _gone = sender.send(());
        }
    });
    while entered.try_recv().is_err() && !interrupted() {
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Why a scenario cannot run on this machine; `None` where it can.
pub(crate) fn skip_reason(scenario: &Scenario) -> Option<String> {
    let missing: Vec<&str> =
        scenario.programs.iter().map(String::as_str).filter(|program| programs::find(program).is_none()).collect();
    if !missing.is_empty() {
        return Some(format!("{} is not installed (`lab install` does it)", missing.join(", ")));
    }
    if scenario.needs_tun() && !Path::new(TUN).exists() {
        return Some(format!("there is no {TUN}"));
    }
    if scenario.place == Place::Namespaces {
        static WHY: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
        return WHY.get_or_init(network::unavailable).clone();
    }
    None
}

/// Runs one scenario once, tells how it went, and keeps what is worth keeping.
fn one<'a>(
    run: &Run<'_>,
    scenario: &'a Scenario,
    round: usize,
    slot: usize,
    keep: Option<&Path>,
    directory: &Path,
    tally: &Mutex<Tally<'a>>,
) -> Result<()> {
    let name = format!("{}-{round}", scenario.name);
    let at = directory.join(&name);
    let start = Instant::now();
    let outcome = match attempt(run, scenario, &at, slot) {
        Ok(wrong) if wrong.is_empty() => Outcome::Passed,
        Ok(wrong) => Outcome::Failed(wrong, at.clone()),
        Err(error) => Outcome::Failed(vec![format!("{error:#}")], at.clone()),
    };
    if interrupted() {
        bail!("interrupted");
    }
    let seconds = start.elapsed().as_secs_f64();
    if let Some(keep) = keep {
        copy(&at, &keep.join(&name))?;
    }
    if matches!(outcome, Outcome::Passed) {
        let _absent = fs::remove_dir_all(&at);
    }
    tally.lock().map_err(|_| anyhow!("a worker panicked"))?.add(&scenario.name, &outcome, seconds);
    Ok(())
}

impl<'a> Tally<'a> {
    fn add(&mut self, scenario: &'a str, outcome: &Outcome, seconds: f64) {
        let counts = self.scenarios.entry(scenario).or_default();
        counts.runs += 1;
        counts.seconds += seconds;
        match outcome {
            Outcome::Passed => {
                self.passed += 1;
                out::line(format!("passed  {scenario} ({seconds:.1} s)"));
            }
            Outcome::Failed(wrong, logs) => {
                self.failed += 1;
                counts.wrong += 1;
                out::line(format!("FAILED  {scenario} ({seconds:.1} s)"));
                wrong.iter().for_each(|line| out::line(format!("        {line}")));
                out::line(format!("        logs and record: {}", logs.display()));
            }
        }
    }

    /// Wrong verdicts of each scenario over all runs.
    fn print(&self) {
        let width = self.scenarios.keys().map(|name| name.len()).max().unwrap_or_default();
        out::line(format!("\n{:width$}  runs  wrong  mean s", "scenario"));
        for (name, counts) in &self.scenarios {
            let mean = counts.seconds / f64::from(counts.runs);
            out::line(format!("{name:width$}  {:4}  {:5}  {mean:6.1}", counts.runs, counts.wrong));
        }
    }
}

/// Sets the scenario up, runs the check through it, and tells what was wrong.
fn attempt(run: &Run<'_>, scenario: &Scenario, directory: &Path, slot: usize) -> Result<Vec<String>> {
    let mut stage = Stage::set(run, scenario, directory, slot)?;
    let check = stage.check()?;
    fs::write(directory.join("check.command"), format!("{}\n", words(&check)))?;
    let (printed, log) = (directory.join("check.json"), directory.join("check.log"));
    let limit = Duration::from_secs(scenario.expect.within_s);

    let start = Instant::now();
    let mut program = Program::start_with_output("check", check, &printed, &log, run.ledger)?;
    let mut memory = 0;
    let status = interrupt::wait(limit, || {
        memory = memory.max(program.peak_memory_kib().unwrap_or_default());
        program.ended()
    })?;
    let took = start.elapsed();
    program.stop();

    let mut wrong = Vec::new();
    let Some(status) = status else {
        return Ok(vec![format!("check did not end within {limit:?}")]);
    };
    if status.code() != Some(scenario.expect.exit.into()) {
        wrong.push(format!("check ended with {status}, expected {}", scenario.expect.exit));
    }
    if memory > scenario.expect.memory_mib * 1024 {
        wrong.push(format!("check held {} MiB, expected at most {}", memory / 1024, scenario.expect.memory_mib));
    }
    fs::write(directory.join("check.cost"), format!("{:.3} s, {memory} KiB\n", took.as_secs_f64()))?;
    match report(&printed) {
        Ok(report) => {
            let (record, judgement) = report.today();
            wrong.extend(verdict::differences(&scenario.expect, judgement));
            wrong.extend(verdict::decisions(&stage.decisions()?, record));
            wrong.extend(recorded::differences(&scenario.expect.record, &serde_json::to_value(record)?));
            match (&scenario.expect.comparison, &report) {
                (Some(due), Printed::Two(two)) => {
                    wrong.extend(compared::differences(due, &two.comparison, &two.judgement));
                }
                (Some(_), Printed::One(_)) => wrong.push("check compared nothing".into()),
                (None, Printed::Two(_)) => wrong.push("the scenario does not say what is due of the comparison".into()),
                (None, Printed::One(_)) => {}
            }
            wrong.extend(judged_again(stage.judge(&printed)?, &report)?);
        }
        Err(error) => wrong.push(format!("{error:#}; it said: {}", start_of(&log))),
    }
    if !wrong.is_empty() {
        wrong.extend(stage.casualty()?);
    }
    Ok(wrong)
}

/// What the check printed, once it is sure that its record can be stored and read again.
fn report(printed: &Path) -> Result<Printed> {
    let text = fs::read(printed)?;
    let report = parse(&text)?;
    match &report {
        Printed::One(one) => {
            let read_again = Record::from_json(&text).context("the record cannot be read again")?;
            ensure!(read_again == one.record, "the record reads back differently");
        }
        Printed::Two(two) => {
            let read_again = Comparison::from_json(&text).context("the comparison cannot be read again")?;
            ensure!(read_again.as_ref() == Some(&two.comparison), "the comparison reads back differently");
        }
    }
    Ok(report)
}

fn parse(text: &[u8]) -> Result<Printed> {
    let value: serde_json::Value = serde_json::from_slice(text).context("check printed no report")?;
    let report = if value.get("comparison").is_some() {
        serde_json::from_slice(text).map(Box::new).map(Printed::Two)
    } else {
        serde_json::from_slice(text).map(Box::new).map(Printed::One)
    };
    report.context("check printed no report")
}

impl Printed {
    /// The way that is taken today: the one, or of two the detour.
    fn today(&self) -> (&Record, &Judgement) {
        match self {
            Self::One(one) => (&one.record, &one.judgement),
            Self::Two(two) => (&two.comparison.detour.record, &two.judgement.detour),
        }
    }

    fn concludes_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(one), Self::One(other)) => one.judgement == other.judgement,
            (Self::Two(two), Self::Two(other)) => two.judgement == other.judgement,
            _ => false,
        }
    }
}

/// `judge` must conclude from the stored record what `check` concluded.
fn judged_again(mut judge: Command, first: &Printed) -> Result<Option<String>> {
    let output = judge.output().context("cannot run judge")?;
    let exit = first.today().1.exit.code();
    Ok(match parse(&output.stdout) {
        Ok(second) if second.concludes_like(first) && output.status.code() == Some(exit.into()) => None,
        Ok(_) => Some(format!("judge concludes otherwise from the same record ({})", output.status)),
        Err(_) => Some(format!("judge printed no report: {}", String::from_utf8_lossy(&output.stderr).trim())),
    })
}

fn start_of(file: &Path) -> String {
    let text = fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(text.get(..text.len().min(500)).unwrap_or_default()).trim().to_owned()
}

/// The program under test, linked into the run's directory: a build during the run must not change what runs.
fn truepath(options: &Options, directory: &Path) -> Result<PathBuf> {
    let path = options.truepath.clone().or_else(default_truepath).context("no path of this program")?;
    let found = programs::find(&path.display().to_string());
    let path = found.with_context(|| format!("{} is not there; build it, or name it by --truepath", path.display()))?;
    let own = directory.join("truepath");
    fs::hard_link(&path, &own)
        .or_else(|_| fs::copy(&path, &own).map(drop))
        .with_context(|| path.display().to_string())?;
    Ok(own)
}

/// Copies what a scenario left, in files of plain kinds.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
