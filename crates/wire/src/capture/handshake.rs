//! The line that comes out: a ClientHello described.

use std::net::SocketAddr;

use model::{CapturedHandshake, HelloFacts, HexBytes, Timestamp, Transport};

use crate::fingerprint::{Fingerprints, Ja4};
use crate::tls::read_hello;

pub(super) fn of_tcp(time: i64, src: SocketAddr, dst: SocketAddr) -> CapturedHandshake {
    empty(time, src, dst, Transport::Tcp)
}

pub(super) fn of_quic(time: i64, src: SocketAddr, dst: SocketAddr) -> CapturedHandshake {
    empty(time, src, dst, Transport::Quic)
}

fn empty(time: i64, src: SocketAddr, dst: SocketAddr, transport: Transport) -> CapturedHandshake {
    CapturedHandshake {
        v: CapturedHandshake::VERSION,
        // All of 64 bits of nanoseconds lies within what the type can say.
        time: Timestamp(jiff::Timestamp::from_nanosecond(time.into()).unwrap_or_default()),
        src,
        dst,
        transport,
        prologue: None,
        quic_version: None,
        sni: None,
        alpn: Vec::new(),
        ja3: None,
        ja4: None,
        ja4_r: None,
        ja4_o: None,
        client_hello: None,
        server: None,
        syn: None,
        damage: Vec::new(),
    }
}

/// Reads ClientHellos, with what is worth keeping from one to the next.
#[derive(Debug)]
pub(super) struct Describer {
    facts: HelloFacts,
    fingerprints: Fingerprints,
}

impl Describer {
    pub(super) fn new() -> Self {
        Self { facts: HelloFacts::default(), fingerprints: Fingerprints::new() }
    }

    /// Fills in what the message says. Text of the peer is escaped: it may be anything.
    pub(super) fn describe(&mut self, found: &mut CapturedHandshake, message: Vec<u8>) {
        let facts = &mut self.facts;
        match read_hello(&message, facts) {
            Ok(()) => {
                let name = facts.server_name.escape_ascii().to_string();
                found.sni = (!name.is_empty()).then_some(name);
                found.alpn = facts.alpn().map(|name| name.escape_ascii().to_string()).collect();
                let (ja3, ja4) = self.fingerprints.of(facts, found.transport);
                found.ja3 = ja3.map(|ja3| ja3.as_str().to_owned());
                found.ja4 = ja4.map(|ja4| ja4.as_str().to_owned());
                found.ja4_r = Ja4::raw(facts, found.transport);
                found.ja4_o = Ja4::in_original_order(facts, found.transport).map(|ja4| ja4.as_str().to_owned());
            }
            Err(error) => found.damage.push(format!("ClientHello: {error}")),
        }
        found.client_hello = Some(HexBytes(message));
    }
}
