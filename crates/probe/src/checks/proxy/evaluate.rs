//! What a script decides for every host. It is evaluated in a process of its own ([`worker`](super::worker)), and this is
//! the side that starts it, answers what it asks, and ends it.
//!
//! The engine bounds a script in work, but it counts between the operations of the language and not within one, and a
//! script that means harm makes an operation as long as it likes: a product of whole numbers of a million bits, two texts
//! of a gigabyte compared. A thread that is at it can only be left behind. A process can be ended, its memory is not ours,
//! and a fault of the engine costs one source instead of the run. Browsers do the same.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use model::{Attempt, Failure, FailureKind, HostName, Operation, ProxyRoute, Target};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::script::Script;
use super::worker::{Question, Said};
use super::zone;
use crate::failure::Stopwatch;
use crate::host::Context;
use crate::net::Net;
use crate::settings::ScriptWorker;

/// A worker ends a script at the deadline; it is given this much to hand on what it had by then, and is ended itself after it.
const HAND_ON: Duration = Duration::from_millis(200);
/// Octets read of what a worker says, for each host: its decision, and the names that it asks for on the way. Whoever
/// breaks out of the engine has the worker say whatever he likes.
const SAID_LIMIT: u64 = 64 * 1024;
/// Characters recorded of a result and of a rule, and of a name that a script resolved (RFC 1035 section 2.3.4).
const RESULT_LIMIT: usize = 2_048;
const RULE_LIMIT: usize = 256;
const NAME_LIMIT: usize = 256;
/// Names recorded that a script resolved for one host.
const NAMES_LIMIT: usize = 20;
/// Names asked at one time ahead of a script that will ask for them.
const AHEAD_AT_ONCE: usize = 16;
/// Where a datagram would be sent to learn our own address; none is. Documentation ranges (RFC 5737, RFC 3849).
const ELSEWHERE: [&str; 2] = ["192.0.2.1:9", "[2001:db8::1]:9"];

/// Until the deadline; what comes later is a failure of the hosts that have no decision by then.
pub(super) async fn decide(
    context: &Arc<Context>,
    script: Script,
    hosts: &[Target],
    deadline: Instant,
) -> Vec<Attempt<ProxyRoute>> {
    let watch = Stopwatch::start();
    let mut outcomes = Vec::with_capacity(hosts.len());
    let evaluating = Box::pin(evaluate(context, &script, hosts, deadline, &mut outcomes));
    let why = match tokio::time::timeout_at(deadline + HAND_ON, evaluating).await {
        Ok(Err(error)) => watch.failure(Operation::Exchange, FailureKind::Local, format!("the worker: {error}")),
        Ok(Ok(())) if Instant::now() < deadline => {
            watch.failure(Operation::Exchange, FailureKind::Local, "the worker ended before it was through")
        }
        Ok(Ok(())) | Err(_) => watch.timed_out(Operation::Exchange, watch.elapsed()),
    };
    outcomes.resize(hosts.len(), Attempt::Failed(why));
    outcomes
}

async fn evaluate(
    context: &Arc<Context>,
    script: &Script,
    hosts: &[Target],
    deadline: Instant,
    outcomes: &mut Vec<Attempt<ProxyRoute>>,
) -> std::io::Result<()> {
    let known = if resolves(&script.0) { ahead(context, hosts, deadline).await } else { HashMap::new() };
    let mut names = Names { net: context.net.clone(), timeout: context.settings.timeout, deadline, known };
    let now = context.now();
    let question = Question {
        script: script.0.to_string(),
        hosts: hosts.iter().map(|target| (target.host.clone(), target.port)).collect(),
        now,
        offset_seconds: zone::offset_seconds(now),
        own: own_addresses(&*context.net),
        milliseconds: u64::try_from(deadline.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(0),
    };
    let mut child = start(&context.settings.script_worker)?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Ok(()) };
    let limit = SAID_LIMIT * (hosts.len() as u64 + 1);
    let talked = talk(&question, &mut names, &mut input, BufReader::new(output.take(limit)), outcomes).await;
    // It has nothing more to say, whether it knows that or not.
    let _ = child.kill().await;
    talked
}

/// Ended with the value, wherever that is dropped.
fn start(worker: &ScriptWorker) -> std::io::Result<Child> {
    let mut command = Command::new(&worker.program);
    command.args(&worker.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Somebody else's program has no use for what the environment may hold. Windows starts nothing without its own.
    if cfg!(unix) {
        command.env_clear();
    }
    command.kill_on_drop(true).spawn()
}

/// Until there is a decision for every host, or the worker says no more.
async fn talk(
    question: &Question,
    names: &mut Names,
    input: &mut (impl AsyncWrite + Unpin),
    mut output: impl AsyncBufRead + Unpin,
    outcomes: &mut Vec<Attempt<ProxyRoute>>,
) -> std::io::Result<()> {
    send(input, question).await?;
    let mut line = Vec::new();
    while outcomes.len() < question.hosts.len() {
        line.clear();
        if output.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        match serde_json::from_slice(&line) {
            Ok(Said::Outcome(outcome)) => outcomes.push(recorded(outcome)),
            Ok(Said::Resolve(name)) => send(input, &names.resolve(&name).await).await?,
            Err(_) => {}
        }
    }
    Ok(())
}

/// What is recorded of an outcome. Whatever the worker says, it is short and holds no password.
fn recorded(outcome: Attempt<ProxyRoute>) -> Attempt<ProxyRoute> {
    match outcome {
        Attempt::Seen(route) => Attempt::Seen(ProxyRoute {
            result: shown(&route.result, RESULT_LIMIT),
            rule: route.rule.map(|rule| shown(&rule, RULE_LIMIT)),
            resolved: route.resolved.iter().take(NAMES_LIMIT).map(|name| shown(name, NAME_LIMIT)).collect(),
            ..route
        }),
        Attempt::Failed(failure) => Attempt::Failed(Failure { detail: shown(&failure.detail, RULE_LIMIT), ..failure }),
        Attempt::NotTried(_) | Attempt::NotApplicable(_) => Attempt::not_tried("the worker did not try it"),
    }
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

async fn send(input: &mut (impl AsyncWrite + Unpin), value: &impl serde::Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    input.write_all(&line).await?;
    input.flush().await
}

/// Names for a script, each asked once in a run.
struct Names {
    net: Arc<dyn Net>,
    timeout: Duration,
    deadline: Instant,
    known: HashMap<String, Vec<IpAddr>>,
}

impl Names {
    async fn resolve(&mut self, name: &str) -> Vec<IpAddr> {
        if let Some(addresses) = self.known.get(name) {
            return addresses.clone();
        }
        let left = self.deadline.saturating_duration_since(Instant::now()).min(self.timeout);
        let addresses = match HostName::parse(name) {
            Ok(host) if !left.is_zero() => lookup(&*self.net, &host, left).await,
            _ => Vec::new(),
        };
        self.known.insert(name.to_owned(), addresses.clone());
        addresses
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
