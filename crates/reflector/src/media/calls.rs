//! The calls that are going on: who may have packets sent back, and what has arrived.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use tokio::time::Instant;
use wire::call::{Arrival, Cookie, Kind, Packet, Receiver, Token};

use super::INTERVAL;
use crate::Limits;
use crate::admission::{Admission, Pass, Refusal};
use crate::rate::Rate;

pub(crate) struct Calls {
    /// Where our clock begins.
    started: Instant,
    limit: Duration,
    admission: Arc<Admission>,
    /// Answers to Binding requests, on all sockets.
    pub(super) strangers: Rate,
    open: Mutex<HashMap<Token, Call>>,
}

/// One call, kept until its time is over. Its packets cost one octet each.
struct Call {
    receiver: Receiver,
    peer: Option<Peer>,
    openings: u32,
    until: Instant,
    _pass: Pass,
}

#[derive(Clone, Copy)]
struct Peer {
    address: SocketAddr,
    cookie: Cookie,
    /// A packet with the cookie came from the address, so it is the client's.
    proven: bool,
}

/// Why there is no call.
#[derive(Debug)]
pub(crate) enum NotGranted {
    Full(Refusal),
    NoRandomOctets,
}

/// What arrived of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrived {
    pub(crate) arrived: u32,
    pub(crate) duplicated: u32,
    pub(crate) reordered: u32,
    pub(crate) jitter_ms: f64,
    pub(crate) seen_as: Option<SocketAddr>,
}

/// For the opening before a call, and for the question how it went after it.
const GRACE: Duration = Duration::from_secs(30);
/// Openings that are answered for one call: a client sends a few, since one may be lost.
const OPENINGS: u32 = 8;

impl Calls {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            started: Instant::now(),
            limit: limits.call,
            admission: Admission::new(limits.calls, limits.calls_per_client),
            strangers: Rate::default(),
            open: Mutex::default(),
        }
    }

    /// The longest call.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Grants a call of this length, or of the longest: its token, and how many packets it has.
    pub(crate) fn grant(&self, client: IpAddr, length: Duration, now: Instant) -> Result<(Token, u32), NotGranted> {
        let length = length.min(self.limit);
        let packets = (length.as_millis() / INTERVAL.as_millis()).clamp(1, u32::MAX.into());
        let packets = u32::try_from(packets).unwrap_or(u32::MAX);
        self.sweep(now);
        let pass = self.admission.enter(client).map_err(NotGranted::Full)?;
        let token: Token = random().ok_or(NotGranted::NoRandomOctets)?;
        let call = Call {
            receiver: Receiver::new(packets),
            peer: None,
            openings: 0,
            until: now + length + GRACE,
            _pass: pass,
        };
        self.open().insert(token, call);
        Ok((token, packets))
    }

    /// The answer to a packet, if it is due one.
    pub(super) fn answer(&self, packet: &Packet, from: SocketAddr, now: Instant) -> Option<Packet> {
        let now_us = u64::try_from(now.duration_since(self.started).as_micros()).unwrap_or(u64::MAX);
        let mut open = self.open();
        let call = open.get_mut(&packet.token).filter(|call| now < call.until)?;
        match packet.kind {
            Kind::Opening => {
                let cookie = call.opened(from)?;
                Some(Packet { kind: Kind::Opened, cookie, returned_us: now_us, ..*packet })
            }
            Kind::Voice => {
                let peer = call.peer.as_mut()?;
                if (peer.address, peer.cookie) != (from, packet.cookie) {
                    return None;
                }
                peer.proven = true;
                // A copy that the path made is counted and not sent back, so that copies on the way back are told apart.
                let arrival = call.receiver.receive(packet.sequence, packet.sent_us, now_us);
                (arrival == Arrival::New).then_some(Packet { kind: Kind::Echo, returned_us: now_us, ..*packet })
            }
            Kind::Opened | Kind::Echo => None,
        }
    }

    /// What arrived so far; `None` where there is no such call, or its time is over.
    pub(crate) fn arrived(&self, token: &Token) -> Option<Arrived> {
        let open = self.open();
        let Call { receiver, peer, .. } = open.get(token)?;
        Some(Arrived {
            arrived: receiver.arrived(),
            duplicated: receiver.duplicated(),
            reordered: receiver.reordered(),
            jitter_ms: receiver.jitter_ms(),
            seen_as: peer.filter(|peer| peer.proven).map(|peer| peer.address),
        })
    }

    /// Forgets the calls whose time is over.
    pub(super) fn sweep(&self, now: Instant) {
        self.open().retain(|_, call| now < call.until);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Token, Call>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// The cookie for this address. Another address takes the place of one that has proved nothing: forged openings keep
    /// nobody out.
    fn opened(&mut self, from: SocketAddr) -> Option<Cookie> {
        self.openings = self.openings.saturating_add(1);
        if self.openings > OPENINGS {
            return None;
        }
        match self.peer {
            Some(peer) if peer.address == from => Some(peer.cookie),
            Some(peer) if peer.proven => None,
            _ => {
                let cookie = random()?;
                self.peer = Some(Peer { address: from, cookie, proven: false });
                Some(cookie)
            }
        }
    }
}

fn random<const N: usize>() -> Option<[u8; N]> {
    let mut octets = [0; N];
    SystemRandom::new().fill(&mut octets).ok()?;
    Some(octets)
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn calls() -> Calls {
        Calls::new(&Limits { calls: 3, calls_per_client: 2, ..Limits::default() })
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::new(CLIENT, port)
    }

    fn packet(kind: Kind, token: Token, cookie: Cookie, sequence: u32) -> Packet {
        Packet { kind, token, cookie, sequence, sent_us: u64::from(sequence) * 20_000, returned_us: 0 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_goes_there_and_back() {
        let calls = calls();
        let now = Instant::now();
        let (token, packets) = calls.grant(CLIENT, Duration::from_millis(100), now).unwrap();
        assert_eq!(packets, 5);
        let opened = calls.answer(&packet(Kind::Opening, token, [0; 8], 0), address(1), now).unwrap();
        assert_eq!(opened.kind, Kind::Opened);
        for (sequence, answered) in [(0, true), (2, true), (1, true), (1, false), (5, false)] {
            let sent = packet(Kind::Voice, token, opened.cookie, sequence);
            let echo = calls.answer(&sent, address(1), now);
            assert_eq!(echo.map(|echo| (echo.kind, echo.sequence)), answered.then_some((Kind::Echo, sequence)));
        }
        let arrived = calls.arrived(&token).unwrap();
        assert_eq!((arrived.arrived, arrived.duplicated, arrived.reordered), (3, 1, 1));
        assert_eq!(arrived.seen_as, Some(address(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_else_has_anything_sent() {
        let calls = calls();
        let now = Instant::now();
        let (token, _) = calls.grant(CLIENT, Duration::from_secs(1), now).unwrap();
        let voice = |cookie| packet(Kind::Voice, token, cookie, 0);
        assert_eq!(calls.answer(&voice([0; 8]), address(1), now), None, "no opening before it");
        assert_eq!(calls.answer(&packet(Kind::Opening, [9; 16], [0; 8], 0), address(1), now), None, "no such token");
        // An opening with a forged address, then the client's own.
        let forged = calls.answer(&packet(Kind::Opening, token, [0; 8], 0), address(2), now).unwrap();
        let opened = calls.answer(&packet(Kind::Opening, token, [0; 8], 0), address(1), now).unwrap();
        assert_ne!(forged.cookie, opened.cookie);
        assert_eq!(calls.answer(&voice(forged.cookie), address(2), now), None);
        assert_eq!(calls.answer(&voice(opened.cookie), address(2), now), None, "the cookie is that of an address");
        assert!(calls.answer(&voice(opened.cookie), address(1), now).is_some());
        assert_eq!(calls.answer(&packet(Kind::Opening, token, [0; 8], 0), address(2), now), None, "it is taken");
        for kind in [Kind::Opened, Kind::Echo] {
            assert_eq!(calls.answer(&packet(kind, token, opened.cookie, 1), address(1), now), None);
        }
        let openings = || calls.answer(&packet(Kind::Opening, token, [0; 8], 0), address(1), now);
        assert_eq!((0..20).filter_map(|_| openings()).count(), 5, "eight in all");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_counted_and_forgotten() {
        let calls = calls();
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let (token, _) = calls.grant(CLIENT, second, now).unwrap();
        assert!(calls.grant(CLIENT, second, now).is_ok());
        assert!(matches!(calls.grant(CLIENT, second, now), Err(NotGranted::Full(Refusal::Client))));
        assert!(calls.grant(IpAddr::from([192, 0, 2, 2]), second, now).is_ok());
        let another = IpAddr::from([192, 0, 2, 3]);
        assert!(matches!(calls.grant(another, second, now), Err(NotGranted::Full(Refusal::Total))));
        let later = now + second + GRACE;
        assert!(calls.arrived(&token).is_some());
        assert_eq!(calls.answer(&packet(Kind::Opening, token, [0; 8], 0), address(1), later), None);
        assert!(calls.grant(another, second, later).is_ok());
        assert_eq!(calls.arrived(&token), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_call_is_longer_than_the_longest() {
        let calls = Calls::new(&Limits { call: Duration::from_secs(2), ..Limits::default() });
        assert_eq!(calls.grant(CLIENT, Duration::from_secs(3600), Instant::now()).unwrap().1, 100);
        assert_eq!(calls.grant(CLIENT, Duration::ZERO, Instant::now()).unwrap().1, 1);
    }
}
