//! The call to the reflector: asked for over TLS, opened and made over UDP, its report asked for over TLS.

use std::net::SocketAddr;
use std::time::Duration;

use model::{
    Attempt, Call, CallReport, CallTerms, Failure, FailureKind, GrantedCall, HexBytes, Milliseconds, Operation,
};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use wire::call::{Cookie, Kind, PACKET, Packet, Token, losses};

use super::ask::ask;
use super::pace::{Line, Talk, talk};
use super::stun::{open, udp};
use super::without_media;
use crate::failure::Stopwatch;
use crate::host::Host;

/// Packets of the longest call, ten minutes at 20 ms: each costs some octets of ours.
const PACKETS_LIMIT: u32 = 30_000;
/// The pace that a reflector may ask for.
const INTERVALS: std::ops::RangeInclusive<f64> = 5.0..=200.0;
/// How long an opening is waited for before it is sent again, as with STUN; the third waits to the end of --timeout.
const PATIENCE: Duration = Duration::from_millis(500);

/// The call to the reflector, when nothing else of ours is on the line.
pub(crate) async fn call(host: &Host, key: &HexBytes, duration: Duration) -> Attempt<Call> {
    if host.settings().via.is_some() {
        return Attempt::not_applicable("an explicit proxy carries no UDP");
    }
    let duration_ms = duration.as_millis();
    let asked = match ask::<CallTerms>(host, key, "call", &format!("&duration_ms={duration_ms}")).await {
        Ok(asked) => asked,
        Err(failure) => return without_media(failure),
    };
    let made = async {
        let watch = Stopwatch::start();
        let protocol = |what: &str| watch.failure(Operation::Body, FailureKind::Protocol, what);
        let terms = Terms::read(&asked.answer).map_err(protocol)?;
        let mut connections = host.of_connections(|connection| Some(connection.address)).into_iter();
        let address = connections.nth(asked.connection).ok_or_else(|| protocol("the connection was not noted down"))?;
        let address = SocketAddr::new(address.ip(), asked.answer.media_port);
        let line = opened(host, address, terms.token, watch).await?;
        let talk = talk(&line, terms.packets, terms.interval).await;
        // The report is asked for on a connection of its own: the first one may not have outlived the call.
        let token = HexBytes(terms.token.to_vec());
        let report = ask::<CallReport>(host, key, "report", &format!("&token={token}")).await;
        let report = report.ok().map(|asked| asked.answer).filter(|report| report.token == token);
        summed_up(address, terms.interval, &talk, report, watch)
    };
    made.await.into()
}

/// What was granted, as far as it makes sense.
struct Terms {
    token: Token,
    packets: u32,
    interval: Duration,
}

impl Terms {
    fn read(terms: &CallTerms) -> Result<Self, &'static str> {
        let GrantedCall { token, packets } = terms.call.as_ref().ok_or("the reflector granted no call")?;
        let token = token.0.as_slice().try_into().map_err(|_| "the call's token is not 16 octets long")?;
        let fits = (1..=PACKETS_LIMIT).contains(packets)
            && INTERVALS.contains(&terms.interval_ms.0)
            && usize::try_from(terms.packet_octets) == Ok(PACKET);
        if !fits {
            return Err("the reflector's calls are of another kind");
        }
        Ok(Self { token, packets: *packets, interval: Duration::from_secs_f64(terms.interval_ms.0 / 1e3) })
    }
}

/// Proves to the reflector that we receive at our address. Where nothing answers here, UDP is blocked on this port, and a
/// call would be silence from its first second to its last.
async fn opened(host: &Host, address: SocketAddr, token: Token, watch: Stopwatch) -> Result<Line, Failure> {
    let limit = host.settings().timeout;
    let socket = open(host, address, watch).await?;
    let opening =
        Packet { kind: Kind::Opening, token, cookie: Cookie::default(), sequence: 0, sent_us: 0, returned_us: 0 };
    let first = PATIENCE.min(limit / 7);
    for patience in [first, first * 2, limit.saturating_sub(first * 3)] {
        socket.send(&opening.encode()).await.map_err(|error| udp(watch, &error))?;
        match timeout(patience, cookie(&socket, token)).await {
            Ok(Ok(cookie)) => return Ok(Line { socket, token, cookie }),
            Ok(Err(error)) => return Err(udp(watch, &error)),
            Err(_elapsed) => {}
        }
    }
    Err(watch.timed_out(Operation::Connect, limit))
}

async fn cookie(socket: &UdpSocket, token: Token) -> std::io::Result<Cookie> {
    let mut buffer = [0; PACKET + 1];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if let Some(Packet { kind: Kind::Opened, token: theirs, cookie, .. }) =
            buffer.get(..length).and_then(Packet::parse)
            && theirs == token
        {
            return Ok(cookie);
        }
    }
}

fn summed_up(
    address: SocketAddr,
    interval: Duration,
    talk: &Talk,
    report: Option<CallReport>,
    watch: Stopwatch,
) -> Result<Call, Failure> {
    let mut round_trips = talk.round_trips.clone();
    round_trips.sort_unstable();
    let (Some(least), Some(greatest)) = (round_trips.first(), round_trips.last()) else {
        let arrived = report.map_or_else(String::new, |report| format!("; the reflector got {}", report.arrived));
        let detail = format!("none of {} packets came back{arrived}", talk.sent);
        return Err(watch.failure(Operation::Exchange, FailureKind::Timeout, detail));
    };
    let sent = usize::try_from(talk.sent).unwrap_or(usize::MAX);
    let losses = losses(talk.receiver.seen().get(..sent).unwrap_or_default());
    let there = report.as_ref();
    Ok(Call {
        address,
        duration_ms: talk.took.into(),
        interval_ms: interval.into(),
        packet_octets: u32::try_from(PACKET).unwrap_or(u32::MAX),
        sent: talk.sent,
        arrived: there.map(|report| report.arrived),
        returned: talk.receiver.arrived(),
        duplicated: talk.receiver.duplicated(),
        reordered_there: there.map(|report| report.reordered),
        reordered: talk.receiver.reordered(),
        longest_gap: losses.longest,
        burst_ratio: losses.burst_ratio,
        least_ms: (*least).into(),
        median_ms: rank(&round_trips, 0.5).into(),
        p95_ms: rank(&round_trips, 0.95).into(),
        greatest_ms: (*greatest).into(),
        jitter_ms: Milliseconds(talk.receiver.jitter_ms()),
        jitter_there_ms: there.map(|report| report.jitter_ms),
        lateness_ms: talk.lateness.into(),
        seen_as: there.and_then(|report| report.seen_as),
    })
}

/// The value that this share of the values does not exceed (nearest rank); zero of none.
fn rank(sorted: &[Duration], share: f64) -> Duration {
    let wanted = (sorted.len() as f64 * share).ceil();
    let place = sorted.iter().enumerate().find(|(place, _)| (place + 1) as f64 >= wanted);
    place.map(|(_, value)| *value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_textbook() {
        let spans: Vec<Duration> = (1..=20).map(Duration::from_millis).collect();
        assert_eq!(rank(&spans, 0.5), Duration::from_millis(10));
        assert_eq!(rank(&spans, 0.95), Duration::from_millis(19));
        assert_eq!(rank(&spans[..1], 0.95), Duration::from_millis(1));
        assert_eq!(rank(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn terms_that_make_no_sense_are_refused() {
        let terms = |packets, interval, octets, token: usize| CallTerms {
            v: 1,
            challenge: HexBytes(Vec::new()),
            media_port: 3478,
            interval_ms: Milliseconds(interval),
            packet_octets: octets,
            limit_ms: Milliseconds(1e4),
            call: Some(GrantedCall { token: HexBytes(vec![7; token]), packets }),
        };
        assert!(Terms::read(&terms(500, 20.0, 172, 16)).is_ok_and(|terms| terms.interval == Duration::from_millis(20)));
        for wrong in [
            terms(0, 20.0, 172, 16),
            terms(u32::MAX, 20.0, 172, 16),
            terms(500, 0.0, 172, 16),
            terms(500, f64::NAN, 172, 16),
            terms(500, 20.0, 1500, 16),
            terms(500, 20.0, 172, 15),
        ] {
            assert!(Terms::read(&wrong).is_err(), "{wrong:?}");
        }
        assert!(Terms::read(&CallTerms { call: None, ..terms(500, 20.0, 172, 16) }).is_err());
    }
}
