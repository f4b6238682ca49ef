//! The commands of this repository, as `cargo xtask COMMAND`. The desk and CI run the same ones.
//!
//! | command | what it does |
//! |---|---|
//! | `test` | installs what the lab needs, runs every test, then the real intermediaries |
//! | `ci` | formatting, lints, docs, guard and audit, then `test` |
//! | `guard` | holds the core crates free of I/O, clock and runtime, and the dependencies pointing one way |
//! | `audit` | licences, bans, sources, duplicates and advisories of all dependencies |
//! | `bench` | measures against the figures that the project promises |
//! | `clusters` | makes the table of hello clusters from labelled captures |
//! | `corpus` | adds what others contributed to `corpus/clients` |
//! | `fuzz` | runs the fuzz targets for a while each |
//! | `observations` | makes labelled observations of labelled captures, for `bench accuracy` |
//! | `pages` | draws the reports of stored records, holds them against axe-core, and takes their pictures |
//! | `catalogue` | rebuilds the compiled-in endpoint lists from published ones |
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the command line: it speaks to a person")]

mod audit;
mod bench;
mod catalogue;
mod ci;
mod clusters;
mod corpus;
mod fuzz;
mod guard;
mod observations;
mod pages;
mod shell;
mod steps;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use steps::{Done, Steps};

/// The commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the lab needs, run all tests, then the scenarios with real intermediaries.
    Test(test::Options),
    /// Everything that must hold before a change lands: format, lints, docs, guard, audit, tests.
    Ci(test::Options),
    /// Check that core crates do no I/O and that dependencies point one way.
    Guard,
    /// Check licences, bans, sources, duplicates and advisories of the dependencies.
    Audit,
    /// Measure against the promised figures.
    Bench(bench::Options),
    /// Make labelled observations of labelled captures, for `bench accuracy`.
    Observations(observations::Options),
    /// Draw the reports of stored records, check them for accessibility, and take their pictures.
    Pages,
    /// Make the table of hello clusters from labelled captures.
    Clusters(clusters::Options),
    /// Add what others contributed to `corpus/clients`.
    #[command(subcommand)]
    Corpus(corpus::Command),
    /// Run the fuzz targets.
    Fuzz(fuzz::Options),
    /// Make a compiled-in endpoint list: `import FILE.json INSTANCE VERSION SOURCE`.
    Catalogue {
        #[arg(trailing_var_arg = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let mut steps = Steps::new();
    match Arguments::parse().command {
        Command::Test(options) => test::run(&mut steps, &options),
        Command::Ci(options) => ci::run(&mut steps, &options),
        Command::Guard => guard::run(&mut steps),
        Command::Audit => audit::run(&mut steps),
        Command::Bench(options) => steps.step("bench", || bench::run(&options)),
        Command::Observations(options) => steps.step("observations", || observations::run(&options)),
        Command::Pages => steps.step("pages", pages::run),
        Command::Clusters(options) => steps.step("clusters", || clusters::run(&options)),
        Command::Corpus(command) => steps.step("corpus", || {
            corpus::run(&command)?;
            Ok(Done::Passed)
        }),
        Command::Fuzz(options) => fuzz::run(&mut steps, &options),
        Command::Catalogue { arguments } => steps.step("catalogue", || {
            catalogue::run(&arguments)?;
            Ok(Done::Passed)
        }),
    }
    steps.finish()
}
