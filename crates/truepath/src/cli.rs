//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
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
    /// Run the honest far end that tells a client what arrived.
    Reflect(Reflect),
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

    /// Go through this explicit proxy: `http://[USER:PASSWORD@]HOST:PORT`.
    #[arg(long, value_name = "URL", help_heading = "Path")]
    pub(crate) via: Option<String>,
    /// Connect to this address for this host and port, as curl's --resolve. May be given again.
    #[arg(long, value_name = "HOST:PORT:ADDRESS", help_heading = "Path")]
    pub(crate) resolve: Vec<Resolve>,

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
