//! The table of checks, and their pages.

use std::io::Write;

use anyhow::Result;
use probe::Check;

pub(crate) fn print(checks: &[&Check], pages: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(render(checks, pages).as_bytes())?;
    out.flush()?;
    Ok(())
}

fn render(checks: &[&Check], pages: bool) -> String {
    let mut text = String::new();
    if pages {
        for check in checks {
            text.push_str(&format!("{}: {}\n\n{}\n\n{}\n\n", check.name, check.title, check.page, cost(check)));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        return text;
    }
    text.push_str("check      round trips  what it does\n");
    for check in checks {
        text.push_str(&format!("{:<10} {:>11}  {}\n", check.name, check.round_trips, check.title));
    }
    text.push_str("\nChecks of one host run side by side. `--list --only NAME` shows the page of a check.\n");
    text
}

fn cost(check: &Check) -> String {
    let reflector = if check.needs_reflector { "; needs --reflector" } else { "" };
    format!("Longest chain: {} round trips{reflector}.", check.round_trips)
}

#[cfg(test)]
mod tests {
    use probe::{CHECKS, Check};

    #[test]
    fn the_table_of_checks() {
        let all: Vec<&Check> = CHECKS.iter().collect();
        insta::assert_snapshot!(super::render(&all, false));
    }

    #[test]
    fn the_pages_of_the_checks() {
        let all: Vec<&Check> = CHECKS.iter().collect();
        insta::assert_snapshot!(super::render(&all, true));
    }
}
