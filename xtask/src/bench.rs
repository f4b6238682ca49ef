//! `cargo xtask bench`: the figures that the project promises, measured.

mod accuracy;
mod peers;

use clap::{Args, Subcommand};

use crate::shell::{cargo, program, run as execute, target_folder};
use crate::steps::Done;

#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// `check` of 40 hosts across 40 ms: wall time against the longest chain of round trips, and peak memory.
    Check {
        /// How many times `check` is run.
        #[arg(long, default_value_t = 5)]
        runs: u32,
    },
    /// What each check costs in traffic, against what `check --list` states.
    Traffic,
    /// `classify` on connections whose truth is known: a confusion table for each set of data, product and client.
    Accuracy(accuracy::Options),
    /// Hellos and captures against other programs that read them, run in turns.
    Peers,
    /// The delaying link itself: round-trip time and throughput.
    Link,
}

/// The lab measures, since it makes the network; here the program is built as users build it.
pub(crate) fn run(options: &Options) -> anyhow::Result<Done> {
    if let What::Accuracy(options) = &options.what {
        return accuracy::run(options);
    }
    if let What::Peers = &options.what {
        return peers::run();
    }
    execute(&mut cargo(["build", "--locked", "--release", "--package", "truepath", "--package", "lab"]))?;
    let release = target_folder().join("release");
    let mut lab = program(release.join("lab"));
    lab.arg("bench");
    match &options.what {
        What::Check { runs } => {
            lab.args(["check", "--runs", &runs.to_string(), "--truepath"]).arg(release.join("truepath"))
        }
        What::Traffic => lab.args(["traffic", "--truepath"]).arg(release.join("truepath")),
        What::Link => lab.arg("link"),
        What::Accuracy(_) | What::Peers => &mut lab,
    };
    execute(&mut lab)?;
    Ok(Done::Passed)
}
