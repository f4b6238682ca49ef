//! `truepath`: shows whether the network path to a SaaS is intact, and names the device that breaks it.
//!
//! This is the shell: arguments, files, the clock, the terminal. What is measured comes from `probe`, what it means from
//! `detect`; here the two are put together and told to a person or a program.

mod classify;
mod cli;
mod commands;
mod config;
mod exit;
mod geo;
mod inputs;
mod live;
mod progress;
mod report;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => exit::failure(&error),
    }
}
