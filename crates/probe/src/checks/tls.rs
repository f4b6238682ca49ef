//! `tls`: who answers a handshake, with which certificate, to hellos of several shapes.

use std::sync::Arc;
use std::time::Duration;

use model::{Attempt, Failure, FailureKind, HexBytes, Operation, TimestampsInHandshake, Tls};
use rustls::client::ClientSessionStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::check::{Check, Scope, no_wait};
use crate::connect::connect;
use crate::failure::{Stopwatch, within};
use crate::host::{Host, NotOpened, Wanted};
use crate::http_client::ALPN;
use crate::tls::{self, Hello, Sessions, wait_for_ticket};

pub(crate) const CHECK: Check = Check {
    name: "tls",
    title: "handshakes with large and small hellos: chain, versions, resumption, timestamps",
    page: "\
Shakes hands three times side by side: with the large ClientHello of today's browsers (hybrid key exchange
X25519MLKEM768), with a small one, and with one that asks for certificate timestamps (RFC 6962) in the handshake. Then once
more with the ticket of the first. Where the name was refused, once more with it and once without, which tells
a block by name (SNI) from a dead host and from a slow one.

Records the chain as presented and holds it against the public roots, the system's store and the roots given; verifies the
certificate timestamps; notes version, cipher suite, group, ALPN and resumption. Devices exist that decrypt small hellos
and pass large ones, so each handshake is judged by itself. Certificates are never enforced: the check must see the forged
ones. The peer's signature is verified, so nobody passes for a certificate whose key they do not hold. Limit: over TLS 1.2 a\ncertificate that a strict parser refuses ends the handshake; it is recorded all the same.",
    round_trips: 5,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 28_000,
    scope: Scope::Host,
    by_default: true,
};

/// How long a ticket is waited for where the round trip is short; it comes one round trip after the handshake.
const TICKET_WAIT: Duration = Duration::from_millis(150);

/// The most that is read of a server that was asked for timestamps.
const FLIGHT_LIMIT: usize = 2 * 1024 * 1024;

pub(crate) async fn run(host: &Host) -> Attempt<Tls> {
    let (hybrid, classic, timestamps) = tokio::join!(hybrid_and_resumed(host), classic(host), timestamps(host));
    let (hybrid, resumed) = hybrid;
    let by_name_failed =
        [&hybrid, &classic].into_iter().filter_map(|result| result.as_ref().err()).find(|not_opened| {
            let Failure { operation, .. } = &not_opened.failure;
            *operation == Operation::Handshake
        });
    let without_sni = match by_name_failed {
        // Beside it the named hello once more, on a path that is quiet by now: what was merely slow passes this time.
        Some(_) => {
            let hello = if classic.is_err() { Hello::Classic } else { Hello::Hybrid };
            tokio::join!(without_sni(host), repeated(host, hello)).0
        }
        None => Attempt::not_applicable("the handshakes with the name did not fail"),
    };
    let index = |result: Result<usize, NotOpened>| result.or_else(|not| not.connection.ok_or(not.failure));
    match (index(hybrid), index(classic)) {
        (Ok(hybrid), Ok(classic)) => Attempt::Seen(Tls { hybrid, classic, resumed, without_sni, timestamps }),
        (Err(failure), _) | (_, Err(failure)) => Attempt::Failed(failure),
    }
}

async fn hybrid_and_resumed(host: &Host) -> (Result<usize, NotOpened>, Attempt<usize>) {
    let sessions = Sessions::new();
    let store: Arc<dyn ClientSessionStore> = sessions.clone();
    let prepared = tls::prepare(Hello::Hybrid, ALPN, true, Some(store)).ok();
    let wanted = |purpose| Wanted {
        check: CHECK.name,
        purpose,
        hello: Hello::Hybrid,
        alpn: ALPN,
        sni: true,
        prepared: prepared.clone(),
    };
    let mut opened = match host.open(wanted("hybrid")).await {
        Ok(opened) => opened,
        Err(not_opened) => return (Err(not_opened), Attempt::not_tried("the first handshake failed")),
    };
    let patience = TICKET_WAIT + Duration::from_secs_f64(opened.connect_ms.0 * 3e-3);
    let _ = tokio::time::timeout(patience, wait_for_ticket(&mut opened.stream, &sessions)).await;
    let first = opened.connection;
    drop(opened);
    if !sessions.arrived() {
        return (Ok(first), Attempt::not_applicable("the server gave no ticket"));
    }
    let resumed = match host.open(wanted("resumed")).await {
        Ok(opened) => Attempt::Seen(opened.connection),
        Err(NotOpened { connection: Some(connection), .. }) => Attempt::Seen(connection),
        Err(NotOpened { failure, .. }) => Attempt::Failed(failure),
    };
    (Ok(first), resumed)
}

async fn classic(host: &Host) -> Result<usize, NotOpened> {
    let wanted =
        Wanted { check: CHECK.name, purpose: "classic", hello: Hello::Classic, alpn: ALPN, sni: true, prepared: None };
    host.open(wanted).await.map(|opened| opened.connection)
}

/// The ledger tells how it ended.
async fn repeated(host: &Host, hello: Hello) {
    let wanted = Wanted { check: CHECK.name, purpose: "repeated", hello, alpn: ALPN, sni: true, prepared: None };
    let _ = host.open(wanted).await;
}

async fn without_sni(host: &Host) -> Attempt<usize> {
    let wanted = Wanted {
        check: CHECK.name,
        purpose: "without-sni",
        hello: Hello::Classic,
        alpn: ALPN,
        sni: false,
        prepared: None,
    };
    match host.open(wanted).await {
        Ok(opened) => Attempt::Seen(opened.connection),
        Err(NotOpened { connection: Some(connection), .. }) => Attempt::Seen(connection),
        Err(NotOpened { failure, .. }) => Attempt::Failed(failure),
    }
}

/// Reads the server's flight up to its certificates and leaves.
async fn timestamps(host: &Host) -> Attempt<TimestampsInHandshake> {
    let settings = host.settings();
    let watch = Stopwatch::start();
    let connected = match connect(&*host.context.net, settings, &host.addresses, &host.target, None).await {
        Ok(connected) => connected,
        Err(not) => return Attempt::Failed(not.failure),
    };
    let mut stream = connected.stream;
    let mut client = match wire::tls::TimestampClient::new(&host.target.host) {
        Ok(client) => client,
        Err(error) => {
            return Attempt::Failed(watch.failure(Operation::Handshake, FailureKind::Local, error.to_string()));
        }
    };
    let flight = async {
        let io = |error: std::io::Error| watch.io(Operation::Handshake, &error);
        stream.write_all(&client.hello()).await.map_err(io)?;
        let mut buffer = vec![0u8; 16 * 1024];
        let mut read = 0;
        loop {
            let octets = stream.read(&mut buffer).await.map_err(io)?;
            if octets == 0 {
                return Err(watch.failure(Operation::Handshake, FailureKind::Closed, "closed during the handshake"));
            }
            read += octets;
            let received = client.receive(buffer.get(..octets).unwrap_or_default());
            match received {
                Ok(Some(flight)) => return Ok(flight),
                Ok(None) if read > FLIGHT_LIMIT => {
                    return Err(watch.failure(
                        Operation::Handshake,
                        FailureKind::TooLarge,
                        "a handshake without an end",
                    ));
                }
                Ok(None) => {}
                Err(error) => {
                    let kind = match error {
                        wire::tls::Error::Alert { description, .. } => FailureKind::Alert(description),
                        wire::tls::Error::TooLarge { .. } => FailureKind::TooLarge,
                        _ => FailureKind::Protocol,
                    };
                    return Err(watch.failure(Operation::Handshake, kind, error.to_string()));
                }
            }
        }
    };
    let flight = match within(settings.timeout, watch, Operation::Handshake, flight).await {
        Ok(flight) => flight,
        Err(failure) => return Attempt::Failed(failure),
    };
    let Some(chain) = host.note_chain(flight.certificates) else {
        return Attempt::not_tried("too many different chains were presented");
    };
    host.note_stapled(chain, flight.sct_list.clone(), flight.ocsp.clone());
    let (list, ocsp) = (flight.sct_list.map(HexBytes), flight.ocsp.map(HexBytes));
    Attempt::Seen(TimestampsInHandshake { chain, list, ocsp })
}
