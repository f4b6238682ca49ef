//! From packets to handshakes: the tables of TCP and QUIC connections, and when each of them is done with.
//!
//! Most packets belong to connections whose handshake was given out. For those nothing is done but to read the headers and
//! to look the connection up.

use std::collections::VecDeque;

use model::{CapturedHandshake, Transport};

use super::counts::{Counts, count};
use super::flow::{Ends, FlowKey, Side, SipKey, Table};
use super::handshake::Describer;
use super::limits::Limits;
use super::packet::ip::{self, IpPacket};
use super::packet::transport::{self, FIN, RST, Segment};
use super::packet::{Packet, Unread, link};
use super::quic::{QuicFlow, Taken};
use super::tcp::{Connection, Reading};
use crate::quic::initial::begins_with_initial;

/// All connections that are known, and what came out of them.
#[derive(Debug)]
pub(super) struct Connections {
    tcp: Table<Connection>,
    quic: Table<Box<QuicFlow>>,
    /// ClientHellos whose answer is not complete, in the order in which they came, with their time.
    awaiting: VecDeque<(i64, Transport, FlowKey)>,
    found: VecDeque<CapturedHandshake>,
    /// Octets in memory for connections.
    held: usize,
    /// Time of the last packet that has one.
    now: i64,
    describer: Describer,
    limits: Limits,
    pub(super) counts: Counts,
}

const TOO_MANY: &str = "left before its end: too many connections";
const NO_ANSWER: &str = "no whole answer in time";
const END: &str = "the capture ends before the answer";

impl Connections {
    pub(super) fn new(key: SipKey, limits: Limits) -> Self {
        Self {
            tcp: Table::new(limits.tcp_connections, key),
            quic: Table::new(limits.quic_connections, key),
            awaiting: VecDeque::new(),
            found: VecDeque::new(),
            held: 0,
            now: 0,
            describer: Describer::new(),
            limits,
            counts: Counts::default(),
        }
    }

    /// The handshakes that were completed since the last call.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = CapturedHandshake> {
        self.found.drain(..)
    }

    pub(super) fn packet(&mut self, packet: Packet<'_>) {
        count(&mut self.counts.packets);
        self.now = packet.time.unwrap_or(self.now);
        self.expire();
        if let Err(why) = self.read(packet) {
            self.counts.unread(why);
        }
    }

    /// Nothing was captured until `now`.
    pub(super) fn time_is(&mut self, now: i64) {
        self.now = self.now.max(now);
        self.expire();
    }

    fn read(&mut self, packet: Packet<'_>) -> Result<(), Unread> {
        let packet = ip::read(link::ip_packet(packet.link_type, packet.octets)?)?;
        if packet.missing > 0 {
            count(&mut self.counts.cut);
        }
        if packet.fragment {
            count(&mut self.counts.first_fragments);
        }
        if packet.protocol == ip::TCP {
            let segment = transport::segment(packet.payload)?;
            self.segment(&packet, &segment);
        } else {
            let datagram = transport::datagram(packet.payload)?;
            // Nothing but long headers is of a handshake (RFC 8999 section 5.1).
            if datagram.payload.first().is_some_and(|first| first & 0x80 != 0) {
                let source = (packet.source, datagram.source);
                let (key, from) = Ends { source, destination: (packet.destination, datagram.destination) }.key();
                self.datagram(key, from, datagram.payload);
            }
        }
        Ok(())
    }

    fn segment(&mut self, packet: &IpPacket<'_>, segment: &Segment<'_>) {
        let source = (packet.source, segment.source);
        let (key, from) = Ends { source, destination: (packet.destination, segment.destination) }.key();
        let Some(connection) = self.tcp.get_mut(&key) else {
            return self.open(key, from, packet, segment);
        };
        if connection.is_another(from, segment) {
            self.leave(&key, None);
            return self.open(key, from, packet, segment);
        }
        match connection {
            Connection::Done => {
                if segment.has(FIN | RST) {
                    self.tcp.remove(&key);
                }
            }
            Connection::Opening(opening) => {
                opening.update(from, packet, segment);
                if !segment.payload.is_empty() {
                    let reading = Box::new(Reading::new(*opening));
                    self.held = self.held.saturating_add(reading.held());
                    *connection = Connection::Reading(reading);
                    self.payload(&key, from, packet, segment);
                } else if segment.has(FIN | RST) {
                    self.tcp.remove(&key);
                }
            }
            Connection::Reading(_) => self.payload(&key, from, packet, segment),
        }
    }

    fn open(&mut self, key: FlowKey, from: Side, packet: &IpPacket<'_>, segment: &Segment<'_>) {
        let Some(connection) = Connection::open(from, packet, segment) else { return };
        count(&mut self.counts.tcp_connections);
        if let Some((key, evicted)) = self.tcp.insert(key, connection) {
            self.evicted(&key, evicted);
        }
        if !segment.payload.is_empty() {
            // The connection that was opened this moment takes what came with it.
            self.segment(packet, segment);
        }
    }

    fn payload(&mut self, key: &FlowKey, from: Side, packet: &IpPacket<'_>, segment: &Segment<'_>) {
        let Some(connection) = self.tcp.get_mut(key) else { return };
        let Connection::Reading(reading) = connection else { return };
        let before = reading.held();
        let hello_whole = reading.push(from, packet, segment, self.now);
        self.held = self.held.saturating_sub(before).saturating_add(reading.held());
        if reading.is_over() {
            self.leave(key, None);
        } else if hello_whole {
            self.await_answer(Transport::Tcp, *key);
        }
        self.keep_within_memory();
    }

    /// Is done with a connection, and gives out its handshake.
    fn leave(&mut self, key: &FlowKey, why: Option<&str>) {
        let Some(connection) = self.tcp.get_mut(key) else { return };
        if let Connection::Reading(reading) = core::mem::replace(connection, Connection::Done) {
            self.give(key, *reading, why);
        }
    }

    fn give(&mut self, key: &FlowKey, reading: Reading, why: Option<&str>) {
        self.held = self.held.saturating_sub(reading.held());
        if reading.is_too_large() {
            count(&mut self.counts.too_large);
        }
        if let Some(found) = reading.finish(key, why, &mut self.describer) {
            count(&mut self.counts.handshakes);
            self.found.push_back(found);
        }
    }

    fn evicted(&mut self, key: &FlowKey, connection: Connection) {
        match connection {
            Connection::Done => {}
            Connection::Opening(_) => count(&mut self.counts.dropped_half_open),
            Connection::Reading(reading) => {
                count(&mut self.counts.dropped_connections);
                self.give(key, *reading, Some(TOO_MANY));
            }
        }
    }

    fn datagram(&mut self, key: FlowKey, from: Side, datagram: &[u8]) {
        let Some(flow) = self.quic.get_mut(&key) else {
            return self.open_quic(key, from, datagram);
        };
        let before = flow.held();
        let taken = flow.push(from, datagram, self.now);
        self.held = self.held.saturating_sub(before).saturating_add(flow.held());
        if taken == Taken::AnotherConnection {
            self.leave_quic(&key, None);
            if let Some(flow) = self.quic.remove(&key) {
                self.held = self.held.saturating_sub(flow.held());
            }
            return self.open_quic(key, from, datagram);
        }
        self.quic_progress(key, &taken);
    }

    fn open_quic(&mut self, key: FlowKey, from: Side, datagram: &[u8]) {
        if !begins_with_initial(datagram) {
            return;
        }
        let Some((flow, taken)) = QuicFlow::open(from, datagram, self.now) else {
            return count(&mut self.counts.unopened);
        };
        count(&mut self.counts.quic_connections);
        self.held = self.held.saturating_add(flow.held());
        if let Some((key, evicted)) = self.quic.insert(key, Box::new(flow)) {
            self.evicted_quic(&key, evicted);
        }
        self.quic_progress(key, &taken);
    }

    fn quic_progress(&mut self, key: FlowKey, taken: &Taken) {
        if self.quic.get_mut(&key).is_some_and(|flow| flow.is_over()) {
            self.leave_quic(&key, None);
        } else if *taken == Taken::HelloWhole {
            self.await_answer(Transport::Quic, key);
        }
        self.keep_within_memory();
    }

    fn leave_quic(&mut self, key: &FlowKey, why: Option<&str>) {
        let Some(flow) = self.quic.get_mut(key) else { return };
        let before = flow.held();
        let given = flow.give(key, why, &mut self.describer);
        self.held = self.held.saturating_sub(before).saturating_add(flow.held());
        if let Some(found) = given {
            count(&mut self.counts.handshakes);
            self.found.push_back(found);
        }
    }

    fn evicted_quic(&mut self, key: &FlowKey, mut flow: Box<QuicFlow>) {
        self.held = self.held.saturating_sub(flow.held());
        if flow.is_given {
            return;
        }
        count(&mut self.counts.dropped_quic);
        if let Some(found) = flow.give(key, Some(TOO_MANY), &mut self.describer) {
            count(&mut self.counts.handshakes);
            self.found.push_back(found);
        }
    }

    fn await_answer(&mut self, transport: Transport, key: FlowKey) {
        self.awaiting.push_back((self.now, transport, key));
        let limit = self.limits.tcp_connections.saturating_add(self.limits.quic_connections);
        while self.awaiting.len() > limit {
            self.answer_is_late();
        }
    }

    /// Gives out the handshakes that have waited long enough.
    fn expire(&mut self) {
        while self.awaiting.front().is_some_and(|(at, ..)| self.now.saturating_sub(*at) >= self.limits.answer_within) {
            self.answer_is_late();
        }
    }

    fn answer_is_late(&mut self) {
        let Some((at, transport, key)) = self.awaiting.pop_front() else { return };
        // Most have been given out since, and another connection may have taken the place.
        match transport {
            Transport::Tcp => {
                let waits = |connection: &mut Connection| matches!(connection, Connection::Reading(reading) if reading.hello_at() == Some(at));
                if self.tcp.get_mut(&key).is_some_and(waits) {
                    self.leave(&key, Some(NO_ANSWER));
                }
            }
            Transport::Quic => {
                if self.quic.get_mut(&key).is_some_and(|flow| flow.hello_at() == Some(at)) {
                    self.leave_quic(&key, Some(NO_ANSWER));
                }
            }
        }
    }

    /// Lets the oldest connections go while all together hold too much.
    fn keep_within_memory(&mut self) {
        while self.held > self.limits.octets {
            let quic = self.quic.pop_oldest();
            let tcp = self.tcp.pop_oldest();
            if tcp.is_none() && quic.is_none() {
                return;
            }
            if let Some((key, flow)) = quic {
                self.evicted_quic(&key, flow);
            }
            if let Some((key, connection)) = tcp {
                self.evicted(&key, connection);
            }
        }
    }

    /// Gives out what was waiting for more.
    pub(super) fn finish(&mut self) {
        while let Some((key, connection)) = self.tcp.pop_oldest() {
            if let Connection::Reading(reading) = connection {
                self.give(&key, *reading, Some(END));
            }
        }
        while let Some((key, mut flow)) = self.quic.pop_oldest() {
            self.held = self.held.saturating_sub(flow.held());
            if let Some(found) = flow.give(&key, Some(END), &mut self.describer) {
                count(&mut self.counts.handshakes);
                self.found.push_back(found);
            }
        }
        self.awaiting.clear();
    }
}
