//! `truepath inspect` against tshark, and by itself on much traffic with few handshakes.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::capture::{self, Capture};
use crate::shell::{cargo, output, program, run as execute, target_folder, works};

/// How many times as fast as tshark.
const TIMES_TSHARK: f64 = 20.0;
/// Octets a second on one core, where handshakes are few.
const OCTETS_A_SECOND: f64 = 1e9;
/// How often each is run; tshark takes too long for more than twice.
const RUNS: u32 = 5;

/// Gives what was skipped, and why.
pub(super) fn run(below: &mut Vec<String>) -> anyhow::Result<Option<String>> {
    execute(&mut cargo(["build", "--locked", "--release", "--package", "truepath"]))?;
    few_handshakes(below)?;
    if !works(program("tshark").arg("--version")) {
        return Ok(Some("no comparison with tshark, which is not installed".to_owned()));
    }
    many_handshakes(below)?;
    Ok(None)
}

/// 1 GB over 64 connections.
fn few_handshakes(below: &mut Vec<String>) -> anyhow::Result<()> {
    let capture = capture::make("few", 64, 900)?;
    let (took, lines) = best(RUNS, || ours(&capture))?;
    let found = lines.lines().count();
    let rate = capture.octets as f64 / took.as_secs_f64();
    println!(
        "few handshakes: {} MB, {} packets, {found} handshakes: {:.2} s, {:.2} GB/s",
        capture.octets / 1_000_000,
        capture.packets,
        took.as_secs_f64(),
        rate / 1e9
    );
    if found != capture.connections as usize {
        below.push(format!("{found} of {} handshakes found", capture.connections));
    }
    if rate < OCTETS_A_SECOND {
        below.push(format!("inspect reads {:.2} GB/s, not {}", rate / 1e9, OCTETS_A_SECOND / 1e9));
    }
    Ok(())
}

/// 100 MB over 4 000 connections.
fn many_handshakes(below: &mut Vec<String>) -> anyhow::Result<()> {
    let capture = capture::make("many", 4_000, 1)?;
    let (ours_took, ours) = best(RUNS, || ours(&capture))?;
    let (theirs_took, theirs) = best(2, || output(&mut tshark(&capture)))?;
    let (ours, theirs) = (read_ours(&ours)?, read_tshark(&theirs)?);
    let ratio = theirs_took.as_secs_f64() / ours_took.as_secs_f64();
    println!(
        "many handshakes: {} MB, {} packets, {} handshakes: {:.3} s, tshark {:.3} s: {ratio:.1} times as fast",
        capture.octets / 1_000_000,
        capture.packets,
        ours.len(),
        ours_took.as_secs_f64(),
        theirs_took.as_secs_f64()
    );
    if ours.len() != capture.connections as usize || ours != theirs {
        let differ = ours.symmetric_difference(&theirs).count();
        below.push(format!("{} handshakes found, tshark {}, {differ} differ", ours.len(), theirs.len()));
    }
    if ratio < TIMES_TSHARK {
        below.push(format!("inspect is {ratio:.1} times as fast as tshark, not {TIMES_TSHARK}"));
    }
    Ok(())
}

/// The shortest of some runs, and what the last one wrote.
fn best(runs: u32, mut run: impl FnMut() -> anyhow::Result<String>) -> anyhow::Result<(Duration, String)> {
    let mut best = Duration::MAX;
    let mut written = String::new();
    for _ in 0..runs {
        let start = Instant::now();
        written = run()?;
        best = best.min(start.elapsed());
    }
    Ok((best, written))
}

fn ours(capture: &Capture) -> anyhow::Result<String> {
    let mut inspect = program(target_folder().join("release/truepath"));
    output(inspect.args(["inspect", "--quiet"]).arg(&capture.path))
}

fn tshark(capture: &Capture) -> Command {
    let mut tshark = program("tshark");
    // Without names of addresses and ports, and without its own guesses about what the wire did.
    tshark.args(["-n", "-r"]).arg(&capture.path);
    tshark.args(["-Y", "tls.handshake.type == 1", "-T", "fields"]);
    for field in ["ip.src", "tcp.srcport", "tls.handshake.extensions_server_name", "tls.handshake.ja3"] {
        tshark.args(["-e", field]);
    }
    tshark
}

/// Client, name asked for, JA3.
type Handshake = (String, String, String);

fn read_ours(lines: &str) -> anyhow::Result<BTreeSet<Handshake>> {
    #[derive(Deserialize)]
    struct Line {
        src: String,
        sni: Option<String>,
        ja3: Option<String>,
    }
    let read = |line: &str| {
        let Line { src, sni, ja3 } =
            serde_json::from_str(line).with_context(|| format!("a line of inspect: {line}"))?;
        Ok((src, sni.unwrap_or_default(), ja3.unwrap_or_default()))
    };
    lines.lines().map(read).collect()
}

fn read_tshark(lines: &str) -> anyhow::Result<BTreeSet<Handshake>> {
    let read = |line: &str| {
        let [address, port, name, ja3] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("a line of tshark: {line}");
        };
        Ok((format!("{address}:{port}"), name.to_owned(), ja3.to_owned()))
    };
    lines.lines().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_are_read_alike() {
        let ours = r#"{"v":1,"src":"10.0.0.1:20000","sni":"a.example","alpn":[],"ja3":"f00","ja4":"t"}"#;
        let theirs = "10.0.0.1\t20000\ta.example\tf00";
        assert_eq!(read_ours(ours).expect("ours"), read_tshark(theirs).expect("theirs"));
        assert!(read_tshark("10.0.0.1").is_err() && read_ours("{}").is_err());
    }
}
