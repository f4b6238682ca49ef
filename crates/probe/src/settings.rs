//! What a run is told.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use model::{HexBytes, HostName, Target};

use crate::check::{CHECKS, Scope};
use crate::proxy::Proxy;
use crate::turn::Turn;

/// How to run the checks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The checks to run, by name.
    pub checks: Vec<&'static str>,
    /// The share of the checks and hosts that this run takes; all of them where this is absent.
    pub turn: Option<Turn>,
    /// For each single operation: a connection, a handshake, a response head.
    pub timeout: Duration,
    /// For the whole run, `life` aside.
    pub budget: Duration,
    /// How long a WebSocket is kept silent.
    pub life: Option<Duration>,
    /// How long the call to the reflector lasts; none is made where this is absent.
    pub call: Option<Duration>,
    /// A proxy auto-configuration script that the user named: an `http`, `https` or `file` URL.
    pub pac: Option<String>,
    /// The interface by which the checks go out, where one was chosen; the [`Net`](crate::Net) is bound to it.
    pub interface: Option<String>,
    /// What evaluates a script.
    pub script_worker: ScriptWorker,
    pub via: Option<Proxy>,
    pub resolve: Vec<Resolve>,
    pub reflector: Option<ReflectorAddress>,
    /// Proxy settings of the environment, without passwords: recorded, not used.
    pub environment_proxies: std::collections::BTreeMap<String, String>,
    pub tool: String,
}

/// A program that, started with these arguments, calls [`evaluate_script`](crate::evaluate_script) with its standard input and
/// output. Scripts of proxy auto-configuration are evaluated in it, one process each, which can be ended.
#[derive(Clone, Debug, Default)]
pub struct ScriptWorker {
    pub program: std::path::PathBuf,
    pub arguments: Vec<String>,
}

/// `HOST:PORT:ADDRESS`, as curl's `--resolve` has it; several addresses are separated by commas, and an IPv6 address
/// may stand in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    pub host: HostName,
    pub port: u16,
    pub addresses: Vec<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not HOST:PORT:ADDRESS: {1}")]
pub struct InvalidResolve(String, &'static str);

impl FromStr for Resolve {
    type Err = InvalidResolve;

    fn from_str(text: &str) -> Result<Self, InvalidResolve> {
        let invalid = |why| InvalidResolve(text.chars().take(128).collect(), why);
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(addresses)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(invalid("it has fewer than three parts"));
        };
        let host = HostName::parse(host).map_err(|_| invalid("the first part is not a host name"))?;
        let port =
            port.parse().ok().filter(|port| *port > 0).ok_or_else(|| invalid("the second part is not a port"))?;
        let addresses = addresses
            .split(',')
            .map(|address| address.trim_start_matches('[').trim_end_matches(']').parse())
            .collect::<Result<Vec<IpAddr>, _>>()
            .map_err(|_| invalid("the third part is not an address"))?;
        Ok(Self { host, port, addresses })
    }
}

impl fmt::Display for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.host, self.port)?;
        for (n, address) in self.addresses.iter().enumerate() {
            write!(f, "{}{address}", if n > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

/// Where a reflector is, and the key that must sign its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReflectorAddress {
    pub host: HostName,
    pub port: u16,
    /// Ed25519 public key, 32 octets.
    pub key: HexBytes,
}

/// What a check is run for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    Run,
    Reflector,
    Host(&'a Target),
}

impl Settings {
    /// Whether a check is to run for this subject: it was asked for, and it is its turn.
    pub(crate) fn runs(&self, check: &str, subject: Subject<'_>) -> bool {
        let is_its_turn = self.turn.as_ref().is_none_or(|turn| match subject {
            Subject::Run => turn.takes_run(check),
            Subject::Reflector => turn.takes_reflector(check),
            Subject::Host(target) => turn.takes_host(&target.host, target.port, check),
        });
        is_its_turn && self.checks.contains(&check)
    }

    /// Whether any check that is not for the run as a whole is to run for it.
    pub(crate) fn runs_any(&self, subject: Subject<'_>) -> bool {
        CHECKS.iter().any(|check| check.scope != Scope::Run && self.runs(check.name, subject))
    }

    /// Why it is not.
    pub(crate) fn not_run(&self, check: &str) -> &'static str {
        if self.checks.contains(&check) { "it is not its turn" } else { "not among the checks that were asked for" }
    }

    pub(crate) fn overridden(&self, host: &HostName, port: u16) -> Option<Vec<SocketAddr>> {
        let resolve = self.resolve.iter().find(|resolve| resolve.host == *host && resolve.port == port)?;
        Some(resolve.addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_is_read_as_curl_reads_it() {
        for (text, shown) in [
            ("a.example:443:192.0.2.1", Ok("a.example:443:192.0.2.1")),
            ("A.example:443:[2001:db8::1]", Ok("a.example:443:2001:db8::1")),
            ("a.example:443:2001:db8::1", Ok("a.example:443:2001:db8::1")),
            ("a.example:443:192.0.2.1,192.0.2.2", Ok("a.example:443:192.0.2.1,192.0.2.2")),
            ("a.example:443", Err("it has fewer than three parts")),
            ("a.example:0:192.0.2.1", Err("the second part is not a port")),
            ("a.example:443:b.example", Err("the third part is not an address")),
            ("-:443:192.0.2.1", Err("the first part is not a host name")),
        ] {
            let parsed = text.parse::<Resolve>();
            assert_eq!(parsed.map(|r| r.to_string()).map_err(|e| e.1), shown.map(str::to_owned), "{text}");
        }
    }
}
