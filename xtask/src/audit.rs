//! `cargo xtask audit`: what our dependencies are allowed to be, as `deny.toml` says.
//!
//! The advisory database is a git repository on the open internet. Where it cannot be fetched, and none was fetched
//! before, the step is reported as skipped with that reason: no advisories known is not the same as no advisories.

use std::path::PathBuf;

use crate::shell::{output, program, run as execute};
use crate::steps::{Done, Steps};
use crate::tools::CARGO_DENY;

pub(crate) fn run(steps: &mut Steps) {
    steps.step("audit: licences, bans, sources", || {
        execute(program(CARGO_DENY.path()?).args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))?;
        Ok(Done::Passed)
    });
    steps.step("audit: advisories", || {
        let deny = CARGO_DENY.path()?;
        if let Err(error) = output(program(&deny).args(["--color", "never", "fetch", "db"])) {
            let error = format!("{error:#}");
            let reason = reason(&error);
            if !has_database() {
                return Ok(Done::Skipped(format!("advisories not checked: {reason}")));
            }
            // cargo-deny itself refuses a database that is older than `maximum-db-staleness`.
            eprintln!("the database that was fetched last is used: {reason}");
        }
        execute(program(&deny).args(["--offline", "check", "--hide-inclusion-graph", "advisories"]))?;
        Ok(Done::Passed)
    });
}

/// Whether a database was fetched at some time before: a folder in which cargo-deny keeps its clones.
fn has_database() -> bool {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let Some(home) = cargo_home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))) else { return false };
    std::fs::read_dir(home.join("advisory-dbs"))
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.path().join(".git").exists()))
}

/// The line that says why, out of git's and cargo-deny's many.
fn reason(error: &str) -> &str {
    let line = error.lines().find(|line| line.starts_with("fatal: "));
    line.and_then(|line| line.strip_prefix("fatal: ")).or(error.lines().next()).unwrap_or("no reason was given").trim()
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn the_reason_is_what_git_said() {
        let error = "`cargo-deny fetch db` ended with exit status: 1: failed to clone\nCloning into 'x'...\n\
                     fatal: unable to access 'y': Could not resolve host: z\n";
        assert_eq!(reason(error), "unable to access 'y': Could not resolve host: z");
        assert_eq!(reason("cannot run `git`"), "cannot run `git`");
        assert_eq!(reason(""), "no reason was given");
    }
}
