//! Named steps, each timed, with a table at the end.
//!
//! A failed step does not stop the ones after it: one run shows everything that is wrong. A skipped step always has a
//! reason, which stands in the table, so that nothing passes silently because it was not done.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How a step ended when it did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Passed,
    /// Not done, and why.
    Skipped(String),
}

#[derive(Debug, Default)]
pub(crate) struct Steps {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    took: Duration,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Runs one step and keeps how it ended.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<Done>) {
        eprintln!("\n==> {name}");
        let start = Instant::now();
        let result = work();
        self.ended(name, start.elapsed(), result);
    }

    /// Keeps how a step ended that ran elsewhere.
    pub(crate) fn ended(&mut self, name: &str, took: Duration, result: anyhow::Result<Done>) {
        let outcome = match result {
            Ok(Done::Passed) => Outcome::Passed,
            Ok(Done::Skipped(why)) => {
                eprintln!("{name}: skipped: {why}");
                Outcome::Skipped(why)
            }
            Err(error) => {
                eprintln!("{name}: FAILED: {error:#}");
                Outcome::Failed(format!("{error:#}"))
            }
        };
        self.rows.push(Row { name: name.to_owned(), took, outcome });
    }

    /// Prints the table; fails if a step failed, or if there was nothing to do at all.
    pub(crate) fn finish(self) -> ExitCode {
        eprintln!("\n{}", self.table());
        let failed = self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)));
        if failed || self.rows.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let mut table = String::new();
        for row in &self.rows {
            let (word, why) = match &row.outcome {
                Outcome::Passed => ("ok", ""),
                Outcome::Skipped(why) => ("skipped", first_line(why)),
                Outcome::Failed(why) => ("FAILED", first_line(why)),
            };
            let line = format!("{:width$}  {:>8.1} s  {word:7}  {why}", row.name, row.took.as_secs_f64());
            table.push_str(line.trim_end());
            table.push('\n');
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        table.push_str(&format!("{:width$}  {:>8.1} s", "total", total.as_secs_f64()));
        table
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_stops_nothing_and_fails_the_run() {
        let mut steps = Steps::new();
        steps.step("one", || anyhow::bail!("broken\nin detail"));
        steps.step("two", || Ok(Done::Skipped("no root".to_owned())));
        steps.step("three", || Ok(Done::Passed));
        let table = steps.table();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].starts_with("one") && lines[0].ends_with("FAILED   broken"), "{table}");
        assert!(lines[1].ends_with("skipped  no root"), "{table}");
        assert!(lines[2].ends_with("ok"), "{table}");
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }

    #[test]
    fn doing_nothing_is_not_a_success() {
        assert_eq!(Steps::new().finish(), ExitCode::FAILURE);
    }
}
