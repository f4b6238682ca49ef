//! `cargo xtask guard`: holds the rooms of the workspace apart, as ARCHITECTURE.md draws them.
//!
//! Three checks, because each sees what the others cannot:
//! - [`rooms`]: which crate of the workspace may know which other one (from `cargo metadata`).
//! - [`tree`]: no async runtime, socket library or database below a core crate, however deep (from `cargo tree`).
//! - [`source`]: no use of the standard library's files, sockets, processes, environment and clock in a core crate.

mod rooms;
mod source;
mod tree;

use anyhow::bail;

use crate::shell::{cargo, output, root};
use crate::steps::{Done, Steps};

pub(crate) fn run(steps: &mut Steps) {
    steps.step("guard: dependencies point one way", || {
        let metadata = output(&mut cargo(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
        settle(rooms::offences(&serde_json::from_str(&metadata)?))
    });
    steps.step("guard: no runtime below the core", || {
        let mut offences = Vec::new();
        for room in rooms::core() {
            let mut tree = cargo(["tree", "--locked", "--all-features", "--edges", "normal", "--target", "all"]);
            tree.args(["--prefix", "none", "--format", "{p}", "--package", room]);
            offences.extend(tree::offences(room, &output(&mut tree)?));
        }
        settle(offences)
    });
    steps.step("guard: no I/O in the core", || {
        let mut offences = Vec::new();
        for room in rooms::core() {
            offences.extend(source::offences(&root().join("crates").join(room).join("src"))?);
        }
        settle(offences)
    });
}

fn settle(offences: Vec<String>) -> anyhow::Result<Done> {
    if offences.is_empty() {
        return Ok(Done::Passed);
    }
    for offence in &offences {
        eprintln!("  {offence}");
    }
    bail!("{} found", offences.len())
}
