//! One port asked by STUN.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::{Attempt, Failure, FailureKind, Milliseconds, Operation, StunAnswer, StunRequest};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use wire::stun::{Class, Message, Request, TransactionId};

use crate::failure::Stopwatch;
use crate::host::Host;

/// The least retransmission timeout (RFC 8489 section 6.2.1).
const RTO: Duration = Duration::from_millis(500);
/// An answer to Allocate shows that the way is open; so long the one to Binding may still come, which says more.
const GRACE: Duration = Duration::from_millis(50);
/// Larger than any answer without credentials.
const DATAGRAM: usize = 2048;

/// Sends the requests, waits, and sends them again: after the timeout, after twice that, and then waits to the end, as RFC
/// 8489 has it but for the number. Each try has transaction ids of its own, so that the time is that of the one which was
/// answered.
pub(super) async fn ask(host: &Host, address: SocketAddr, requests: &[StunRequest]) -> Attempt<StunAnswer> {
    let timeout = host.settings().timeout;
    let watch = Stopwatch::start();
    let asking = async {
        let socket = open(host, address, watch).await?;
        let end = Instant::now() + timeout;
        let first = RTO.min(timeout / 7);
        let mut sent: Vec<Sent> = Vec::new();
        for (tries, patience) in [(1, first), (2, first * 2), (3, timeout)] {
            for request in requests {
                let transaction = transaction(watch)?;
                let datagram = to_wire(*request).encode(transaction);
                sent.push(Sent { transaction, request: *request, at: Stopwatch::start(), tries });
                socket.send(&datagram).await.map_err(|error| udp(watch, &error))?;
            }
            let until = end.min(Instant::now() + patience);
            if let Some(answer) = answer(&socket, &sent, requests, until, watch).await? {
                return Ok(answer);
            }
        }
        Err(watch.timed_out(Operation::Connect, timeout))
    };
    asking.await.into()
}

/// A request on its way.
struct Sent {
    transaction: TransactionId,
    request: StunRequest,
    at: Stopwatch,
    tries: u32,
}

/// The answer to one of the requests, the one to Binding if it comes in time.
async fn answer(
    socket: &UdpSocket,
    sent: &[Sent],
    requests: &[StunRequest],
    mut until: Instant,
    watch: Stopwatch,
) -> Result<Option<StunAnswer>, Failure> {
    let mut buffer = vec![0; DATAGRAM];
    let mut found: Option<StunAnswer> = None;
    loop {
        let received = match timeout_at(until, socket.recv(&mut buffer)).await {
            Err(_elapsed) => return Ok(found),
            Ok(Err(_)) if found.is_some() => return Ok(found),
            // RFC 8489 section 6.2.1: an ICMP error ends the transaction.
            Ok(received) => received.map_err(|error| udp(watch, &error))?,
        };
        let Some(answer) = buffer.get(..received).and_then(|datagram| read(datagram, sent)) else { continue };
        let is_best = answer.request == StunRequest::Binding || !requests.contains(&StunRequest::Binding);
        if is_best {
            return Ok(Some(answer));
        }
        if found.is_none() {
            let wait = Duration::from_secs_f64(answer.time_ms.0.max(0.0) / 1e3).max(GRACE);
            until = until.min(Instant::now() + wait);
            found = Some(answer);
        }
    }
}

/// What is no answer to any of our requests is passed over.
fn read(datagram: &[u8], sent: &[Sent]) -> Option<StunAnswer> {
    let message = Message::parse(datagram).ok()?;
    let asked = sent.iter().find(|sent| sent.transaction == message.transaction)?;
    let is_answer = matches!(message.class, Class::Success | Class::Error);
    (is_answer && message.method == to_wire(asked.request).method()).then(|| StunAnswer {
        mapped: message.mapped,
        time_ms: Milliseconds::from(asked.at.elapsed()),
        tries: asked.tries,
        software: message.software,
        request: asked.request,
        error: message.error,
    })
}

fn to_wire(request: StunRequest) -> Request {
    match request {
        StunRequest::Binding => Request::Binding,
        StunRequest::Allocate => Request::Allocate,
    }
}

fn transaction(watch: Stopwatch) -> Result<TransactionId, Failure> {
    let mut transaction = TransactionId::default();
    SystemRandom::new()
        .fill(&mut transaction)
        .map_err(|_| watch.failure(Operation::Connect, FailureKind::Local, "the system gives no random octets"))?;
    Ok(transaction)
}

/// A socket that hears this address alone.
pub(super) async fn open(host: &Host, address: SocketAddr, watch: Stopwatch) -> Result<UdpSocket, Failure> {
    let socket = host.context.net.udp(address).and_then(UdpSocket::from_std).map_err(|error| udp(watch, &error))?;
    socket.connect(address).await.map_err(|error| udp(watch, &error))?;
    Ok(socket)
}

/// On a connected UDP socket a reset or a refusal is the ICMP port unreachable of somebody on the way.
pub(super) fn udp(watch: Stopwatch, error: &io::Error) -> Failure {
    let mut failure = watch.io(Operation::Connect, error);
    if failure.kind == FailureKind::Reset {
        failure.kind = FailureKind::Refused;
    }
    failure
}
