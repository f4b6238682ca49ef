//! `cargo xtask test`: all tests.
//!
//! First what the lab needs is installed by package name, where that may be done; where not, the lab itself names each
//! scenario that is skipped and why. Then the tests of all crates, the examples in the documentation, the
//! seeds of the fuzz targets, the reports in a browser, and at last the scenarios: `check` through real intermediaries.

use clap::Args;

use crate::shell::{cargo, program, run as execute, target_folder, works};
use crate::steps::{Done, Steps};
use crate::{fuzz, pages};

/// The features with which everything is built, so that no step builds a dependency a second time with others.
const WORKSPACE: [&str; 3] = ["--locked", "--workspace", "--all-features"];

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Leave the real intermediaries out.
    #[arg(long)]
    without_lab: bool,
}

pub(crate) fn run(steps: &mut Steps, options: &Options) {
    steps.step("build", || {
        execute(cargo(["build", "--bins"]).args(WORKSPACE))?;
        Ok(Done::Passed)
    });
    if !options.without_lab {
        steps.step("lab install", || {
            execute(&mut lab("install"))?;
            Ok(Done::Passed)
        });
    }
    steps.step("tests", || {
        if works(&mut cargo(["nextest", "--version"])) {
            execute(cargo(["nextest", "run", "--no-fail-fast"]).args(WORKSPACE))?;
        } else {
            execute(cargo(["test", "--lib", "--bins", "--tests", "--no-fail-fast"]).args(WORKSPACE))?;
        }
        Ok(Done::Passed)
    });
    steps.step("documentation tests", || {
        execute(cargo(["test", "--doc"]).args(WORKSPACE))?;
        Ok(Done::Passed)
    });
    steps.step("fuzz seeds", fuzz::replay);
    steps.step("pages", pages::run);
    if options.without_lab {
        steps.step("lab", || Ok(Done::Skipped("left out by --without-lab".to_owned())));
    } else {
        steps.step("lab", || {
            execute(&mut lab("run"))?;
            Ok(Done::Passed)
        });
    }
}

/// The lab and the program under test were built together by the first step and lie in one folder.
fn lab(command: &str) -> std::process::Command {
    let mut lab = program(target_folder().join("debug").join("lab"));
    lab.arg(command);
    lab
}
