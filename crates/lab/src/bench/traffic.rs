//! `lab bench traffic`: what each check puts on the wire, counted by the kernel on the client's interface, against what
//! `check --list` states for the same hosts.
//!
//! Each check runs alone over all hosts and the reflector; the counters of the interface are read before and after. They
//! count frames of Ethernet, 14 octets more than the packets in them, and a segment that the kernel has not yet cut into
//! packets once; the two errors are small and of opposite sign.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::{CheckOptions, HOSTS, Stage};
use crate::{
    leftovers::RunDirectory,
    network::{Network, Where},
    out,
};

/// A statement may be this much too small; names, tickets and lost packets vary.
const TOO_SMALL: f64 = 1.15;
/// And this much too large, or the budget is wasted on it. Below this size nobody cares.
const TOO_LARGE: f64 = 0.4;
const SMALL_OCTETS: u64 = 60_000;

/// Checks that live on the connections of another one, which states the cost: what they add to it.
const SHARED: [(&str, &str); 4] =
    [("casb", "http"), ("destination", "http"), ("hello", "exporter"), ("egress", "exporter")];
/// Checks whose cost is the far end's to say: the length of a body, the number of hops.
const DEPENDS: [&str; 2] = ["download", "route"];

pub(super) fn run(options: &CheckOptions, network: &Network) -> Result<()> {
    let mut directory = RunDirectory::create()?;
    directory.keep = true;
    let (stage, far_end) = Stage::set(options, network, &directory)?;
    let stated = stated(&stage)?;
    let mut wrong = Vec::new();
    out::line(format!("{:<12} {:>12} {:>12}   over {HOSTS} hosts and the reflector", "check", "stated", "counted"));
    let (mut all_stated, mut all_counted) = (0, 0);
    // Every run looks up its hosts, whatever it then asks of them.
    let lookups = measure(&stage, "dns")?;
    for (check, octets) in &stated {
        let counted = match SHARED.iter().find(|(shares, _)| shares == check) {
            Some((_, with)) => measure(&stage, &format!("{with},{check}"))?.saturating_sub(measure(&stage, with)?),
            None if check == "dns" => lookups,
            None => measure(&stage, check)?.saturating_sub(lookups),
        };
        out::line(format!("{check:<12} {octets:>12} {counted:>12}"));
        all_stated += octets;
        all_counted += counted;
        let ratio = ratio(counted, *octets);
        let large = counted.max(*octets) > SMALL_OCTETS;
        let depends = DEPENDS.contains(&check.as_str());
        if large && !depends && !(TOO_LARGE..=TOO_SMALL).contains(&ratio) {
            wrong.push(format!("{check}: stated {octets}, counted {counted}"));
        }
    }
    out::line(format!("{:<12} {all_stated:>12} {all_counted:>12}", "together"));
    drop(far_end);
    directory.keep = !wrong.is_empty();
    if wrong.is_empty() { Ok(()) } else { bail!("the stated traffic is wrong: {}", wrong.join("; ")) }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn ratio(counted: u64, stated: u64) -> f64 {
    counted as f64 / stated.max(1) as f64
}

/// What `check --list` says that one run over these hosts costs, check by check.
fn stated(stage: &Stage<'_>) -> Result<BTreeMap<String, u64>> {
    let output = stage.check_command()?.arg("--list").output().context("check --list")?;
    let text = String::from_utf8(output.stdout).context("check --list is not text")?;
    let rows = text.lines().skip(1).take_while(|line| !line.is_empty() && !line.starts_with("together"));
    let mut stated = BTreeMap::new();
    for row in rows {
        let mut words = row.split_whitespace();
        let (name, _round_trips, size) = (words.next(), words.next(), words.next());
        let (Some(name), Some(number)) = (name, size) else { bail!("a row of --list: `{row}`") };
        let number: f64 = number.parse().with_context(|| format!("a size in --list: `{row}`"))?;
        let unit = if number == 0.0 {
            1.0
        } else if words.next() == Some("MB") {
            1e6
        } else {
            1e3
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size that was printed from a u64"
        )]
        stated.insert(name.to_owned(), (number * unit) as u64);
    }
    ensure!(stated.len() > 9, "--list has {} rows", stated.len());
    Ok(stated)
}

fn measure(stage: &Stage<'_>, check: &str) -> Result<u64> {
    let before = counters(stage)?;
    let mut command = stage.check_command()?;
    command.args(["--quiet", "--only", check]);
    if check.ends_with("media") {
        // The call is stated apart: it costs what it lasts.
        command.args(["--call", "1ms"]);
    }
    let status = command.status().with_context(|| format!("check --only {check}"))?;
    ensure!(!matches!(status.code(), Some(1 | 2) | None), "check --only {check} ended with {status}");
    Ok(counters(stage)?.saturating_sub(before))
}

/// Octets received and sent on the client's interfaces, without loopback.
fn counters(stage: &Stage<'_>) -> Result<u64> {
    let output = stage.network.command(Where::Client, "cat").arg("/proc/net/dev").output().context("the counters")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let of = |line: &str| -> Option<u64> {
        let (name, counts) = line.split_once(':')?;
        let counts: Vec<u64> = counts.split_whitespace().filter_map(|count| count.parse().ok()).collect();
        (name.trim() != "lo").then(|| counts.first().zip(counts.get(8)).map(|(received, sent)| received + sent))?
    };
    let counters: Vec<u64> = text.lines().filter_map(of).collect();
    ensure!(!counters.is_empty(), "the client has no interface but loopback");
    Ok(counters.into_iter().sum())
}
