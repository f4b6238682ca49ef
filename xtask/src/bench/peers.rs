//! `cargo xtask bench peers`: what we do and others do too, side by side in one call, and held against what is promised.
//!
//! - A ClientHello to facts, JA3 and JA4: at most 600 ns for a hello of today as a log has them, which is again and again
//!   (a Chromium's in a new order each time); and faster than huginn-net-tls with nothing remembered. Both are measured in
//!   turns in one process (`peers/`, outside of the workspace).
//! - `inspect` against tshark on one capture of many connections, for the same fields: at least 20 times as fast, and the
//!   same handshakes found.
//! - `inspect` on a capture with few handshakes: at least 1 GB a second on one core.
//!
//! The captures are made here from hellos of `corpus/client-hello`, in memory where the machine has a file system for that,
//! so that no disk is measured. Wall times are the best of several runs: what else the machine does only ever adds.

mod capture;
mod inspect;

use anyhow::{Context, bail};

use crate::shell::{cargo, output, root, target_folder};
use crate::steps::Done;

/// Nanoseconds for a hello of today, and which of the corpus those are.
const HELLO_NS: u64 = 600;
const TODAY: [&str; 6] = [
    "chromium-156-3.bin",
    "firefox-153esr-3.bin",
    "curl-cffi-safari260.bin",
    "go1.19-nethttp.bin",
    "curl-7.88.bin",
    "squid.bin",
];

pub(super) fn run() -> anyhow::Result<Done> {
    let mut below = Vec::new();
    hellos(&mut below)?;
    let skipped = inspect::run(&mut below)?;
    if !below.is_empty() {
        bail!("below what is promised: {}", below.join("; "));
    }
    Ok(skipped.map_or(Done::Passed, Done::Skipped))
}

/// Builds `peers/` and reads its table.
fn hellos(below: &mut Vec<String>) -> anyhow::Result<()> {
    let manifest = root().join("peers/Cargo.toml");
    let mut peers = cargo(["run", "--quiet", "--locked", "--release", "--manifest-path"]);
    peers.arg(manifest).arg("--target-dir").arg(target_folder().join("peers"));
    let table = output(&mut peers)?;
    println!("{:32}{:>12}{:>12}{:>16}{:>8}", "one hello, in ns", "seen before", "first", "huginn-net-tls", "ratio");
    for line in table.lines() {
        let row = Row::parse(line).with_context(|| format!("a row of peers: {line}"))?;
        let Row { name, again, first, theirs, same } = row;
        println!("{name:32}{again:>12}{first:>12}{theirs:>16}{:>8.1}", theirs as f64 / first as f64);
        if TODAY.contains(&name) && again > HELLO_NS {
            below.push(format!("{name} takes {again} ns, not {HELLO_NS}"));
        }
        if first.max(again) >= theirs {
            below.push(format!("{name}: {first} ns against {theirs} of huginn-net-tls"));
        }
        if !same {
            below.push(format!("{name}: huginn-net-tls says another JA4"));
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Row<'a> {
    name: &'a str,
    /// Where such a hello was seen before, the order of its extensions aside.
    again: u64,
    first: u64,
    theirs: u64,
    /// Whether both give the same JA4.
    same: bool,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> anyhow::Result<Self> {
        let [name, again, first, theirs, same] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("not five columns");
        };
        Ok(Self { name, again: again.parse()?, first: first.parse()?, theirs: theirs.parse()?, same: same.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_five_columns() {
        let row = Row { name: "squid.bin", again: 200, first: 900, theirs: 4000, same: true };
        assert_eq!(Row::parse("squid.bin\t200\t900\t4000\ttrue").expect("a row"), row);
        assert!(Row::parse("squid.bin\t900\t4000\ttrue").is_err());
        assert!(Row::parse("squid.bin\t200\t900\tfast\ttrue").is_err());
    }

    #[test]
    fn the_hellos_of_today_are_in_the_corpus() {
        for file in TODAY {
            assert!(root().join("corpus/client-hello").join(file).is_file(), "{file}");
        }
    }
}
