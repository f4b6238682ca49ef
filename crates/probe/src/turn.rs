//! A budget of traffic over time: each run takes its turn through hosts and checks.
//!
//! A whole run over forty hosts costs megabytes, most of them certificates, and every five minutes that is gigabytes a week.
//! So a run that is repeated may take a share. All pairs of host and check are laid end to end on a line, each as long as
//! it costs; turn number `n` takes those that begin between `n` and `n + 1` times the budget of one turn, and the line is
//! closed to a circle. No state is kept, no pair is forgotten, and over a whole round the cost is the budget exactly.
//! Checks that live on the connections of another one lie with it and cost nothing beside it. A twenty-fifth of the budget
//! is kept back for the names, which every run looks up. The checks of one host lie beside each other, so that a turn tells as much as it can of the hosts that it is about.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{HostName, Target};

use crate::check::{Check, Scope};
use crate::far_end;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// What one run takes of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    chosen: BTreeSet<Unit>,
    /// The checks of the whole.
    checks: BTreeSet<&'static str>,
    /// Turns until everything has had its own.
    pub turns: u64,
    /// What this turn costs at most, as the checks state it.
    pub octets: u64,
}

/// Checks that read what another one brings home.
const SHARED: [(&str, &str); 4] =
    [("casb", "http"), ("destination", "http"), ("hello", "exporter"), ("egress", "exporter")];

/// The check with which this one runs.
fn carrier<'a>(check: &'a str, checks: &BTreeSet<&'static str>) -> &'a str {
    let with = SHARED.iter().find(|(shares, with)| *shares == check && checks.contains(with));
    with.map_or(check, |(_, with)| with)
}

/// One check of one host, of the reflector, or of the run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Run(&'static str),
    Reflector(&'static str),
    Host(HostName, u16, &'static str),
}

impl Turn {
    /// The turn with this number: the time since some fixed point, in units of `every`. `endpoints` is the number of names
    /// that the `endpoints` check asks.
    pub fn new(
        number: u64,
        every: Duration,
        octets_a_week: u64,
        checks: &[&'static Check],
        hosts: &[Target],
        reflector: bool,
        endpoints: usize,
    ) -> Self {
        let line = line(checks, hosts, reflector, endpoints);
        let whole: u64 = line.iter().map(|(_, octets)| octets).sum();
        let budget = Self::budget(every, octets_a_week);
        let checks: BTreeSet<&'static str> = checks.iter().map(|check| check.name).collect();
        if whole <= budget {
            let octets = whole;
            return Self { chosen: line.into_iter().map(|(unit, _)| unit).collect(), checks, turns: 1, octets };
        }
        let whole = whole.max(1);
        let budget = budget.max(1);
        let from = u64::try_from(u128::from(number) * u128::from(budget) % u128::from(whole)).unwrap_or(0);
        let (mut chosen, mut octets, mut at) = (BTreeSet::new(), 0, 0u64);
        for (unit, cost) in line {
            // How far behind the beginning of this turn's piece of the circle the unit begins.
            let behind = (at + whole - from) % whole;
            if behind < budget {
                chosen.insert(unit);
                octets += cost;
            }
            at += cost;
        }
        Self { chosen, checks, turns: whole.div_ceil(budget), octets }
    }

    /// What one check costs over everything that it is run for, as it states it.
    pub fn cost(check: &'static Check, hosts: &[Target], reflector: bool, endpoints: usize) -> u64 {
        line(&[check], hosts, reflector, endpoints).iter().map(|(_, octets)| octets).sum()
    }

    /// What one run of many may cost.
    pub fn budget(every: Duration, octets_a_week: u64) -> u64 {
        octets_a_week / 25 * 24 / (WEEK.as_secs() / every.as_secs().max(1)).max(1)
    }

    pub(crate) fn takes_run(&self, check: &str) -> bool {
        let check = carrier(check, &self.checks);
        self.chosen.iter().any(|unit| matches!(unit, Unit::Run(name) if *name == check))
    }

    pub(crate) fn takes_reflector(&self, check: &str) -> bool {
        let check = carrier(check, &self.checks);
        self.chosen.iter().any(|unit| matches!(unit, Unit::Reflector(name) if *name == check))
    }

    pub(crate) fn takes_host(&self, host: &HostName, port: u16, check: &str) -> bool {
        let check = carrier(check, &self.checks);
        self.chosen
            .iter()
            .any(|unit| matches!(unit, Unit::Host(h, p, name) if h == host && *p == port && *name == check))
    }

    /// Whether any check of this host is in the turn.
    pub(crate) fn takes_any_of(&self, host: &HostName, port: u16) -> bool {
        self.chosen.iter().any(|unit| matches!(unit, Unit::Host(h, p, _) if h == host && *p == port))
    }

    /// Whether any check needs the reflector.
    pub(crate) fn takes_any_of_reflector(&self) -> bool {
        self.chosen.iter().any(|unit| matches!(unit, Unit::Reflector(_)))
    }
}

fn line(checks: &[&'static Check], hosts: &[Target], reflector: bool, endpoints: usize) -> Vec<(Unit, u64)> {
    let mut line = Vec::new();
    let reflector_promises = far_end::promises();
    let names: BTreeSet<&'static str> = checks.iter().map(|check| check.name).collect();
    let of = |wanted: &dyn Fn(Scope) -> bool| {
        let own = checks.iter().filter(|check| carrier(check.name, &names) == check.name);
        own.filter(|check| wanted(check.scope)).copied().collect::<Vec<&'static Check>>()
    };
    for check in of(&|scope| scope == Scope::Run) {
        // The cost of `endpoints` is stated for one name.
        let times = if check.name == "endpoints" { endpoints as u64 } else { 1 };
        line.push((Unit::Run(check.name), u64::from((check.octets)(&reflector_promises)) * times));
    }
    if reflector {
        for check in of(&|scope| scope != Scope::Run) {
            line.push((Unit::Reflector(check.name), u64::from((check.octets)(&reflector_promises))));
        }
    }
    for host in hosts {
        for check in of(&|scope| scope == Scope::Host) {
            let unit = Unit::Host(host.host.clone(), host.port, check.name);
            line.push((unit, u64::from((check.octets)(&host.promises))));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{HostName, Promises, Target, Trust};

    use super::Turn;
    use crate::CHECKS;
    use crate::check::Check;

    fn target(n: usize) -> Target {
        Target {
            host: HostName::parse(&format!("h{n}.example")).unwrap(),
            port: 443,
            workload: "Test".to_owned(),
            features: Vec::new(),
            path: "/".to_owned(),
            promises: Promises { certificate_transparency: true, http3: true, ..Promises::none_but(Trust::Public) },
        }
    }

    #[test]
    fn a_week_of_turns_costs_the_budget_and_forgets_nothing() {
        let hosts: Vec<Target> = (0..40).map(target).collect();
        let checks: Vec<&'static Check> = CHECKS.iter().filter(|check| check.by_default).collect();
        let every = Duration::from_secs(300);
        const WEEK: u64 = 100_000_000;
        let turn = |number: u64| Turn::new(number, every, WEEK, &checks, &hosts, true, 80);
        let first = turn(12_345);
        assert!(first.turns > 1, "the whole costs more than one turn may");
        let (mut spent, mut seen) = (0, std::collections::BTreeSet::new());
        for number in 12_345..12_345 + 2016 {
            let turn = turn(number);
            spent += turn.octets;
            for host in &hosts {
                let takes = |check| turn.takes_host(&host.host, host.port, check);
                assert_eq!(takes("http"), takes("casb"), "what shares a connection shares its turn");
            }
            seen.extend(turn.chosen);
        }
        assert!(spent <= WEEK + WEEK / 50, "{spent}");
        let all = Turn::new(0, every, u64::MAX, &checks, &hosts, true, 80);
        if first.turns <= 2016 {
            assert_eq!(seen, all.chosen);
        }
        assert_eq!(all.turns, 1);
    }
}
