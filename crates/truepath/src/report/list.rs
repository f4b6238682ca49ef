//! The table of checks with what each costs, and their pages.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use model::Target;
use probe::{Check, Scope, Turn};

/// What a week of runs is reckoned for.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) hosts: &'a [Target],
    /// Names of the endpoint list.
    pub(crate) names: usize,
    pub(crate) every: Duration,
    pub(crate) octets_a_week: u64,
}

pub(crate) fn print(checks: &[&'static Check], service: &str, plan: &Plan<'_>) -> Result<()> {
    write(&render(checks, service, plan))
}

pub(crate) fn print_pages(checks: &[&'static Check]) -> Result<()> {
    write(&pages(checks))
}

fn write(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

fn pages(checks: &[&'static Check]) -> String {
    let pages: Vec<String> = checks
        .iter()
        .map(|check| format!("{}: {}\n\n{}\n\n{}\n", check.name, check.title, check.page, cost(check)))
        .collect();
    pages.join("\n")
}

fn cost(check: &Check) -> String {
    let reflector = if check.needs_reflector { "; needs --reflector" } else { "" };
    let traffic = match check.most_octets() {
        0 => "no traffic of its own".to_owned(),
        octets => format!("at most {} {}", size(u64::from(octets)), each(check)),
    };
    let asked = if check.by_default { "" } else { ". Runs only where it is asked for" };
    format!("Longest chain: {} round trips; {traffic}{reflector}{asked}.", check.round_trips)
}

fn each(check: &Check) -> &'static str {
    match (check.name, check.scope) {
        ("endpoints", _) => "for each name",
        (_, Scope::Run) => "for each run",
        (_, Scope::Reflector) => "for the reflector",
        (_, Scope::Host) => "for each host",
    }
}

fn render(checks: &[&'static Check], service: &str, plan: &Plan<'_>) -> String {
    let whole = |check: &'static Check| Turn::cost(check, plan.hosts, true, plan.names);
    let by_default: Vec<&'static Check> = checks.iter().filter(|check| check.by_default).copied().collect();
    let all: u64 = by_default.iter().map(|check| whole(check)).sum();
    let budget = Turn::budget(plan.every, plan.octets_a_week);
    let runs = Duration::from_secs(7 * 24 * 3600).as_secs() / plan.every.as_secs().max(1);
    let mut text = String::from("check        round trips   one whole run   a week  what it does\n");
    for check in checks {
        let whole = whole(check);
        let week = if check.by_default { size(share(whole, all, budget) * runs) } else { "-".to_owned() };
        let name = check.name;
        text.push_str(&format!(
            "{name:<12} {:>11} {:>15} {week:>8}  {}\n",
            check.round_trips,
            size(whole),
            check.title
        ));
    }
    let week = size(share(all, all, budget) * runs);
    text.push_str(&format!("{:<12} {:>11} {:>15} {week:>8}\n", "together", "", size(all)));
    let every = minutes(plan.every);
    let turns = all.div_ceil(budget.max(1)).max(1);
    text.push_str(&format!(
        "\nOne whole run is over the {} hosts of {service}, {} names of its endpoint list and a reflector. A week is one run\n\
         every {every} with `--every {every}`: each run takes its turn, everything comes round every {}, and the week stays\n\
         within the {} of `--traffic`. Checks without a week run only where they are asked for (--full, --content,\n\
         --only). Checks of one host run side by side. `--list --only NAME` shows the page of a check.\n",
        plan.hosts.len(),
        plan.names,
        minutes(plan.every * u32::try_from(turns).unwrap_or(u32::MAX)),
        size(plan.octets_a_week),
    ));
    text
}

/// The part of one run's budget that goes to a check that costs `octets` of `all`.
fn share(octets: u64, all: u64, budget: u64) -> u64 {
    if all <= budget {
        octets
    } else {
        u64::try_from(u128::from(octets) * u128::from(budget) / u128::from(all)).unwrap_or(0)
    }
}

/// Decimal units, as traffic is sold.
fn size(octets: u64) -> String {
    match octets {
        0 => "0".to_owned(),
        octets if octets < 1_000_000 => format!("{}.{} kB", octets / 1_000, octets % 1_000 / 100),
        octets if octets < 100_000_000 => format!("{}.{} MB", octets / 1_000_000, octets % 1_000_000 / 100_000),
        octets => format!("{} MB", octets / 1_000_000),
    }
}

fn minutes(span: Duration) -> String {
    match span.as_secs() {
        s if s < 60 => format!("{s}s"),
        s if s < 7_200 => format!("{}m", s / 60),
        s => format!("{}h", s.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use catalog::Profile;
    use probe::{CHECKS, Check};

    use super::Plan;

    #[test]
    fn the_table_of_checks() {
        let all: Vec<&'static Check> = CHECKS.iter().collect();
        let profile = Profile::builtin("microsoft-365", None).unwrap();
        let catalogue = catalog::builtin::catalogue("Worldwide", None).unwrap();
        let plan = Plan {
            hosts: &profile.targets,
            names: profile.required_endpoints(&catalogue).len(),
            every: Duration::from_secs(300),
            octets_a_week: 100_000_000,
        };
        insta::assert_snapshot!(super::render(&all, &profile.name, &plan));
    }

    #[test]
    fn the_pages_of_the_checks() {
        let all: Vec<&'static Check> = CHECKS.iter().collect();
        insta::assert_snapshot!(super::pages(&all));
    }
}
