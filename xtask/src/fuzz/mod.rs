//! `cargo xtask fuzz`: runs the fuzz targets for a while each and sums up what they did.
//!
//! Needs a nightly toolchain, for the sanitizers. Each target starts from its seeds in `fuzz/seeds/TARGET`, keeps what
//! it learns in `fuzz/corpus/TARGET`, and leaves an input that breaks something in `fuzz/artifacts/TARGET`. What it
//! prints goes to `target/fuzz-TARGET.log`.

mod replay;
mod targets;

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;

use crate::shell::{program, root, run as execute, target_folder};
use crate::steps::{Done, Steps};
use crate::tools::CARGO_FUZZ;

pub(crate) use replay::replay;
use targets::chosen;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// How long each target runs.
    #[arg(long, default_value_t = 600)]
    seconds: u32,
    /// How many targets run at once.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, std::num::NonZero::get))]
    jobs: usize,
    /// Only run every seed once, with the stable compiler, as `cargo xtask test` does.
    #[arg(long)]
    replay: bool,
    /// Targets to run; all without any.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// How the run of one target ended.
struct Ended {
    target: String,
    took: Duration,
    result: anyhow::Result<String>,
}

pub(crate) fn run(steps: &mut Steps, options: &Options) {
    if options.replay {
        return steps.step("fuzz seeds", replay);
    }
    let mut prepared = None;
    steps.step("fuzz: build", || {
        let targets = chosen(&options.targets)?;
        let tool = CARGO_FUZZ.path()?;
        execute(&mut fuzz(&tool, "build"))?;
        prepared = Some((tool, targets));
        Ok(Done::Passed)
    });
    let Some((tool, targets)) = prepared else { return };

    let waiting = Mutex::new(VecDeque::from(targets));
    let ended = Mutex::new(Vec::new());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.pop_front());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while let Some(target) = next() {
                    eprintln!("{target}: {} s", options.seconds);
                    let start = Instant::now();
                    let result = run_target(&tool, &target, options.seconds);
                    if let Ok(mut ended) = ended.lock() {
                        ended.push(Ended { target, took: start.elapsed(), result });
                    }
                }
            });
        }
    });
    let mut ended = ended.into_inner().unwrap_or_default();
    ended.sort_by(|one, other| one.target.cmp(&other.target));
    for Ended { target, took, result } in ended {
        let result = result.map(|summary| {
            println!("{target}: {summary}");
            Done::Passed
        });
        steps.ended(&format!("fuzz: {target}"), took, result);
    }
}

fn fuzz(tool: &Path, command: &str) -> Command {
    let mut fuzz = program(tool);
    // The variable chooses the toolchain for every cargo and rustc that cargo-fuzz starts, as `+nightly` would.
    fuzz.args(["fuzz", command, "--fuzz-dir"]).arg(root().join("fuzz"));
    fuzz.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC");
    fuzz
}

/// Runs one target and returns the line with which libFuzzer sums up.
fn run_target(tool: &Path, target: &str, seconds: u32) -> anyhow::Result<String> {
    let folder = root().join("fuzz");
    let corpus = folder.join("corpus").join(target);
    std::fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let log = target_folder().join(format!("fuzz-{target}.log"));
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = fuzz(tool, "run");
    command.arg(target).arg(&corpus);
    command.args(Some(folder.join("seeds").join(target)).filter(|seeds: &PathBuf| seeds.is_dir()));
    command.arg("--").arg(format!("-max_total_time={seconds}")).args(["-print_final_stats=1", "-timeout=10"]);
    let status = command.stdout(file.try_clone()?).stderr(file).status().context("cannot run cargo-fuzz")?;
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    if !status.success() {
        bail!("{}: see {}", finding(&text), log.display());
    }
    Ok(summary(&text))
}

/// The line that says what went wrong.
fn finding(log: &str) -> &str {
    let marks = ["panicked at", "ERROR:", "SUMMARY:", "error:"];
    marks.iter().find_map(|mark| log.lines().find(|line| line.contains(mark))).unwrap_or("ended with an error").trim()
}

/// Runs and coverage, as libFuzzer reports them at the end.
fn summary(log: &str) -> String {
    let done = log.lines().rev().find(|line| line.contains("DONE")).unwrap_or_default();
    let executed = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")).unwrap_or("?");
    let coverage = done.split_whitespace().skip_while(|word| *word != "cov:").nth(1).unwrap_or("?");
    format!("{} runs, {coverage} edges, no finding", executed.trim())
}

#[cfg(test)]
mod tests {
    use super::{finding, summary};

    #[test]
    fn the_log_of_libfuzzer_is_summed_up() {
        let log = "#2 INITED cov: 12 ft: 13\n#900 DONE   cov: 341 ft: 377 corp: 8/92b\nDone 900 runs in 1 second(s)\n\
                   stat::number_of_executed_units: 900\n";
        assert_eq!(summary(log), "900 runs, 341 edges, no finding");
    }

    #[test]
    fn a_finding_is_named() {
        let log =
            "INFO: Seed: 1\nthread 'main' panicked at wire/src/a.rs:3:4:\n==1== ERROR: libFuzzer: deadly signal\n";
        assert_eq!(finding(log), "thread 'main' panicked at wire/src/a.rs:3:4:");
    }
}
