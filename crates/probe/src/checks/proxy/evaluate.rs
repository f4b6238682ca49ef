//! What a script decides for every host. It runs on a thread of its own: an engine is not for an asynchronous task, and
//! a script that takes its time must not hold one up.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use model::{Attempt, FailureKind, HostName, Operation, ProxyRoute, Target};
use tokio::runtime::Handle;
use tokio::time::Instant;
use wire::pac::{Moment, Pac, PacError, World};

use super::script::Script;
use super::zone;
use crate::failure::Stopwatch;
use crate::host::Context;
use crate::net::Net;

/// A script is asked now and then whether its time is up; between two times this much may pass.
const HAND_ON: Duration = Duration::from_millis(200);
/// Names asked at one time ahead of a script that will ask for them.
const AHEAD_AT_ONCE: usize = 16;
/// Characters recorded of a result and of a rule, and of a name that a script resolved (RFC 1035 section 2.3.4).
const RESULT_LIMIT: usize = 2_048;
const RULE_LIMIT: usize = 256;
const NAME_LIMIT: usize = 256;
/// Names recorded that a script resolved for one host.
const NAMES_LIMIT: usize = 20;
/// Where a datagram would be sent to learn our own address; none is. Documentation ranges (RFC 5737, RFC 3849).
const ELSEWHERE: [&str; 2] = ["192.0.2.1:9", "[2001:db8::1]:9"];

/// Until the deadline; what comes later is a failure of every host.
pub(super) async fn decide(
    context: &Arc<Context>,
    script: Script,
    hosts: &[Target],
    deadline: Instant,
) -> Vec<Attempt<ProxyRoute>> {
    let watch = Stopwatch::start();
    let evaluating = async {
        let known = if resolves(&script.0) { ahead(context, hosts, deadline).await } else { HashMap::new() };
        let names = Names {
            own: own_addresses(&*context.net),
            net: context.net.clone(),
            handle: Handle::current(),
            timeout: context.settings.timeout,
            deadline,
            known: RefCell::new(known),
        };
        let (context, targets) = (context.clone(), hosts.to_vec());
        let job = move || {
            let now = context.now();
            let moment = Moment { now, offset_seconds: zone::offset_seconds(now) };
            outcomes(&script.0, &targets, names, moment)
        };
        tokio::task::spawn_blocking(job).await
    };
    // The thread ends itself at the deadline. It is given a moment to hand on what it had by then.
    let late =
        || hosts.iter().map(|_| Attempt::Failed(watch.timed_out(Operation::Exchange, watch.elapsed()))).collect();
    match tokio::time::timeout_at(deadline + HAND_ON, evaluating).await {
        Ok(Ok(outcomes)) => outcomes,
        Ok(Err(_)) | Err(_) => late(),
    }
}

fn outcomes(script: &str, hosts: &[Target], names: Names, moment: Moment) -> Vec<Attempt<ProxyRoute>> {
    let watch = Stopwatch::start();
    let deadline = names.deadline;
    let failed = |error: &PacError, watch: Stopwatch| {
        let kind = match error {
            PacError::TooMuchWork if Instant::now() >= deadline => {
                return Attempt::Failed(watch.timed_out(Operation::Exchange, watch.elapsed()));
            }
            PacError::TooLong | PacError::TooMuchWork => FailureKind::TooLarge,
            PacError::NoFunction | PacError::Script(_) | PacError::NoResult => FailureKind::Protocol,
        };
        Attempt::Failed(watch.failure(Operation::Exchange, kind, error.to_string()))
    };
    let pac = match Pac::load(script, Rc::new(names), moment) {
        Ok(pac) => pac,
        Err(error) => return hosts.iter().map(|_| failed(&error, watch)).collect(),
    };
    let mut outcomes = Vec::new();
    for target in hosts {
        let watch = Stopwatch::start();
        if Instant::now() >= deadline {
            outcomes.push(Attempt::Failed(watch.timed_out(Operation::Exchange, watch.elapsed())));
            continue;
        }
        outcomes.push(match pac.find(&target.host, target.port) {
            Ok(decision) => {
                let (line, rule) = decision.rule.map(|rule| (rule.line, rule.text)).unzip();
                Attempt::Seen(ProxyRoute {
                    result: shown(&decision.result, RESULT_LIMIT),
                    rule: rule.map(|rule| shown(&rule, RULE_LIMIT)),
                    line,
                    took_ms: watch.elapsed().into(),
                    resolved: decision.resolved.iter().take(NAMES_LIMIT).map(|name| shown(name, NAME_LIMIT)).collect(),
                })
            }
            Err(error) => failed(&error, watch),
        });
    }
    outcomes
}

/// A text without what could be a user name and a password, as in `PROXY ann:secret@proxy.example:8080`: from each word,
/// all that stands before its last at sign. A word ends where neither would go on.
fn shown(text: &str, limit: usize) -> String {
    let ends_word = |c: char| c.is_whitespace() || matches!(c, ';' | ',' | '\'' | '"' | '`' | '(' | ')' | '/');
    let mut shown = String::new();
    for piece in text.split_inclusive(ends_word) {
        shown.push_str(piece.rsplit('@').next().unwrap_or_default());
    }
    shown.chars().filter(|c| !c.is_control()).take(limit).collect()
}

/// The outside of a script: names, each asked once in a run, and our own addresses.
struct Names {
    net: Arc<dyn Net>,
    handle: Handle,
    timeout: Duration,
    deadline: Instant,
    known: RefCell<HashMap<String, Vec<IpAddr>>>,
    own: Vec<IpAddr>,
}

impl World for Names {
    fn resolve(&self, name: &str) -> Vec<IpAddr> {
        if let Some(addresses) = self.known.borrow().get(name) {
            return addresses.clone();
        }
        let left = self.deadline.saturating_duration_since(Instant::now()).min(self.timeout);
        let addresses = match HostName::parse(name) {
            Ok(host) if !left.is_zero() => self.handle.block_on(lookup(&*self.net, &host, left)),
            _ => Vec::new(),
        };
        self.known.borrow_mut().insert(name.to_owned(), addresses.clone());
        addresses
    }

    fn own_addresses(&self) -> Vec<IpAddr> {
        self.own.clone()
    }

    fn may_go_on(&self) -> bool {
        Instant::now() < self.deadline
    }
}

async fn lookup(net: &dyn Net, host: &HostName, limit: Duration) -> Vec<IpAddr> {
    match tokio::time::timeout(limit, net.lookup(host)).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Whether the script seems to ask for names. One that hides it is only slower.
fn resolves(script: &str) -> bool {
    ["dnsResolve", "isResolvable", "isInNet"].iter().any(|helper| script.contains(helper))
}

/// The addresses of the hosts, asked side by side: a script would ask one after the other.
async fn ahead(context: &Arc<Context>, hosts: &[Target], deadline: Instant) -> HashMap<String, Vec<IpAddr>> {
    let hosts: Vec<HostName> = hosts.iter().map(|target| target.host.clone()).collect();
    let names = hosts.into_iter().map(|host| {
        let context = context.clone();
        async move {
            let left = deadline.saturating_duration_since(Instant::now()).min(context.settings.timeout);
            let addresses = lookup(&*context.net, &host, left).await;
            (host.as_str().to_owned(), addresses)
        }
    });
    stream::iter(names).buffer_unordered(AHEAD_AT_ONCE).collect().await
}

/// The addresses from which this machine would send, as the routing table says: a socket is connected, nothing is sent.
fn own_addresses(net: &dyn Net) -> Vec<IpAddr> {
    let own = |elsewhere: &&str| {
        let elsewhere: SocketAddr = elsewhere.parse().ok()?;
        let socket = net.udp(elsewhere).ok()?;
        socket.connect(elsewhere).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
    };
    ELSEWHERE.iter().filter_map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn no_password_is_recorded() {
        for (text, without) in [
            ("PROXY ann:secret@proxy.example:8080; DIRECT", "PROXY proxy.example:8080; DIRECT"),
            ("PROXY ann:se@cret@[2001:db8::1]:80;SOCKS ann@s:1", "PROXY [2001:db8::1]:80;SOCKS s:1"),
            ("return 'PROXY ann:secret@p:1'; true: shExpMatch(\"a\")", "return 'PROXY p:1'; true: shExpMatch(\"a\")"),
            ("http://ann:secret@p/", "http://p/"),
            ("DIRECT", "DIRECT"),
        ] {
            assert_eq!(shown(text, 256), without);
        }
        assert_eq!(shown(&"x".repeat(500), 256).len(), 256);
    }
}
