//! `lab bench`: what `check` costs across a link with a known delay, held against what the network makes necessary.
//!
//! Forty hosts of one service stand behind a round trip of 40 ms. Each has an address and a name of its own, and
//! `truepath reflect` plays them all. The far end shares the processors with the program under test, so the figure is
//! worse than a user's, never better.
//!
//! No host of this service promises an event stream: its pace would be the longest chain by far and hide every delay of
//! our own. So does the reflector's, which is left out; all other checks that run by default are asked of it too.

mod chain;
mod traffic;

use std::{
    env, fs,
    net::{SocketAddr, TcpStream},
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use model::{Record, State};
use serde::Deserialize;

use crate::{
    default_truepath, interrupt,
    leftovers::{self, RunDirectory},
    link::{self, Link, Plan, Side, measure},
    network::{self, NAME_SERVER, Network, Where},
    out,
    pki::Pki,
    process::{Ledger, Program, Socket},
};

const HOSTS: usize = 40;
/// The reflector comes after the hosts.
const REFLECTOR: usize = HOSTS;
/// The event stream of the reflector has a pace of its own, longer than any chain of round trips here; calls and downloads last
/// as long as they are asked to, and hops that stay silent are waited for.
const SET_ASIDE: &str = "stream,media,download,route";
const HOSTS_PER_ORIGIN: usize = 4;
/// Every so many hosts one has a WebSocket, over HTTP/1.1 and HTTP/2.
const WEBSOCKET_EVERY: usize = 10;
const ONE_WAY: Duration = Duration::from_millis(20);
/// How many times as long as the longest chain of round trips a check may take.
const RATIO_LIMIT: f64 = 1.3;
/// 80 MB.
const MEMORY_LIMIT_OCTETS: u64 = 80_000_000;
/// The measured round trip of the link may exceed the nominal one by this, or the rest means nothing.
const LINK_TOLERANCE: Duration = Duration::from_millis(1);
const START_LIMIT: Duration = Duration::from_secs(20);
const RUN_LIMIT: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(2);

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// `check` of 40 hosts across 40 ms: wall time, and peak memory
    Check(CheckOptions),
    /// What each check costs in traffic, held against what `check --list` states
    Traffic(CheckOptions),
    /// The delaying link itself: round trip and throughput
    Link,
}

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// How often to run it; the median counts
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// The program under test [default: beside this one]
    #[arg(long)]
    truepath: Option<PathBuf>,
}

/// One run of `check`.
struct Cost {
    wall: Duration,
    memory_octets: u64,
}

pub(crate) fn bench(bench: &Bench) -> Result<()> {
    if let Some(reason) = network::unavailable() {
        bail!("nothing can be measured here: {reason}");
    }
    interrupt::listen()?;
    leftovers::remove()?;
    let network = Network::create(0, &addresses())?;
    if let Bench::Traffic(options) = bench {
        return traffic::run(options, &network);
    }
    let link = link::lay(&network, Side::Near, Plan { delay: ONE_WAY, ..Plan::default() }, &addresses())?;
    let round_trip = measured_link(&network)?;
    match bench {
        Bench::Link => show_throughput(&network, &link)?,
        Bench::Check(options) => check(options, &network, round_trip)?,
        Bench::Traffic(_) => {}
    }
    Ok(())
}

/// The median round trip of the link, which must be what it is meant to be.
fn measured_link(network: &Network) -> Result<Duration> {
    let times = measure::round_trips(network, &address(0), 100)?;
    let (least, median, most) = spread(&times).context("no round trip was measured")?;
    out::line(format!("link    round trip {} median ({} to {})", ms(median), ms(least), ms(most)));
    let nominal = ONE_WAY * 2;
    ensure!(least >= nominal, "a packet crossed the link too early: {} for {}", ms(least), ms(nominal));
    ensure!(median <= nominal + LINK_TOLERANCE, "the link is late on this machine: {} for {}", ms(median), ms(nominal));
    Ok(median)
}

fn show_throughput(network: &Network, link: &Link) -> Result<()> {
    let rate = measure::throughput(network, &address(0), Duration::from_secs(5))?;
    let (out, back) = link.counts();
    out::line(format!("link    one TCP connection {:.0} Mbit/s", rate * 8.0 / 1e6));
    out::line(format!("link    out {out:?}, back {back:?}"));
    Ok(())
}

fn check(options: &CheckOptions, network: &Network, round_trip: Duration) -> Result<()> {
    ensure!(options.runs > 0, "--runs must be at least 1");
    let mut directory = RunDirectory::create()?;
    directory.keep = true;
    let (stage, far_end) = Stage::set(options, network, &directory)?;

    let mut costs = Vec::new();
    for run in 1..=options.runs {
        let cost = stage.check(run)?;
        out::line(format!("run {run:3} {}, {:.1} MB", ms(cost.wall), megabytes(cost.memory_octets)));
        costs.push(cost);
    }
    drop(far_end);
    let mut walls: Vec<Duration> = costs.iter().map(|cost| cost.wall).collect();
    walls.sort_unstable();
    let (least, median, most) = spread(&walls).context("nothing was measured")?;
    let memory = costs.iter().map(|cost| cost.memory_octets).max().unwrap_or_default();
    let chain = chain::longest();
    let necessary = round_trip * chain.round_trips();
    let ratio = median.as_secs_f64() / necessary.as_secs_f64();
    out::line(format!("wall    {} median ({} to {})", ms(median), ms(least), ms(most)));
    out::line(format!("chain   {} round trips, {}: {chain}", chain.round_trips(), ms(necessary)));
    out::line(format!("ratio   {ratio:.2} (at most {RATIO_LIMIT})"));
    out::line(format!("memory  {:.1} MB (at most {:.0})", megabytes(memory), megabytes(MEMORY_LIMIT_OCTETS)));
    ensure!(ratio <= RATIO_LIMIT, "check takes {ratio:.2} times the longest chain of round trips");
    ensure!(memory <= MEMORY_LIMIT_OCTETS, "check takes {:.1} MB", megabytes(memory));
    directory.keep = false;
    Ok(())
}

/// What the runs have in common.
struct Stage<'a> {
    network: &'a Network,
    truepath: PathBuf,
    pki: Pki,
    directory: &'a Path,
    ledger: Ledger,
}

impl<'a> Stage<'a> {
    /// Everything that `check` talks to, started.
    fn set(options: &CheckOptions, network: &'a Network, directory: &'a RunDirectory) -> Result<(Self, Vec<Program>)> {
        let truepath = options.truepath.clone().or_else(default_truepath).context("no path of this program")?;
        let truepath = fs::canonicalize(&truepath).with_context(|| format!("no program at {}", truepath.display()))?;
        let names: Vec<String> = (0..=REFLECTOR).map(name).collect();
        let pki = Pki::create(&directory.path.join("pki"), &names)?;
        let stage = Self { network, truepath, pki, directory: &directory.path, ledger: directory.ledger() };
        let mut far_end = vec![stage.serve_names()?];
        for first in (0..HOSTS).step_by(HOSTS_PER_ORIGIN) {
            far_end.push(stage.serve_hosts(first..first + HOSTS_PER_ORIGIN)?);
        }
        far_end.push(stage.serve_hosts(REFLECTOR..REFLECTOR + 1)?);
        fs::write(stage.service(), service_file())?;
        Ok((stage, far_end))
    }

    fn service(&self) -> PathBuf {
        self.directory.join("service.toml")
    }

    /// `check` as the bench runs it.
    fn check_command(&self) -> Result<Command> {
        let mut command = self.network.command(Where::Client, &self.truepath.display().to_string());
        command.args(["check", "--service"]).arg(self.service());
        command.arg("--public-roots").arg(self.file("public.certificate")?);
        command.arg("--ct-logs").arg(self.file("ct.logs")?);
        command.args(["--reflector", &format!("https://{}/", name(REFLECTOR))]);
        command.args(["--reflector-key", self.pki.reflector_key()]);
        command.env("SSL_CERT_FILE", self.file("public.certificate")?).env_remove("SSL_CERT_DIR");
        Ok(command)
    }

    fn serve_names(&self) -> Result<Program> {
        let lab = env::current_exe().context("no path of this program")?;
        let mut command = self.network.command(Where::Server, &lab.display().to_string());
        command.args(["serve", "dns", "--listen", &format!("{NAME_SERVER}:53")]);
        for host in 0..=REFLECTOR {
            command.args(["--name", &format!("{}={}", name(host), address(host))]);
        }
        let mut names = Program::start("dns", command, &self.directory.join("dns.log"), &self.ledger)?;
        names.wait_for(&[Socket::udp(53)])?;
        Ok(names)
    }

    /// One far end for some of the hosts. One for all would refuse us: it limits the connections of one client.
    fn serve_hosts(&self, hosts: Range<usize>) -> Result<Program> {
        let first = hosts.start;
        let mut command = self.network.command(Where::Server, &self.truepath.display().to_string());
        command.arg("reflect");
        for host in hosts {
            command.args(["--listen", &format!("{}:443", address(host))]);
        }
        command.arg("--certificate").arg(self.file("origin.certificate")?);
        command.arg("--private-key").arg(self.file("origin.key")?);
        command.arg("--signing-key").arg(self.file("reflector.signing-key")?);
        let log = self.directory.join(format!("origin-{first}.log"));
        let origin = Program::start("origin", command, &log, &self.ledger)?;
        // Others listen on this port already, on other addresses: only a connection tells that this one does.
        let address: SocketAddr = format!("{}:443", address(first)).parse().context("no address")?;
        let answers = || {
            let connect = move || Ok(TcpStream::connect_timeout(&address, Duration::from_secs(1))?);
            Ok(link::joined(link::inside(&self.network.name(Where::Server), connect)?).ok())
        };
        let answered = interrupt::wait(START_LIMIT, answers)?;
        ensure!(answered.is_some(), "no far end on {address}; see {}", log.display());
        Ok(origin)
    }

    /// One run. A check that finds something, or leaves something out, is no measurement.
    fn check(&self, run: usize) -> Result<Cost> {
        let mut command = self.check_command()?;
        command.args(["--json", "--full", "--content", "--skip", SET_ASIDE]);
        let printed = self.directory.join(format!("check-{run}.json"));
        let log = self.directory.join(format!("check-{run}.log"));

        let start = Instant::now();
        let mut program = Program::start_with_output("check", command, &printed, &log, &self.ledger)?;
        let mut memory_kib = 0;
        let status = loop {
            memory_kib = memory_kib.max(program.peak_memory_kib().unwrap_or_default());
            if let Some(status) = program.ended()? {
                break status;
            }
            ensure!(!interrupt::interrupted(), "interrupted");
            ensure!(start.elapsed() < RUN_LIMIT, "check did not end within {RUN_LIMIT:?}");
            thread::sleep(TICK);
        };
        let wall = start.elapsed();
        let report = fs::read(&printed).with_context(|| printed.display().to_string())?;
        let logs = || format!("check ended with {status}; see {}", self.directory.display());
        complete(&report).with_context(logs)?;
        ensure!(status.success(), "{}", logs());
        Ok(Cost { wall, memory_octets: memory_kib * 1024 })
    }

    fn file(&self, name: &str) -> Result<&Path> {
        self.pki.files().get(name).map(PathBuf::as_path).with_context(|| format!("the lab's PKI has no {name}"))
    }
}

/// Whether every host was measured in full and found intact.
fn complete(report: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Report {
        record: Record,
        judgement: model::Judgement,
    }
    let Report { record, judgement } = serde_json::from_slice(report).context("check printed no report")?;
    ensure!(record.hosts.len() == HOSTS, "{} hosts in the record", record.hosts.len());
    for host in &record.hosts {
        let name = &host.target.host;
        let http3 = host.quic.seen().and_then(|quic| quic.http3.seen());
        ensure!(host.tls.seen().is_some() && host.http.seen().is_some(), "{name}: no TLS or no HTTP");
        ensure!(http3.is_some_and(|http3| http3.sustained.seen().is_some()), "{name}: no HTTP/3");
        if host.target.promises.websocket.is_some() {
            let sessions = host.websocket.seen().map(|websocket| (websocket.http1.seen(), websocket.http2.seen()));
            ensure!(matches!(sessions, Some((Some(_), Some(_)))), "{name}: no WebSocket");
        }
    }
    for host in judgement.hosts {
        ensure!(host.state == State::Intact, "{} is {:?}", host.host, host.state);
    }
    Ok(())
}

fn service_file() -> String {
    let mut text = String::from("id = \"bench\"\nname = \"Bench\"\nversion = \"1\"\n");
    for host in 0..HOSTS {
        text.push_str(&format!("\n[[host]]\nname = \"{}\"\n", name(host)));
        for promise in ["http2", "http3", "alt_svc", "tls13", "hybrid_key_exchange"] {
            text.push_str(&format!("{promise} = true\n"));
        }
        text.push_str("download = \"/v1/bytes?length=65536\"\n");
        if host.is_multiple_of(WEBSOCKET_EVERY) {
            text.push_str("websocket = { path = \"/v1/websocket\", answer = \"echo\", http2 = true }\n");
        }
    }
    text
}

fn name(host: usize) -> String {
    format!("host-{host:02}.bench.example")
}

fn address(host: usize) -> String {
    format!("198.51.100.{}", 101 + host)
}

fn addresses() -> Vec<String> {
    (0..=REFLECTOR).map(address).collect()
}

/// Least, median and most of times in order.
fn spread(sorted: &[Duration]) -> Option<(Duration, Duration, Duration)> {
    Some((*sorted.first()?, *sorted.get(sorted.len() / 2)?, *sorted.last()?))
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(octets: u64) -> f64 {
    octets as f64 / 1e6
}
