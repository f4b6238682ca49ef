//! `quic`: how far QUIC gets, layer by layer.

mod counting;
mod handshake;
mod http3;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use futures_util::future::select_ok;
use model::{Attempt, Failure, FailureKind, HexBytes, Operation, Quic, Reflection, VersionNegotiation};
use tokio::sync::oneshot;
use wire::quic::version_negotiation;

use handshake::shake_hands;
use http3::{get, http3, open_http3};

use crate::check::{Check, Scope, no_wait};
use crate::connect::ATTEMPT_DELAY;
use crate::failure::{Stopwatch, within};
use crate::host::Host;
use crate::http_client::BODY_LIMIT;
use crate::reflect::{self, Question};

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
    octets: |promises| match (promises.http3, promises.download.is_some()) {
        (true, true) => 100_000,
        (true, false) => 22_000,
        (false, _) => 0,
    },
    scope: Scope::Host,
    by_default: true,
};

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
