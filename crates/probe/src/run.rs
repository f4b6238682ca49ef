//! One run: every host of the service side by side, and the reflector where there is one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use model::{
    Attempt, Dns, DnsAnswer, Endpoint, FailureKind, Feature, HexBytes, HostName, HostRecord, Milliseconds, Operation,
    Options, PathFacts, Record, Reflection, ReflectorRecord, Resolvers, ServiceRef, Target, Timestamp,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::failure::Stopwatch;
use crate::guard::{Guard, RunGuard};
use crate::host::{Context, Host};
use crate::net::Net;
use crate::settings::{ReflectorAddress, Settings, Subject};
use crate::tls::Hello;
use crate::trust::Trust;
use crate::{checks, far_end, reflect};

/// Hosts tested at one time; each has about a dozen sockets open at its peak.
const HOSTS_AT_ONCE: usize = 48;
/// Connections being opened at one time for each processor. One costs a processor about half a millisecond and the network
/// two round trips, so that this many keep it half busy across 40 ms.
const OPENINGS_PER_PROCESSOR: usize = 48;

/// What is tested.
#[derive(Clone, Debug)]
pub struct Targets {
    pub service: ServiceRef,
    pub features: BTreeMap<String, Feature>,
    pub hosts: Vec<Target>,
    /// Workload and prefix, for each prefix that should leave by the shortest way.
    pub prefixes: Vec<(String, IpNet)>,
    /// Every name of the endpoint list that can be asked.
    pub endpoints: Vec<Endpoint>,
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
pub struct OurFailure(pub(crate) String);

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
    let extra = settings.life.unwrap_or_default() + settings.call.unwrap_or_default();
    let downloads = if settings.checks.contains(&checks::download::CHECK.name) { DOWNLOADS } else { Duration::ZERO };
    let budget = settings.budget + extra + downloads;
    let deadline = Instant::now() + budget;
    let routes = checks::route::Turns::new(&targets.hosts);
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let openings = Semaphore::new(OPENINGS_PER_PROCESSOR * processors);
    let context = Arc::new(Context { net, settings, trust, started, watch, routes, openings });
    let slots = Arc::new(Semaphore::new(HOSTS_AT_ONCE));
    let mut targets = targets;
    let mut far_end = context.settings.reflector.clone();
    // What the settings decide is asked for every host, whichever have their turn.
    let of_settings = targets.hosts.clone();
    if let Some(turn) = &context.settings.turn {
        targets.hosts.retain(|target| turn.takes_any_of(&target.host, target.port));
        far_end = far_end.filter(|_| turn.takes_any_of_reflector());
    }
    let of = targets.hosts.len() + usize::from(far_end.is_some());

    // First: nothing else has so many steps.
    let reflector = far_end.map(|address| {
        let (context, events) = (context.clone(), events.clone());
        tokio::spawn(async move {
            let name = address.host.clone();
            let target = far_end::target(&address);
            let record = host(&context, target, Some(&address), deadline).await;
            if let Some(events) = events {
                let _ = events.send(Event::Finished { host: name, of });
            }
            (address, record)
        })
    });
    let guard = RunGuard { context: context.clone(), deadline };
    let proxy = guard.start("proxy", {
        let context = context.clone();
        async move { checks::proxy::run(&context, &of_settings).await }
    });
    let vpn = guard.start("vpn", {
        let (context, prefixes) = (context.clone(), targets.prefixes);
        async move { checks::vpn::run(&context, &prefixes).await }
    });
    let endpoints = guard.start("endpoints", {
        let (context, endpoints) = (context.clone(), targets.endpoints);
        async move { checks::endpoints::run(&context, &endpoints).await }
    });

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
    let (proxy, vpn, endpoints) = tokio::join!(proxy, vpn, endpoints);
    let (proxy, vpn, endpoints) = (proxy?, vpn?, endpoints?);

    let mut finished = Vec::new();
    while let Some(joined) = running.join_next().await {
        finished.push(joined.map_err(|error| OurFailure(error.to_string()))?);
    }
    finished.sort_by_key(|(place, _)| *place);
    let mut tested: Vec<Tested> = finished.into_iter().map(|(_, tested)| tested).collect();
    let mut far_end = match reflector {
        None => None,
        Some(task) => Some(task.await.map_err(|error| OurFailure(error.to_string()))?),
    };
    // What would disturb the others, and be disturbed by them, comes one after the other when the line is quiet.
    if let Some((address, tested)) = &mut far_end {
        alone(tested, Some(&address.key), deadline).await;
    }
    for tested in &mut tested {
        alone(tested, None, deadline).await;
    }

    let mut certificates = BTreeMap::new();
    let mut hosts = Vec::new();
    for tested in tested {
        let (record, seen) = tested.close();
        certificates.extend(seen);
        hosts.push(record);
    }
    let none = if context.settings.reflector.is_some() { "it is not its turn" } else { "no reflector" };
    let (mut egress, mut resolver) = (Attempt::not_tried(none), Attempt::not_tried(none));
    let reflector = match far_end {
        None => Attempt::not_tried(none),
        Some((address, mut tested)) => {
            let none = Attempt::not_applicable("this is not the reflector");
            resolver = std::mem::replace(&mut tested.resolver, none);
            egress = if context.settings.runs(checks::egress::CHECK.name, Subject::Reflector) {
                {
                    let all = hosts.iter().chain([&tested.record]);
                    let media = all.filter_map(|host: &HostRecord| Some((&host.target.host, host.media.seen()?)));
                    checks::egress::run(&tested.reflections, media)
                }
            } else {
                Attempt::not_tried(context.settings.not_run(checks::egress::CHECK.name))
            };
            let [hybrid, classic, tls12, quic] = tested.reflections.clone();
            let (host, seen) = tested.close();
            certificates.extend(seen);
            Attempt::Seen(ReflectorRecord { host, key: address.key, hybrid, classic, tls12, quic })
        }
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
            turns: settings.turn.as_ref().map(|turn| turn.turns),
            interface: settings.interface.clone(),
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
        proxy,
        vpn,
        egress,
        resolver,
        endpoints,
        geo: Attempt::not_tried("no geographic database was given"),
        certificates,
    })
}

/// Added to the budget where downloads are asked for: 15 MB over a line of 1 MB/s, twice.
const DOWNLOADS: Duration = Duration::from_secs(30);

const NOT_ASKED: &str = "not among the checks that were asked for";

/// A host whose checks are done, but for those that want the line for themselves.
struct Tested {
    host: Host,
    /// All but its connections and chains, which the ledger of `host` still has.
    record: HostRecord,
    resolver: Attempt<Resolvers>,
    reflections: [Attempt<Reflection>; 4],
}

impl Tested {
    fn close(self) -> (HostRecord, BTreeMap<String, model::Base64Bytes>) {
        let (connections, chains, certificates) = self.host.close();
        (HostRecord { connections, chains, ..self.record }, certificates)
    }
}

/// The checks that want the line for themselves.
async fn alone(tested: &mut Tested, key: Option<&HexBytes>, deadline: Instant) {
    let settings = &tested.host.context.settings;
    let subject = if key.is_some() { Subject::Reflector } else { Subject::Host(&tested.host.target) };
    let guard = Guard { settings, subject, obstacle: None, deadline, watch: Stopwatch::start() };
    if let (Some(key), Some(duration), Attempt::Seen(media)) = (key, settings.call, &mut tested.record.media) {
        let call = Box::pin(checks::media::call(&tested.host, key, duration));
        media.call = guard.check(checks::media::CHECK.name, call).await;
    }
    // Nobody waits for megabytes from a host that no handshake came through to. Where none was tried, this is the first.
    let handshakes = tested.host.of_connections(|connection| Some(connection.tls.seen().is_some()));
    if handshakes.is_empty() || handshakes.contains(&true) {
        let download = Box::pin(checks::download::run(&tested.host, key.is_some()));
        tested.record.download = guard.check(checks::download::CHECK.name, download).await;
    } else if guard.runs(checks::download::CHECK.name) {
        tested.record.download = Attempt::not_tried("no TLS connection to this host came about");
    }
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
    let subject = if reflector.is_some() { Subject::Reflector } else { Subject::Host(&target) };
    let is_asked_for = settings.runs_any(subject);
    // Asked at once, so that a silent resolver is waited for once; the other checks need the system's answer alone.
    let direct = {
        let (context, name) = (context.clone(), target.host.clone());
        tokio::spawn(async move {
            if !is_asked_for {
                return Attempt::not_tried(NOT_ASKED);
            }
            checks::dns::direct(&context, &name).await
        })
    };
    let system = async {
        // Nobody waits for a resolver where no check of this host wants its answer.
        if !is_asked_for {
            return Attempt::not_tried(NOT_ASKED);
        }
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

    let subject = if reflector.is_some() { Subject::Reflector } else { Subject::Host(&host.target) };
    let guard = Guard { settings, subject, obstacle, deadline, watch: Stopwatch::start() };
    let no_reflection = || Attempt::not_applicable("this is not the reflector");
    let key = reflector.map(|reflector| &reflector.key);
    let (dns, tcp, tls, (http, casb), quic, websocket, stream, media, route, reflections, far_end) = tokio::join!(
        guard.unobstructed("dns", Box::pin(dns(system, direct, overridden))),
        guard.check("tcp", Box::pin(checks::tcp::run(&host))),
        async {
            let tls = guard.check("tls", Box::pin(checks::tls::run(&host))).await;
            host.hold_chains();
            tls
        },
        async {
            let http = guard.check("http", Box::pin(checks::http::run(&host))).await;
            let casb = guard.check("casb", Box::pin(checks::casb::run(&host, &http, key.is_some()))).await;
            (http, casb)
        },
        guard.check("quic", Box::pin(checks::quic::run(&host))),
        guard.check("websocket", Box::pin(checks::websocket::run(&host))),
        guard.check("stream", Box::pin(checks::stream::run(&host))),
        guard.unobstructed("media", Box::pin(checks::media::run(&host, key))),
        guard.unobstructed("route", Box::pin(checks::route::run(&host, reflector.is_some()))),
        async {
            let Some(key) = key else {
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
        async {
            let elsewhere = "this is not the reflector";
            let Some(key) = key else {
                let none = (Attempt::not_applicable(elsewhere), Attempt::not_applicable(elsewhere));
                return (none.0, none.1, Attempt::not_applicable(elsewhere));
            };
            tokio::join!(
                guard.check("fidelity", Box::pin(checks::fidelity::run(&host, key))),
                guard.check("content", Box::pin(checks::content::run(&host, key))),
                guard.check("resolver", Box::pin(checks::resolver::run(&host, key))),
            )
        },
    );
    let (fidelity, content, resolver) = far_end;
    let tcp = add_connect_times(tcp, &host);
    let destination = guard.check("destination", Box::pin(checks::destination::run(&host, &http))).await;
    let record = HostRecord {
        target: host.target.clone(),
        dns,
        tcp,
        tls,
        http,
        quic,
        websocket,
        stream,
        destination,
        casb,
        fidelity,
        content,
        media,
        download: Attempt::not_tried(NOT_ASKED),
        route,
        connections: Vec::new(),
        chains: Vec::new(),
    };
    Tested { host, record, resolver, reflections }
}

pub(crate) async fn proxy_addresses(
    context: &Context,
    name: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, model::Failure> {
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
