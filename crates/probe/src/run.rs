//! One run: every host of the service side by side, and the reflector where there is one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use model::{
    Attempt, Dns, DnsAnswer, FailureKind, Feature, HostName, HostRecord, Milliseconds, Operation, Options, PathFacts,
    Promises, Record, Reflection, ReflectorRecord, ServiceRef, StreamPromise, Target, Timestamp, Trust as TrustKind,
    WebSocketAnswer, WebSocketPromise,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::checks;
use crate::failure::Stopwatch;
use crate::host::{Context, Host};
use crate::net::Net;
use crate::reflect;
use crate::settings::{ReflectorAddress, Settings};
use crate::tls::Hello;
use crate::trust::Trust;

/// Hosts tested at one time; each has about a dozen sockets open at its peak.
const HOSTS_AT_ONCE: usize = 48;

/// What is tested.
#[derive(Clone, Debug)]
pub struct Targets {
    pub service: ServiceRef,
    pub features: BTreeMap<String, Feature>,
    pub hosts: Vec<Target>,
}

/// What a person is shown while it goes on.
#[derive(Clone, Debug)]
pub enum Event {
    /// A host is done, out of so many.
    Finished { host: HostName, of: usize },
}

/// A task of ours did not come to its end. The record would lack a host and look complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a check ended unexpectedly: {0}")]
pub struct OurFailure(String);

/// Runs the checks and gives the record. `started` is the machine's own time, right or wrong.
pub async fn run(
    targets: Targets,
    settings: Settings,
    trust: Arc<Trust>,
    net: Arc<dyn Net>,
    started: Timestamp,
    events: Option<mpsc::UnboundedSender<Event>>,
) -> Result<Record, OurFailure> {
    let watch = Stopwatch::start();
    let budget = settings.budget + settings.life.unwrap_or_default();
    let deadline = Instant::now() + budget;
    let context = Arc::new(Context { net, settings, trust, started, watch });
    let slots = Arc::new(Semaphore::new(HOSTS_AT_ONCE));
    let of = targets.hosts.len() + usize::from(context.settings.reflector.is_some());

    let mut running = JoinSet::new();
    for (place, target) in targets.hosts.into_iter().enumerate() {
        let (context, slots, events) = (context.clone(), slots.clone(), events.clone());
        running.spawn(async move {
            let _slot = slots.acquire_owned().await;
            let name = target.host.clone();
            let record = host(&context, target, None, deadline).await;
            if let Some(events) = events {
                let _ = events.send(Event::Finished { host: name, of });
            }
            (place, record)
        });
    }
    let reflector = context.settings.reflector.clone().map(|address| {
        let (context, events) = (context.clone(), events.clone());
        tokio::spawn(async move {
            let name = address.host.clone();
            let target = reflector_target(&address);
            let record = host(&context, target, Some(&address), deadline).await;
            if let Some(events) = events {
                let _ = events.send(Event::Finished { host: name, of });
            }
            (address, record)
        })
    });

    let mut finished = Vec::new();
    while let Some(joined) = running.join_next().await {
        finished.push(joined.map_err(|error| OurFailure(error.to_string()))?);
    }
    finished.sort_by_key(|(place, _)| *place);
    let mut certificates = BTreeMap::new();
    let mut hosts = Vec::new();
    for (_, tested) in finished {
        certificates.extend(tested.certificates);
        hosts.push(tested.record);
    }
    let reflector = match reflector {
        None => Attempt::not_tried("no reflector"),
        Some(task) => match task.await {
            Ok((address, tested)) => {
                certificates.extend(tested.certificates);
                let [hybrid, classic, tls12, quic] = tested.reflections;
                Attempt::Seen(ReflectorRecord { host: tested.record, key: address.key, hybrid, classic, tls12, quic })
            }
            Err(error) => return Err(OurFailure(error.to_string())),
        },
    };
    let settings = &context.settings;
    Ok(Record {
        v: Record::VERSION,
        started,
        took_ms: watch.elapsed().into(),
        tool: settings.tool.clone(),
        service: targets.service,
        options: Options {
            checks: settings.checks.iter().map(|check| (*check).to_owned()).collect(),
            timeout_ms: settings.timeout.into(),
            budget_ms: settings.budget.into(),
            life_ms: settings.life.map(Milliseconds::from),
        },
        path: PathFacts {
            via: settings.via.as_ref().map(ToString::to_string),
            resolve: settings.resolve.iter().map(ToString::to_string).collect(),
            name_servers: context.net.name_servers(),
            environment_proxies: settings.environment_proxies.clone(),
        },
        trust: context.trust.facts(),
        features: targets.features,
        hosts,
        reflector,
        certificates,
    })
}

struct Tested {
    record: HostRecord,
    reflections: [Attempt<Reflection>; 4],
    certificates: BTreeMap<String, model::Base64Bytes>,
}

/// Resolves a host, then runs its checks side by side until the deadline.
async fn host(
    context: &Arc<Context>,
    target: Target,
    reflector: Option<&ReflectorAddress>,
    deadline: Instant,
) -> Tested {
    let settings = &context.settings;
    let overridden = settings.overridden(&target.host, target.port);
    let proxy = async {
        match &settings.via {
            Some(proxy) => Some(match proxy.host.parse() {
                Ok(address) => Ok(vec![SocketAddr::new(address, proxy.port)]),
                Err(_) => proxy_addresses(context, &proxy.host, proxy.port).await,
            }),
            None => None,
        }
    };
    // Asked at once, so that a silent resolver is waited for once; the other checks need the system's answer alone.
    let direct = {
        let (context, name) = (context.clone(), target.host.clone());
        tokio::spawn(async move { checks::dns::direct(&context, &name).await })
    };
    let system = async {
        match tokio::time::timeout_at(deadline, checks::dns::system(context, &target.host)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Attempt::not_tried("the time budget was used up"),
        }
    };
    let (system, proxy) = tokio::join!(system, proxy);
    let own_addresses: Vec<SocketAddr> = match (&overridden, &system) {
        (Some(addresses), _) => addresses.clone(),
        (None, Attempt::Seen(answer)) => {
            answer.addresses.iter().map(|address| SocketAddr::new(*address, target.port)).collect()
        }
        _ => Vec::new(),
    };
    let (addresses, obstacle) = match proxy {
        Some(Ok(addresses)) => (addresses, None),
        Some(Err(failure)) => (Vec::new(), Some(failure)),
        None => (own_addresses.clone(), system.failure().cloned().filter(|_| overridden.is_none())),
    };
    let host = Host::new(context.clone(), target, addresses, own_addresses);
    let overridden = overridden.is_some();

    let guard = Guard { settings, obstacle, deadline, watch: Stopwatch::start() };
    let no_reflection = || Attempt::not_applicable("this is not the reflector");
    let (dns, tcp, tls, http, quic, websocket, stream, reflections) = tokio::join!(
        guard.unobstructed("dns", Box::pin(dns(system, direct, overridden))),
        guard.check("tcp", Box::pin(checks::tcp::run(&host))),
        async {
            let tls = guard.check("tls", Box::pin(checks::tls::run(&host))).await;
            host.hold_chains();
            tls
        },
        guard.check("http", Box::pin(checks::http::run(&host))),
        guard.check("quic", Box::pin(checks::quic::run(&host))),
        guard.check("websocket", Box::pin(checks::websocket::run(&host))),
        guard.check("stream", Box::pin(checks::stream::run(&host))),
        async {
            let Some(ReflectorAddress { key, .. }) = reflector else {
                return [no_reflection(), no_reflection(), no_reflection(), no_reflection()];
            };
            let (hybrid, classic, tls12, quic) = tokio::join!(
                guard.reflection(Box::pin(reflect::ask(&host, "hybrid", Hello::Hybrid, key))),
                guard.reflection(Box::pin(reflect::ask(&host, "classic", Hello::Classic, key))),
                guard.reflection(Box::pin(reflect::ask(&host, "tls-1.2", Hello::Tls12, key))),
                guard.reflection(Box::pin(checks::quic::ask_reflector(&host, key))),
            );
            [hybrid, classic, tls12, quic]
        },
    );
    let tcp = add_connect_times(tcp, &host);
    let (connections, chains, certificates) = host.close();
    let record = HostRecord { target: host.target, dns, tcp, tls, http, quic, websocket, stream, connections, chains };
    Tested { record, reflections, certificates }
}

async fn proxy_addresses(context: &Context, name: &str, port: u16) -> Result<Vec<SocketAddr>, model::Failure> {
    let watch = Stopwatch::start();
    let unknown = |what: String| watch.failure(Operation::Resolve, FailureKind::ResolverError, what);
    let name = HostName::parse(name).map_err(|error| unknown(error.to_string()))?;
    match checks::dns::system(context, &name).await {
        Attempt::Seen(answer) => Ok(answer.addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()),
        Attempt::Failed(mut failure) => {
            failure.detail = format!("the proxy's name {name}: {}", failure.detail);
            Err(failure)
        }
        Attempt::NotTried(why) | Attempt::NotApplicable(why) => Err(unknown(why)),
    }
}

/// What the `dns` check records.
async fn dns(system: Attempt<DnsAnswer>, direct: JoinHandle<Attempt<DnsAnswer>>, overridden: bool) -> Attempt<Dns> {
    let direct = direct.await.unwrap_or_else(|error| Attempt::not_tried(format!("our own failure: {error}")));
    Attempt::Seen(Dns { system, direct, overridden })
}

/// The `tcp` check's sample, with the connections of the other checks: to the same end, so of the same length.
fn add_connect_times(tcp: Attempt<model::Tcp>, host: &Host) -> Attempt<model::Tcp> {
    match tcp {
        Attempt::Seen(mut tcp) => {
            tcp.connect_ms.extend(host.connect_times(tcp.address));
            Attempt::Seen(tcp)
        }
        other => other,
    }
}

/// What may keep a check from running. Checks come boxed: unboxed they would be copied from stack to stack, and together
/// they are large.
struct Guard<'a> {
    settings: &'a Settings,
    /// There is nowhere to connect to, and why.
    obstacle: Option<model::Failure>,
    deadline: Instant,
    watch: Stopwatch,
}

impl Guard<'_> {
    async fn check<T>(&self, name: &str, check: Pin<Box<impl Future<Output = Attempt<T>>>>) -> Attempt<T> {
        match &self.obstacle {
            Some(failure) if self.settings.runs(name) => Attempt::Failed(failure.clone()),
            _ => self.unobstructed(name, check).await,
        }
    }

    async fn unobstructed<T>(&self, name: &str, check: Pin<Box<impl Future<Output = Attempt<T>>>>) -> Attempt<T> {
        if !self.settings.runs(name) {
            return Attempt::not_tried("not among the checks that were asked for");
        }
        // A check waits for the network at every step, each with its own limit; this one ends those that add up.
        match tokio::time::timeout_at(self.deadline, check).await {
            Ok(attempt) => attempt,
            Err(_elapsed) => {
                let detail = format!("the time budget of {} was used up", Milliseconds::from(self.settings.budget));
                Attempt::Failed(self.watch.failure(Operation::Exchange, FailureKind::Timeout, detail))
            }
        }
    }

    async fn reflection(&self, question: Pin<Box<impl Future<Output = Attempt<Reflection>>>>) -> Attempt<Reflection> {
        let name =
            [checks::exporter::CHECK.name, checks::hello::CHECK.name].into_iter().find(|name| self.settings.runs(name));
        self.check(name.unwrap_or(checks::exporter::CHECK.name), question).await
    }
}

/// The reflector as a host: it promises everything that the checks can ask.
fn reflector_target(address: &ReflectorAddress) -> Target {
    Target {
        host: address.host.clone(),
        port: address.port,
        workload: "Reflector".to_owned(),
        features: Vec::new(),
        path: "/".to_owned(),
        promises: Promises {
            trust: TrustKind::Given,
            issuers: Vec::new(),
            certificate_transparency: false,
            http3: true,
            alt_svc: true,
            tls13: true,
            http2: true,
            hybrid_key_exchange: true,
            websocket: Some(WebSocketPromise {
                path: "/v1/websocket".to_owned(),
                answer: WebSocketAnswer::Echo,
                http2: true,
            }),
            stream: Some(StreamPromise {
                path: "/v1/stream?events=5&gap_ms=200".to_owned(),
                events: 5,
                gap_ms: Milliseconds(200.0),
            }),
            download: Some("/v1/bytes?length=262144".to_owned()),
            own_headers: Vec::new(),
            addresses: Vec::new(),
        },
    }
}
