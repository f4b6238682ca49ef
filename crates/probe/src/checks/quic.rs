//! `quic`: how far QUIC gets, layer by layer.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Buf;
use http::Request;
use model::{
    Attempt, Connection, Failure, FailureKind, HexBytes, Http3, HttpExchange, Milliseconds, Operation, Quic,
    Reflection, TlsSession, Transport, VersionNegotiation,
};
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Runtime, TokioRuntime, TransportConfig, UdpPoller};
use rustls::pki_types::CertificateDer;
use wire::quic::recorder::{self, HandshakeRecord};
use wire::quic::version_negotiation;

use crate::check::{Check, no_wait};
use crate::failure::{Stopwatch, describe, within};
use crate::host::Host;
use crate::http_client::{BodyReader, Driver, USER_AGENT, authority, date, headers};
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
/// Enough packets to meet devices that let a first handful pass.
const SUSTAINED: u64 = 64 * 1024;
/// Without a long path, this many plain requests one after another take its place.
const SUSTAINED_REQUESTS: u32 = 3;

pub(crate) async fn run(host: &Host) -> Attempt<Quic> {
    let address = match address(host) {
        Ok(address) => address,
        Err(attempt) => return attempt,
    };
    if !host.target.promises.http3 {
        return Attempt::not_applicable("the profile does not promise HTTP/3 for this host");
    }
    let (version_negotiation, (handshake, http3)) = tokio::join!(negotiate_version(host, address), async {
        let handshake = shake_hands(host, address, CHECK.name, "http/3").await;
        let http3 = match &handshake.result {
            Ok(connection) => http3(host, connection, &handshake).await.into(),
            Err(failure) => Attempt::Failed(failure.clone()),
        };
        (handshake, http3)
    });
    Attempt::Seen(Quic {
        version_negotiation,
        connection: Some(handshake.connection),
        handshake_datagrams_received: handshake.datagrams_received,
        http3,
    })
}

/// Where QUIC goes, or why it goes nowhere.
fn address<T>(host: &Host) -> Result<SocketAddr, Attempt<T>> {
    if host.settings().via.is_some() {
        return Err(Attempt::not_applicable("an explicit proxy carries no UDP"));
    }
    host.own_addresses.first().copied().ok_or_else(|| Attempt::not_tried("there is no address to connect to"))
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

async fn shake_hands(host: &Host, address: SocketAddr, check: &'static str, purpose: &'static str) -> Handshake {
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
        let socket = Arc::new(Counting { socket, received: received.clone() });
        let endpoint = Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, socket, runtime)
            .map_err(|error| started.io(Operation::Connect, &error))?;
        let connecting = endpoint
            .connect_with(config, address, host.target.host.as_str())
            .map_err(|error| local(error.to_string()))?;
        let connection = connecting.await.map_err(|error| connection_failure(started, &error))?;
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
    let first = get(host, &mut send, path, "*/*", handshake.connection);
    let (exchange, total_first_byte_ms) = within(timeout, watch, Operation::Request, async {
        let (exchange, read) = first.await?;
        let total = Duration::from_secs_f64(
            (handshake.started.elapsed().as_secs_f64() - read.after_head.as_secs_f64()).max(0.0),
        );
        Ok((exchange, Milliseconds::from(total)))
    })
    .await?;
    let sustained = within(timeout, Stopwatch::start(), Operation::Body, async {
        match &host.target.promises.download {
            Some(path) => {
                let (exchange, read) = get(host, &mut send, path, "*/*", handshake.connection).await?;
                match exchange.body {
                    Attempt::Failed(failure) => Err(failure),
                    Attempt::Seen(body) if body.length.max(read.octets) < SUSTAINED && !body.complete => {
                        Err(watch.failure(Operation::Body, FailureKind::Closed, "the transfer ended early"))
                    }
                    _ => Ok(read.octets),
                }
            }
            None => {
                let mut octets = 0u64;
                for _ in 0..SUSTAINED_REQUESTS {
                    let (_, read) = get(host, &mut send, path, "*/*", handshake.connection).await?;
                    octets = octets.saturating_add(read.octets);
                }
                Ok(octets)
            }
        }
    })
    .await
    .into();
    Ok(Http3 { exchange, total_first_byte_ms, sustained })
}

struct Read {
    octets: u64,
    after_head: Duration,
    body: Vec<u8>,
}

/// One request and its body, up to the limit.
async fn get(
    host: &Host,
    send: &mut Http3Send,
    path: &str,
    accept: &str,
    connection: usize,
) -> Result<(HttpExchange, Read), Failure> {
    let watch = Stopwatch::start();
    let fail =
        |operation, error: &h3::error::StreamError| watch.failure(operation, stream_kind(error), describe(error));
    let request = Request::get(format!("https://{}{path}", authority(&host.target)))
        .header("user-agent", USER_AGENT)
        .header("accept", accept)
        .header("accept-encoding", "identity")
        .body(())
        .map_err(|error| watch.failure(Operation::Request, FailureKind::Local, error.to_string()))?;
    let mut stream = send.send_request(request).await.map_err(|error| fail(Operation::Request, &error))?;
    stream.finish().await.map_err(|error| fail(Operation::Request, &error))?;
    let response = stream.recv_response().await.map_err(|error| fail(Operation::Request, &error))?;
    let head = Stopwatch::start();
    let first_byte_ms = watch.elapsed().into();
    let headers = headers(response.headers());
    let mut reader = BodyReader::new(&headers);
    let mut start = Vec::new();
    let body = loop {
        match stream.recv_data().await {
            Ok(Some(mut data)) => {
                let chunk = data.copy_to_bytes(data.remaining());
                if start.len() < 512 * 1024 {
                    start.extend_from_slice(&chunk);
                }
                if !reader.push(&chunk) {
                    break Ok(());
                }
            }
            Ok(None) => {
                reader.complete = true;
                break Ok(());
            }
            Err(error) => break Err(fail(Operation::Body, &error)),
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
    let address = match address(host) {
        Ok(address) => address,
        Err(attempt) => return attempt,
    };
    let handshake = shake_hands(host, address, crate::checks::exporter::CHECK.name, "http/3").await;
    let connection = match &handshake.result {
        Ok(connection) => connection,
        Err(failure) => return Attempt::Failed(failure.clone()),
    };
    let timeout = host.settings().timeout;
    let watch = Stopwatch::start();
    let exchange = async {
        let question = Question::new(watch)?;
        let (mut send, _driver) = open_http3(connection, watch).await?;
        let (exchange, read) = get(host, &mut send, &question.path, "application/json", handshake.connection).await?;
        reflect::refused(exchange.status, &exchange.headers, watch)?;
        question.answered(host, handshake.connection, handshake.client_hello.as_deref(), &read.body, key, watch)
    };
    within(timeout, watch, Operation::Request, exchange).await.into()
}

/// A socket that counts what came in, so that silence and an unfinished handshake can be told apart.
struct Counting {
    socket: Arc<dyn AsyncUdpSocket>,
    received: Arc<AtomicU32>,
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
