//! Real intermediaries, started from outside, and the verdict that `truepath check` must reach through each.
//!
//! The lab knows the program under test only by its command line and its JSON. It starts `truepath reflect` as the far
//! end, a product between, and `truepath check` as the client; `scenarios/` says which and what must come out. See
//! `docs/lab.md`.

mod bench;
mod compared;
mod hosts;
mod install;
mod interrupt;
mod leftovers;
mod link;
mod mmdb;
mod network;
mod out;
mod pki;
mod process;
mod programs;
mod recorded;
mod run;
mod scenario;
mod serve;
mod shared_memory;
mod show;
mod stage;
mod template;
mod verdict;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Real intermediaries, started from outside, and the verdict that `truepath check` must reach")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Name every scenario, and say which would be skipped here and why
    List,
    /// Install the products: Debian packages where root may, wheels from PyPI
    Install,
    /// Run scenarios and compare the verdicts
    Run(run::Options),
    /// Set one scenario up, print the call of `check`, and wait for Enter or a signal
    Up(run::Options),
    /// Print a scenario: its page, its files and its command lines
    Show { name: String },
    /// Measure what a check costs across a link with a known delay
    #[command(subcommand)]
    Bench(bench::Bench),
    /// One of the lab's own servers, as scenarios start them
    #[command(subcommand, hide = true)]
    Serve(serve::Server),
}

fn main() -> ExitCode {
    match act(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            out::line(format!("lab: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn act(command: Command) -> Result<ExitCode> {
    match command {
        Command::List => show::list()?,
        Command::Install => install::install(),
        Command::Run(options) => return run::run(&options),
        Command::Up(options) => run::up(&options)?,
        Command::Show { name } => show::show(&name)?,
        Command::Bench(bench) => bench::bench(&bench)?,
        Command::Serve(server) => serve::serve(&server)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The program under test, where no other is named: built beside this one.
fn default_truepath() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join("truepath"))
}
