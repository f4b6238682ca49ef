//! `quic`: how far QUIC gets, layer by layer.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Buf;
use futures_util::future::select_ok;
use http::Request;
use model::{
    Attempt, Connection, Failure, FailureKind, HexBytes, Http3, HttpExchange, Operation, Quic, Reflection, TlsSession,
    Transport, VersionNegotiation,
};
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Runtime, TokioRuntime, TransportConfig, UdpPoller};
use rustls::pki_types::CertificateDer;
use tokio::sync::oneshot;
use wire::quic::recorder::{self, HandshakeRecord};
use wire::quic::version_negotiation;

use crate::check::{Check, no_wait};
use crate::connect::ATTEMPT_DELAY;
use crate::failure::{Stopwatch, describe, within};
use crate::host::Host;
use crate::http_client::{BODY_LIMIT, BodyReader, Driver, USER_AGENT, authority, date, headers};
use crate::reflect::{self, Question};
use crate::tls::{self, EXPORTER_LABEL, EXPORTER_LENGTH, Hello, Prepared};

pub(crate) const CHECK: Check = Check {
    name: "quic",
    title: "UDP 443 by layers: version negotiation, handshake, HTTP/3, a longer transfer",
    page: "\
Sends a datagram of a QUIC version that nobody speaks, which every QUIC server answers with the versions that it does speak
(RFC 9000 section 6.1), and beside it makes a real handshake, one HTTP/3 request and one longer transfer. What is recorded
tells the layers apart: UDP 443 swallowed, rejected by ICMP, version negotiation only, datagrams but no handshake, a
handshake and then silence, a handshake but no HTTP/3, all well.

Times stand beside those of the `http` check, so that the cost of a forced fallback to TCP shows in ms. An explicit proxy
carries no UDP: through one, the check is not applicable.",
    round_trips: 7,
    waits: no_wait,
    needs_reflector: false,
};

const HEAD_LIMIT: u64 = 64 * 1024;
/// Octets of an answer that are kept as they are.
const ANSWER_LIMIT: usize = 512 * 1024;
/// Octets of all datagrams of one connection. The HTTP/3 library holds a frame until it is whole, however long it says
/// that it is.
const CONNECTION_LIMIT: u64 = 4 * 1024 * 1024;
/// Enough packets to meet devices that let a first handful pass.
const SUSTAINED: u64 = 64 * 1024;
/// Without a long path, this many plain requests one after another take its place.
const SUSTAINED_REQUESTS: u32 = 3;

pub(crate) async fn run(host: &Host) -> Attempt<Quic> {
    let addresses = match addresses(host) {
        Ok(addresses) => addresses,
        Err(attempt) => return attempt,
    };
    if !host.target.promises.http3 {
        return Attempt::not_applicable("the profile does not promise HTTP/3 for this host");
    }
    // As over TCP: the other family begins a little later, and the first handshake that ends is the one that counts.
    let attempts = addresses.into_iter().zip([Duration::ZERO, ATTEMPT_DELAY]).map(|(address, delay)| {
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            layers(host, address).await
        })
    });
    match select_ok(attempts).await {
        Ok((quic, _others)) => Attempt::Seen(quic),
        Err(quic) => Attempt::Seen(*quic),
    }
}

/// Every layer at one address; an error where the handshake did not come to its end.
async fn layers(host: &Host, address: SocketAddr) -> Result<Quic, Box<Quic>> {
    // Where the network says that there is no way, the handshake need not wait out its time.
    let (tell, refused) = oneshot::channel();
    let (version_negotiation, (handshake, http3)) = tokio::join!(
        async {
            let watch = Stopwatch::start();
            let negotiated = negotiate_version(host, address).await;
            if let Some(failure) = negotiated.failure().filter(|failure| is_refusal(failure)) {
                tokio::time::sleep(REFUSAL_GRACE.max(watch.elapsed() * 3)).await;
                let _ = tell.send(failure.clone());
            }
            negotiated
        },
        async {
            let handshake = shake_hands(host, address, CHECK.name, "http/3", Some(refused)).await;
            let http3 = match &handshake.result {
                Ok(connection) => http3(host, connection, &handshake).await.into(),
                Err(failure) => Attempt::Failed(failure.clone()),
            };
            (handshake, http3)
        }
    );
    let quic = Quic {
        version_negotiation,
        connection: Some(handshake.connection),
        handshake_datagrams_received: handshake.datagrams_received,
        http3,
    };
    if handshake.result.is_ok() { Ok(quic) } else { Err(Box::new(quic)) }
}

/// A refusal may be meant for the unknown version alone: so long a handshake may still answer, or three round trips.
const REFUSAL_GRACE: Duration = Duration::from_millis(250);

fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Refused | FailureKind::Unreachable)
}

/// Where QUIC goes, the first address of each family, or why it goes nowhere.
fn addresses<T>(host: &Host) -> Result<Vec<SocketAddr>, Attempt<T>> {
    if host.settings().via.is_some() {
        return Err(Attempt::not_applicable("an explicit proxy carries no UDP"));
    }
    let Some(first) = host.own_addresses.first() else {
        return Err(Attempt::not_tried("there is no address to connect to"));
    };
    let other = host.own_addresses.iter().find(|address| address.is_ipv4() != first.is_ipv4());
    Ok(std::iter::once(first).chain(other).copied().collect())
}

async fn negotiate_version(host: &Host, address: SocketAddr) -> Attempt<VersionNegotiation> {
    let timeout = host.settings().timeout;
    let watch = Stopwatch::start();
    let io = |error: io::Error| {
        let mut failure = watch.io(Operation::Connect, &error);
        // On a connected UDP socket a refusal is the ICMP port unreachable of somebody on the way.
        if failure.kind == FailureKind::Reset {
            failure.kind = FailureKind::Refused;
        }
        failure
    };
    let negotiation = async {
        let mut ids = [0u8; 16];
        SystemRandom::new()
            .fill(&mut ids)
            .map_err(|_| watch.failure(Operation::Connect, FailureKind::Local, "the system gives no random octets"))?;
        let (destination_id, source_id) = ids.split_at(8);
        let socket = tokio::net::UdpSocket::from_std(host.context.net.udp(address).map_err(io)?).map_err(io)?;
        socket.connect(address).await.map_err(io)?;
        let datagram = version_negotiation::probe(destination_id, source_id);
        let mut buffer = vec![0u8; 2048];
        // A datagram may be lost by chance: three times, at a growing distance.
        for patience in [1, 2, 5].map(|part| timeout.mul_f64(f64::from(part) / 8.0)) {
            socket.send(&datagram).await.map_err(io)?;
            let answer = async {
                loop {
                    let octets = socket.recv(&mut buffer).await?;
                    let datagram = buffer.get(..octets).unwrap_or_default();
                    if let Some(versions) = version_negotiation::parse(datagram, destination_id, source_id) {
                        return Ok(versions);
                    }
                }
            };
            match tokio::time::timeout(patience, answer).await {
                Ok(Ok(mut versions)) => {
                    versions.truncate(64);
                    return Ok(VersionNegotiation { time_ms: watch.elapsed().into(), versions });
                }
                Ok(Err(error)) => return Err(io(error)),
                Err(_elapsed) => {}
            }
        }
        Err(watch.timed_out(Operation::Connect, timeout))
    };
    negotiation.await.into()
}

/// A QUIC handshake in the ledger.
struct Handshake {
    result: Result<quinn::Connection, Failure>,
    started: Stopwatch,
    connection: usize,
    client_hello: Option<Vec<u8>>,
    datagrams_received: u32,
    /// Keeps the socket and its driver.
    _endpoint: Option<Endpoint>,
}

async fn shake_hands(
    host: &Host,
    address: SocketAddr,
    check: &'static str,
    purpose: &'static str,
    refused: Option<oneshot::Receiver<Failure>>,
) -> Handshake {
    let timeout = host.settings().timeout;
    let started = Stopwatch::start();
    let received = Arc::new(AtomicU32::new(0));
    let mut entry = Connection {
        check: check.to_owned(),
        purpose: purpose.to_owned(),
        transport: Transport::Quic,
        address,
        sni: Some(host.target.host.clone()),
        via_proxy: false,
        connect_ms: None,
        proxy_ms: None,
        tls: Attempt::not_tried("the handshake was not begun"),
        chain: None,
        client_hello: None,
    };
    let mut presented = tls::PresentedChain::default();
    let connecting = async {
        let local = |what: String| started.failure(Operation::Handshake, FailureKind::Local, what);
        let Prepared { config, chain } =
            tls::prepare(Hello::Hybrid, &["h3"], true, None).map_err(|error| local(error.to_string()))?;
        presented = chain;
        let mut config =
            quinn::ClientConfig::new(recorder::client(Arc::new(config)).map_err(|error| local(error.to_string()))?);
        let mut transport = TransportConfig::default();
        transport.max_idle_timeout(timeout.checked_mul(2).and_then(|limit| limit.try_into().ok()));
        config.transport_config(Arc::new(transport));
        let socket = host.context.net.udp(address).map_err(|error| started.io(Operation::Connect, &error))?;
        let runtime: Arc<dyn Runtime> = Arc::new(TokioRuntime);
        let socket = runtime.wrap_udp_socket(socket).map_err(|error| started.io(Operation::Connect, &error))?;
        let socket = Arc::new(Counting { socket, received: received.clone(), octets: AtomicU64::new(0) });
        let endpoint = Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, socket, runtime)
            .map_err(|error| started.io(Operation::Connect, &error))?;
        let connecting = endpoint
            .connect_with(config, address, host.target.host.as_str())
            .map_err(|error| local(error.to_string()))?;
        let refusal = async {
            match refused {
                // The sender goes where the handshake is left to itself.
                Some(refused) => match refused.await {
                    Ok(failure) => failure,
                    Err(_) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        let connection = tokio::select! {
            connected = connecting => connected.map_err(|error| connection_failure(started, &error))?,
            refusal = refusal => {
                return Err(started.failure(Operation::Handshake, refusal.kind, refusal.detail));
            }
        };
        Ok((endpoint, connection))
    };
    let result = within(timeout, started, Operation::Handshake, connecting).await;
    let datagrams_received = received.load(Ordering::Relaxed);
    entry.chain = presented.certificates().and_then(|certificates| host.note_chain(certificates));
    match result {
        Ok((endpoint, connection)) => {
            let record = connection.handshake_data().and_then(|data| data.downcast::<HandshakeRecord>().ok());
            let client_hello = record.as_ref().map(|record| record.client_hello.clone());
            entry.client_hello = client_hello.clone().map(HexBytes);
            entry.tls = Attempt::Seen(session(&connection, record.as_deref(), started));
            let chain =
                connection.peer_identity().and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
            entry.chain = entry.chain.or_else(|| host.note_chain(chain?.iter().map(|der| der.to_vec()).collect()));
            Handshake {
                result: Ok(connection),
                started,
                connection: host.note(entry),
                client_hello,
                datagrams_received,
                _endpoint: Some(endpoint),
            }
        }
        Err(failure) => {
            entry.tls = Attempt::Failed(failure.clone());
            let connection = host.note(entry);
            Handshake {
                result: Err(failure),
                started,
                connection,
                client_hello: None,
                datagrams_received,
                _endpoint: None,
            }
        }
    }
}

fn session(connection: &quinn::Connection, record: Option<&HandshakeRecord>, started: Stopwatch) -> TlsSession {
    let server_hello = record
        .and_then(|record| record.server_hello.as_deref())
        .and_then(|message| wire::tls::ServerHello::parse(message).ok());
    let mut exporter = [0u8; EXPORTER_LENGTH];
    let exporter = connection.export_keying_material(&mut exporter, EXPORTER_LABEL, &[]).ok().map(|()| exporter);
    TlsSession {
        // QUIC is TLS 1.3 or newer (RFC 9001 section 4.2).
        version: server_hello.as_ref().map_or(0x0304, |hello| hello.version()),
        cipher_suite: server_hello.as_ref().map_or(0, |hello| hello.cipher_suite),
        group: server_hello.as_ref().and_then(|hello| hello.group()),
        alpn: record.and_then(|record| record.alpn.as_ref()).map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
        resumed: false,
        extended_master_secret: true,
        handshake_ms: started.elapsed().into(),
        exporter: exporter.map(|octets| HexBytes(octets.to_vec())),
    }
}

fn connection_failure(watch: Stopwatch, error: &quinn::ConnectionError) -> Failure {
    use quinn::ConnectionError as E;
    let kind = match error {
        E::TimedOut => FailureKind::Timeout,
        E::Reset => FailureKind::Reset,
        // 0x0100 to 0x01ff carry a TLS alert (RFC 9001 section 4.8).
        E::ConnectionClosed(close) => match u64::from(close.error_code) {
            code @ 0x0100..=0x01ff => FailureKind::Alert(u8::try_from(code & 0xff).unwrap_or_default()),
            _ => FailureKind::Closed,
        },
        E::ApplicationClosed(_) => FailureKind::Closed,
        E::LocallyClosed | E::CidsExhausted => FailureKind::Local,
        E::VersionMismatch | E::TransportError(_) => FailureKind::Protocol,
    };
    watch.failure(Operation::Handshake, kind, describe(error))
}

type Http3Send = h3::client::SendRequest<h3_quinn::OpenStreams, bytes::Bytes>;

async fn open_http3(connection: &quinn::Connection, watch: Stopwatch) -> Result<(Http3Send, Driver), Failure> {
    let connection = h3_quinn::Connection::new(connection.clone());
    let (mut driver, send) = h3::client::builder()
        .max_field_section_size(HEAD_LIMIT)
        .build(connection)
        .await
        .map_err(|error| watch.failure(Operation::Request, FailureKind::Protocol, describe(&error)))?;
    let driver = Driver::spawn(async move {
        let _ = poll_fn(|cx| driver.poll_close(cx)).await;
    });
    Ok((send, driver))
}

async fn http3(host: &Host, connection: &quinn::Connection, handshake: &Handshake) -> Result<Http3, Failure> {
    let timeout = host.settings().timeout;
    let watch = Stopwatch::start();
    let (mut send, _driver) = within(timeout, watch, Operation::Request, open_http3(connection, watch)).await?;
    let path = host.target.path.as_str();
    let (exchange, read) = get(host, &mut send, path, "*/*", handshake.connection, BODY_LIMIT).await?;
    let total = handshake.started.elapsed().saturating_sub(read.after_head);
    let sustained = sustained(host, &mut send, handshake.connection).await;
    Ok(Http3 { exchange, total_first_byte_ms: total.into(), sustained })
}

/// A longer transfer: a path that the profile names, or a few plain requests one after another.
async fn sustained(host: &Host, send: &mut Http3Send, connection: usize) -> Attempt<u64> {
    let download = host.target.promises.download.as_deref();
    let mut octets = 0u64;
    for _ in 0..if download.is_some() { 1 } else { SUSTAINED_REQUESTS } {
        let path = download.unwrap_or(&host.target.path);
        let (exchange, read) = match get(host, send, path, "*/*", connection, SUSTAINED).await {
            Ok(got) => got,
            Err(failure) => return Attempt::Failed(failure),
        };
        octets = octets.saturating_add(read.octets);
        match exchange.body {
            Attempt::Failed(failure) => return Attempt::Failed(failure),
            _ if download.is_some() && (exchange.status != 200 || octets < SUSTAINED) => {
                return Attempt::not_applicable(format!("{path} answered {} with {octets} octets", exchange.status));
            }
            _ => {}
        }
    }
    Attempt::Seen(octets)
}

/// What an exchange gives beside its record.
struct Read {
    octets: u64,
    /// From the response head to the end of reading.
    after_head: Duration,
    body: Vec<u8>,
}

/// One request and its body, up to about `limit` octets. Each step has the whole time: a slow link is not a stalled one.
async fn get(
    host: &Host,
    send: &mut Http3Send,
    path: &str,
    accept: &str,
    connection: usize,
    limit: u64,
) -> Result<(HttpExchange, Read), Failure> {
    let timeout = host.settings().timeout;
    let watch = Stopwatch::start();
    let fail =
        |operation, error: &h3::error::StreamError| watch.failure(operation, stream_kind(error), describe(error));
    let request = Request::get(format!("https://{}{path}", authority(&host.target)))
        .header("user-agent", USER_AGENT)
        .header("accept", accept)
        .header("accept-encoding", "identity")
        .body(())
        .map_err(|error| watch.failure(Operation::Request, FailureKind::Local, error.to_string()))?;
    let asking = async {
        let mut stream = send.send_request(request).await.map_err(|error| fail(Operation::Request, &error))?;
        stream.finish().await.map_err(|error| fail(Operation::Request, &error))?;
        let response = stream.recv_response().await.map_err(|error| fail(Operation::Request, &error))?;
        Ok((stream, response))
    };
    let (mut stream, response) = within(timeout, watch, Operation::Request, asking).await?;
    let head = Stopwatch::start();
    let first_byte_ms = watch.elapsed().into();
    let headers = headers(response.headers());
    let mut reader = BodyReader::new(&headers);
    let mut start = Vec::new();
    let body = loop {
        let chunk = within(timeout, watch, Operation::Body, async {
            stream.recv_data().await.map_err(|error| fail(Operation::Body, &error))
        });
        match chunk.await {
            Ok(Some(mut data)) => {
                let chunk = data.copy_to_bytes(data.remaining());
                if start.len() < ANSWER_LIMIT {
                    start.extend_from_slice(&chunk);
                }
                if !reader.push(&chunk) || reader.length >= limit {
                    break Ok(());
                }
            }
            Ok(None) => {
                reader.complete = true;
                break Ok(());
            }
            Err(failure) => break Err(failure),
        }
    };
    let octets = reader.length;
    let exchange = HttpExchange {
        connection,
        path: path.to_owned(),
        version: "3".to_owned(),
        status: response.status().as_u16(),
        date: date(response.headers()),
        headers,
        first_byte_ms,
        body: body.map(|()| reader.finish()).into(),
    };
    Ok((exchange, Read { octets, after_head: head.elapsed(), body: start }))
}

fn stream_kind(error: &h3::error::StreamError) -> FailureKind {
    use h3::error::StreamError as E;
    match error {
        E::HeaderTooBig { .. } => FailureKind::TooLarge,
        E::RemoteTerminate { .. } => FailureKind::Reset,
        error if error.is_h3_no_error() => FailureKind::Closed,
        E::ConnectionError { .. } | E::RemoteClosing { .. } => FailureKind::Closed,
        _ => FailureKind::Protocol,
    }
}

/// The reflector's answer over QUIC.
pub(crate) async fn ask_reflector(host: &Host, key: &HexBytes) -> Attempt<Reflection> {
    let address = match addresses(host) {
        Ok(addresses) => addresses.into_iter().next(),
        Err(attempt) => return attempt,
    };
    let Some(address) = address else { return Attempt::not_tried("there is no address to connect to") };
    let handshake = shake_hands(host, address, crate::checks::exporter::CHECK.name, "http/3", None).await;
    let connection = match &handshake.result {
        Ok(connection) => connection,
        Err(failure) => return Attempt::Failed(failure.clone()),
    };
    let timeout = host.settings().timeout;
    let watch = Stopwatch::start();
    let exchange = async {
        let question = Question::new(watch)?;
        let (mut send, _driver) = open_http3(connection, watch).await?;
        let (exchange, read) =
            get(host, &mut send, &question.path, "application/json", handshake.connection, BODY_LIMIT).await?;
        reflect::refused(exchange.status, &exchange.headers, watch)?;
        question.answered(host, handshake.connection, handshake.client_hello.as_deref(), &read.body, key, watch)
    };
    within(timeout, watch, Operation::Request, exchange).await.into()
}

/// A socket that counts what came in, so that silence and an unfinished handshake can be told apart, and that fails where
/// it is more than any check asks for.
struct Counting {
    socket: Arc<dyn AsyncUdpSocket>,
    received: Arc<AtomicU32>,
    octets: AtomicU64,
}

impl fmt::Debug for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counting").finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Counting {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.socket.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let poll = self.socket.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(datagrams)) = &poll {
            self.received.fetch_add(u32::try_from(*datagrams).unwrap_or(u32::MAX), Ordering::Relaxed);
            let octets: usize = meta.iter().take(*datagrams).map(|datagram| datagram.len).sum();
            let before = self.octets.fetch_add(octets as u64, Ordering::Relaxed);
            if before > CONNECTION_LIMIT {
                return Poll::Ready(Err(io::Error::other("more octets than any check asks for")));
            }
        }
        poll
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}
