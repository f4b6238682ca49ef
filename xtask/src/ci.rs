//! `cargo xtask ci`: everything that must hold before a change lands, by the same commands as at the desk.

use crate::shell::{cargo, run as execute};
use crate::steps::{Done, Steps};
use crate::{audit, guard, test};

pub(crate) fn run(steps: &mut Steps, options: &test::Options) {
    steps.step("format", || {
        execute(&mut cargo(["fmt", "--all", "--check"]))?;
        execute(&mut cargo(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
        execute(&mut cargo(["fmt", "--manifest-path", "peers/Cargo.toml", "--check"]))?;
        Ok(Done::Passed)
    });
    steps.step("clippy", || {
        let arguments =
            ["clippy", "--locked", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        execute(&mut cargo(arguments))?;
        Ok(Done::Passed)
    });
    steps.step("docs", || {
        // Private items too: the module docs are where the design is written down.
        let arguments = ["doc", "--locked", "--workspace", "--all-features", "--no-deps", "--document-private-items"];
        execute(cargo(arguments).env("RUSTDOCFLAGS", "-D warnings"))?;
        Ok(Done::Passed)
    });
    guard::run(steps);
    audit::run(steps);
    test::run(steps, options);
}
