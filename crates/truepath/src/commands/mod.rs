//! One command a file.

mod check;
mod classify;
mod compare;
mod geo;
mod inspect;
mod judge;
mod reflect;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};

pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Judge(arguments) => judge::run(&arguments),
        Command::Classify(arguments) => classify::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Geo(arguments) => geo::run(&arguments),
        Command::Reflect(arguments) => reflect::run(arguments),
        Command::EvaluateScript => {
            probe::evaluate_script(std::io::stdin().lock(), std::io::stdout())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
