//! `endpoints`: every required name of the endpoint list that can be asked.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use http::header::{ACCEPT, HOST, PROXY_AUTHORIZATION, SERVER, USER_AGENT, VIA};
use http::{HeaderMap, HeaderName, Method, Request};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use model::{Attempt, Endpoint, EndpointAnswer, EndpointStatus, Failure, FailureKind, HostName, Operation};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use wire::pac::ProxyScheme;

use crate::check::{Check, Scope, no_wait};
use crate::connect::reach;
use crate::failure::{Stopwatch, within};
use crate::host::Context;
use crate::http_client::{Driver, USER_AGENT as AGENT};
use crate::run::proxy_addresses;
use crate::tap::Tapped;
use crate::tls::{self, Hello};

pub(crate) const CHECK: Check = Check {
    name: "endpoints",
    title: "every required name of the endpoint list that can be asked",
    page: "\
Asks every name that the published endpoint list calls required, by HTTP on port 80 and by HTTPS on port 443, as the list
gives them, whether it answers, and records status, Server and Via. Patterns with a star name no host and are left out.
The request is HEAD for `/` without a sign-in; where that gets no answer, GET is tried once. Any status of the service
counts as an answer, an error too; nothing of a body is read and no certificate is judged, as the tls check does that for
the hosts of the profile.

Shows what a firewall or proxy has not let through, by the rule of Microsoft's own connectivity test: no answer, 407, or
403 with the Server header of a proxy. Through an explicit proxy (--via) HTTP goes to it in absolute form and HTTPS
through CONNECT, as browsers do; a refusal of CONNECT is recorded as a failure with its status.

Cost: one connection for each name and port, about 150 with the worldwide list, 16 names at a time; the octets are those
of one name on one port. A service without an endpoint list has none.",
    round_trips: 4,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 5_000,
    scope: Scope::Run,
    by_default: true,
};

/// Names asked at one time, each on two ports at most.
const NAMES_AT_ONCE: usize = 16;
/// What is left of the run's budget when those that are still waited for are given up, so that the others are told.
const MARGIN: Duration = Duration::from_millis(500);
/// Octets of a response head, and characters kept of a header.
const HEAD_LIMIT: usize = 64 * 1024;
const HEADERS_LIMIT: usize = 200;
const VALUE_CHARACTERS: usize = 256;

pub(crate) async fn run(context: &Arc<Context>, endpoints: &[Endpoint]) -> Attempt<Vec<EndpointAnswer>> {
    if endpoints.is_empty() {
        return Attempt::not_applicable("the service publishes no endpoint list");
    }
    let settings = &context.settings;
    let deadline = Instant::now() + settings.budget.saturating_sub(MARGIN);
    let proxy = match &settings.via {
        None => None,
        Some(proxy) => Some(match proxy.host.parse() {
            Ok(address) => Ok(vec![SocketAddr::new(address, proxy.port)]),
            Err(_) => proxy_addresses(context, &proxy.host, proxy.port).await,
        }),
    };
    let asker = Asker { context, proxy, deadline, silent: AtomicUsize::new(0), heard: AtomicBool::new(false) };
    let asker = &asker;
    // The ports of one name lie beside each other once they are sorted, and share its lookup.
    let mut order: Vec<(usize, Endpoint)> = endpoints.iter().cloned().enumerate().collect();
    order.sort_by(|(_, one), (_, other)| one.host.cmp(&other.host));
    let names: Vec<Vec<(usize, Endpoint)>> =
        order.chunk_by(|(_, one), (_, other)| one.host == other.host).map(<[_]>::to_vec).collect();
    // All at once, so that a name server that swallows questions is waited for once.
    let looked_up = join_all(names.iter().map(|ports| asker.look_up(ports))).await;
    let names = names.into_iter().zip(looked_up);
    let asked =
        stream::iter(names).map(|(ports, addresses)| asker.name(ports, addresses)).buffer_unordered(NAMES_AT_ONCE);
    let mut answers: Vec<(usize, EndpointAnswer)> = asked.flat_map(stream::iter).collect().await;
    answers.sort_by_key(|(place, _)| *place);
    Attempt::Seen(answers.into_iter().map(|(_, answer)| answer).collect())
}

struct Asker<'a> {
    context: &'a Arc<Context>,
    /// The explicit proxy's addresses, where there is one.
    proxy: Option<Result<Vec<SocketAddr>, Failure>>,
    deadline: Instant,
    /// Ports that stayed silent for as long as one waits, and whether any port did anything else.
    silent: AtomicUsize,
    heard: AtomicBool,
}

impl Asker<'_> {
    fn overridden(&self, host: &HostName, port: u16) -> Option<Vec<SocketAddr>> {
        self.context.settings.overridden(host, port)
    }

    fn too_late(&self, watch: Stopwatch) -> Failure {
        let limit = self.context.settings.budget;
        let detail = format!("the time budget of {} s was used up", limit.as_secs());
        watch.failure(Operation::Exchange, FailureKind::Timeout, detail)
    }

    /// The addresses of a name. A proxy looks names up itself, and what `--resolve` gives need not be looked up.
    async fn look_up(&self, ports: &[(usize, Endpoint)]) -> Result<Vec<IpAddr>, Failure> {
        let watch = Stopwatch::start();
        let Some((_, first)) = ports.first() else { return Ok(Vec::new()) };
        let host = &first.host;
        let given = ports.iter().all(|(_, endpoint)| self.overridden(host, endpoint.port).is_some());
        let looked_up = async {
            match self.proxy {
                Some(_) => Ok(Vec::new()),
                None if given => Ok(Vec::new()),
                None => match super::dns::system(self.context, host).await {
                    Attempt::Seen(answer) => Ok(answer.addresses),
                    Attempt::Failed(failure) => Err(failure),
                    Attempt::NotTried(why) | Attempt::NotApplicable(why) => {
                        Err(watch.failure(Operation::Resolve, FailureKind::Local, why))
                    }
                },
            }
        };
        tokio::time::timeout_at(self.deadline, looked_up).await.unwrap_or_else(|_elapsed| Err(self.too_late(watch)))
    }

    /// Whether to go on: where the first names all stay silent, so will the rest, and nobody waits for each of them.
    fn is_hopeless(&self) -> bool {
        !self.heard.load(Ordering::Relaxed) && self.silent.load(Ordering::Relaxed) >= NAMES_AT_ONCE
    }

    fn note(&self, outcome: &Result<EndpointStatus, Failure>) {
        match outcome {
            Err(failure) if failure.kind == FailureKind::Timeout => {
                self.silent.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.heard.store(true, Ordering::Relaxed),
        }
    }

    /// All ports of one name.
    async fn name(
        &self,
        ports: Vec<(usize, Endpoint)>,
        addresses: Result<Vec<IpAddr>, Failure>,
    ) -> Vec<(usize, EndpointAnswer)> {
        let watch = Stopwatch::start();
        let Some(host) = ports.first().map(|(_, endpoint)| endpoint.host.clone()) else { return Vec::new() };
        let (host, addresses) = (&host, &addresses);
        let asked = ports.into_iter().map(|(place, endpoint)| async move {
            let outcome = async {
                let to = match (&self.proxy, self.overridden(host, endpoint.port)) {
                    (Some(proxy), _) => proxy.clone()?,
                    (None, Some(addresses)) => addresses,
                    (None, None) => {
                        addresses.clone()?.into_iter().map(|address| SocketAddr::new(address, endpoint.port)).collect()
                    }
                };
                match tokio::time::timeout_at(self.deadline, Box::pin(self.port(host, endpoint.port, &to))).await {
                    Ok(answered) => answered,
                    Err(_elapsed) => Err(self.too_late(watch)),
                }
            };
            let outcome = if self.is_hopeless() {
                Attempt::not_tried("the names asked before it all stayed silent")
            } else {
                let outcome = outcome.await;
                self.note(&outcome);
                outcome.into()
            };
            let answer = EndpointAnswer {
                host: host.clone(),
                port: endpoint.port,
                set: endpoint.set,
                outcome,
                workload: endpoint.workload,
                category: endpoint.category,
            };
            (place, answer)
        });
        join_all(asked).await
    }

    async fn port(&self, host: &HostName, port: u16, to: &[SocketAddr]) -> Result<EndpointStatus, Failure> {
        match Box::pin(self.ask(Method::HEAD, host, port, to)).await {
            // There are servers that do not know HEAD, and devices that let no method pass but the most common ones.
            Err(failure) if failure.operation == Operation::Request => {
                Box::pin(self.ask(Method::GET, host, port, to)).await.map_err(|_| failure)
            }
            answered => answered,
        }
    }

    async fn ask(
        &self,
        method: Method,
        host: &HostName,
        port: u16,
        to: &[SocketAddr],
    ) -> Result<EndpointStatus, Failure> {
        let settings = &self.context.settings;
        let (timeout, watch) = (settings.timeout, Stopwatch::start());
        let (mut stream, ..) =
            reach(&*self.context.net, timeout, to, None, watch).await.map_err(|not_connected| not_connected.failure)?;
        let request = Request::builder().method(method).header(HOST, host.as_str()).header(USER_AGENT, AGENT);
        let request = request.header(ACCEPT, "*/*");
        if let Some(proxy) = &settings.via {
            // RFC 9112 section 3.2.2: an HTTP proxy is sent the whole URL. Most refuse CONNECT to port 80.
            if port == PLAIN && proxy.scheme() == ProxyScheme::Http {
                let request = request.uri(format!("http://{host}/"));
                let sign_in = proxy.authorization();
                let request = sign_in.into_iter().fold(request, |request, it| request.header(PROXY_AUTHORIZATION, it));
                return answer(stream, request, timeout, watch).await;
            }
            let tunnel = proxy.connect_tunnel(&mut *stream, host.as_str(), port, watch);
            within(timeout, watch, Operation::Proxy, tunnel).await?;
        }
        if port == PLAIN {
            return answer(stream, request.uri("/"), timeout, watch).await;
        }
        // The small hello: it costs half of the octets, and the tls check sends the large one.
        let prepared = tls::prepare(Hello::Classic, &["http/1.1"], true, None)
            .map_err(|error| watch.failure(Operation::Handshake, FailureKind::Local, error.to_string()))?;
        let (stream, hellos) = Tapped::new(stream);
        let handshake = tls::handshake(stream, &hellos, prepared.config, host, watch);
        let (stream, _session) = within(timeout, watch, Operation::Handshake, handshake).await?;
        answer(stream, request.uri("/"), timeout, watch).await
    }
}

/// The port on which HTTP is spoken as it is.
const PLAIN: u16 = 80;

/// Sends the request and reads the head of the answer.
async fn answer<S>(
    stream: S,
    request: http::request::Builder,
    timeout: Duration,
    watch: Stopwatch,
) -> Result<EndpointStatus, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| watch.failure(Operation::Request, FailureKind::Local, error.to_string()))?;
    let exchange = async {
        let (mut send, connection) = hyper::client::conn::http1::Builder::new()
            .max_headers(HEADERS_LIMIT)
            .max_buf_size(HEAD_LIMIT)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| watch.hyper(Operation::Request, &error))?;
        let _driver = Driver::spawn(async move {
            let _ = connection.await;
        });
        send.send_request(request).await.map_err(|error| watch.hyper(Operation::Request, &error))
    };
    let response = within(timeout, watch, Operation::Request, exchange).await?;
    Ok(EndpointStatus {
        status: response.status().as_u16(),
        server: value(response.headers(), &SERVER),
        via: value(response.headers(), &VIA),
        took_ms: watch.elapsed().into(),
    })
}

fn value(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let joined = values.join(", ");
    (!values.is_empty()).then(|| joined.chars().filter(|c| !c.is_control()).take(VALUE_CHARACTERS).collect())
}
