//! One command a file.

mod check;
mod compare;
mod geo;
mod judge;
mod reflect;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};

pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Judge(arguments) => judge::run(&arguments),
        Command::Geo(arguments) => geo::run(&arguments),
        Command::Reflect(arguments) => reflect::run(arguments),
    }
}
