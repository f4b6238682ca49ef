//! The QUIC handshake, noted down however it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use model::{Attempt, Connection, Failure, FailureKind, HexBytes, Operation, TlsSession, Transport};
use quinn::{Endpoint, EndpointConfig, Runtime, TokioRuntime, TransportConfig};
use rustls::pki_types::CertificateDer;
use tokio::sync::oneshot;
use wire::quic::recorder::{self, HandshakeRecord};

use super::counting::Counting;
use crate::failure::{Stopwatch, describe, within};
use crate::host::Host;
use crate::tls::{self, EXPORTER_LABEL, EXPORTER_LENGTH, Hello, Prepared};

/// A QUIC handshake in the ledger.
pub(super) struct Handshake {
    pub(super) result: Result<quinn::Connection, Failure>,
    pub(super) started: Stopwatch,
    pub(super) connection: usize,
    pub(super) client_hello: Option<Vec<u8>>,
    pub(super) datagrams_received: u32,
    /// Keeps the socket and its driver.
    _endpoint: Option<Endpoint>,
}

pub(super) async fn shake_hands(
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
        mss: None,
        answer_ms: None,
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
        let socket = Arc::new(Counting::new(socket, received.clone()));
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
