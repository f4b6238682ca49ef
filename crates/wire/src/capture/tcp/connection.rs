//! One connection: its SYN, both streams, and the handshake that comes out.

use model::CapturedHandshake;

use super::answer::ServerSide;
use super::hello::ClientSide;
use super::prologue;
use super::reassembly::Stream;
use super::syn::SynSeen;
use crate::capture::flow::{FlowKey, Side};
use crate::capture::handshake::{self, Describer};
use crate::capture::packet::ip::IpPacket;
use crate::capture::packet::transport::{ACK, FIN, RST, SYN, Segment};

/// How far a connection has come. Those without payload, and those that are done with, take a few octets: there may be very
/// many of them.
#[derive(Debug)]
pub(in crate::capture) enum Connection {
    Opening(Opening),
    Reading(Box<Reading>),
    /// Nothing more is wanted of it.
    Done,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::capture) struct Opening {
    client: Side,
    /// The sequence numbers of the first octets.
    client_begins: u32,
    server_begins: Option<u32>,
    syn: Option<SynSeen>,
}

impl Connection {
    /// What the first packet of a flow opens, if anything: a SYN or the answer to one, or a connection whose beginning was
    /// not captured and which says its ClientHello now.
    pub(in crate::capture) fn open(from: Side, packet: &IpPacket<'_>, segment: &Segment<'_>) -> Option<Self> {
        if segment.has(RST) {
            return None;
        }
        let opening = match (segment.has(SYN), segment.has(ACK)) {
            (true, false) => Opening {
                client: from,
                client_begins: segment.sequence.wrapping_add(1),
                server_begins: None,
                syn: Some(SynSeen::new(packet.ttl, segment)),
            },
            (true, true) => Opening {
                client: from.other(),
                client_begins: segment.acknowledgement,
                server_begins: Some(segment.sequence.wrapping_add(1)),
                syn: None,
            },
            (false, _) if prologue::is_client_hello(segment.payload) => Opening {
                client: from,
                client_begins: segment.sequence,
                server_begins: segment.has(ACK).then_some(segment.acknowledgement),
                syn: None,
            },
            (false, _) => return None,
        };
        Some(Self::Opening(opening))
    }

    /// Whether this segment opens another connection between the same addresses and ports.
    pub(in crate::capture) fn is_another(&self, from: Side, segment: &Segment<'_>) -> bool {
        if !segment.has(SYN) || segment.has(ACK) {
            return false;
        }
        let begins = segment.sequence.wrapping_add(1);
        match self {
            Self::Opening(opening) => opening.client != from || opening.client_begins != begins,
            Self::Reading(reading) => reading.client != from || reading.begins != begins,
            // A SYN that comes again finds nothing to do, one of a new connection must not be missed.
            Self::Done => true,
        }
    }
}

impl Opening {
    /// The answer to the SYN, or the SYN itself where they were captured in the wrong order.
    pub(in crate::capture) fn update(&mut self, from: Side, packet: &IpPacket<'_>, segment: &Segment<'_>) {
        match (segment.has(SYN), segment.has(ACK)) {
            (true, true) if from != self.client => self.server_begins = Some(segment.sequence.wrapping_add(1)),
            (true, false) if from == self.client && self.syn.is_none() => {
                self.syn = Some(SynSeen::new(packet.ttl, segment));
            }
            _ => {}
        }
    }
}

/// A connection with payload.
#[derive(Debug)]
pub(in crate::capture) struct Reading {
    client: Side,
    begins: u32,
    syn: Option<SynSeen>,
    up: Stream,
    down: Stream,
    hello: ClientSide,
    answer: ServerSide,
    /// When the ClientHello was whole.
    hello_at: Option<i64>,
    /// The last packet's time.
    seen_at: i64,
    cut: bool,
    ended: Ended,
}

/// Which sides said that they are finished.
#[derive(Clone, Copy, Debug, Default)]
struct Ended {
    client: bool,
    server: bool,
    reset: bool,
}

impl Reading {
    pub(in crate::capture) fn new(opening: Opening) -> Self {
        let (mut up, mut down) = (Stream::default(), Stream::default());
        up.begin(opening.client_begins);
        if let Some(server_begins) = opening.server_begins {
            down.begin(server_begins);
        }
        Self {
            client: opening.client,
            begins: opening.client_begins,
            syn: opening.syn,
            up,
            down,
            hello: ClientSide::new(),
            answer: ServerSide::new(),
            hello_at: None,
            seen_at: 0,
            cut: false,
            ended: Ended::default(),
        }
    }

    /// Takes a segment. Says whether the ClientHello became whole by it.
    pub(in crate::capture) fn push(
        &mut self,
        from: Side,
        packet: &IpPacket<'_>,
        segment: &Segment<'_>,
        time: i64,
    ) -> bool {
        let is_client = from == self.client;
        self.seen_at = time;
        let (stream, other) = if is_client { (&mut self.up, &mut self.down) } else { (&mut self.down, &mut self.up) };
        if segment.has(RST) {
            // A reset that cannot be of this connection is not one.
            self.ended.reset |= stream.is_near(segment.sequence);
            return false;
        }
        if segment.has(FIN) {
            if is_client { self.ended.client = true } else { self.ended.server = true }
        }
        if segment.payload.is_empty() {
            return false;
        }
        self.cut |= packet.missing > 0 || packet.fragment;
        // Where the other side begins was not captured: it is what this one has received when it speaks first.
        if segment.has(ACK) && !other.has_begun() {
            other.begin(segment.acknowledgement);
        }
        // A SYN takes one number of its own (RFC 9293 section 3.4); data may come with it (RFC 7413).
        let sequence = if segment.has(SYN) { segment.sequence.wrapping_add(1) } else { segment.sequence };
        if !is_client {
            let answer = &mut self.answer;
            stream.push(sequence, segment.payload, |octets| answer.push(octets));
            return false;
        }
        let hello = &mut self.hello;
        let mut whole = false;
        stream.push(sequence, segment.payload, |octets| whole |= hello.push(octets));
        if whole {
            self.hello_at = Some(time);
        }
        whole
    }

    /// Whether nothing more is to be expected: all is known, or it is not TLS, or it is over.
    pub(in crate::capture) fn is_over(&self) -> bool {
        let ended =
            self.ended.reset || (self.ended.client && self.ended.server && !self.up.has_gap() && !self.down.has_gap());
        let answered = self.answer.is_over() && (self.hello.hello().is_some() || self.hello.damage().is_some());
        ended || answered || self.hello.is_other()
    }

    pub(in crate::capture) fn is_too_large(&self) -> bool {
        self.hello.is_too_large()
    }

    pub(in crate::capture) fn hello_at(&self) -> Option<i64> {
        self.hello_at
    }

    /// Octets in memory.
    pub(in crate::capture) fn held(&self) -> usize {
        let streams = self.up.held().saturating_add(self.down.held());
        let sides = self.hello.held().saturating_add(self.answer.held());
        streams.saturating_add(sides).saturating_add(size_of::<Self>())
    }

    /// What the connection gave; `why` is added to the damage where it had to be left before its end.
    pub(in crate::capture) fn finish(
        self,
        key: &FlowKey,
        why: Option<&str>,
        describer: &mut Describer,
    ) -> Option<CapturedHandshake> {
        if !self.hello.is_tls() {
            return None;
        }
        let mut damage: Vec<String> = self.hello.damage().into_iter().collect();
        damage.extend(self.answer.damage());
        if self.up.has_gap() || self.down.has_gap() {
            damage.push("segments are missing".to_owned());
        }
        let fates = [self.up.fate(), self.down.fate()];
        if fates.iter().any(|fate| fate.too_early > 0) {
            damage.push("too many segments out of order".to_owned());
        }
        if self.cut && !damage.is_empty() {
            damage.push("the capture holds packets only in part".to_owned());
        }
        let is_whole = self.hello.hello().is_some();
        if !is_whole || !self.answer.is_over() {
            damage.extend(why.map(str::to_owned));
            if self.ended.reset {
                damage.push("reset".to_owned());
            }
        }
        let mut found = handshake::of_tcp(
            self.hello_at.unwrap_or(self.seen_at),
            key.address(self.client),
            key.address(self.client.other()),
        );
        found.prologue = self.hello.prologue().map(str::to_owned);
        found.syn = self.syn.as_ref().map(SynSeen::read);
        found.server = self.answer.into_facts();
        found.damage = damage;
        if let Some(message) = self.hello.into_hello() {
            describer.describe(&mut found, message);
        }
        Some(found)
    }
}
