//! QUIC connections as a capture shows them: who sent which datagram, and the handshake that comes out.

use model::{CapturedHandshake, CapturedServer};

use super::flow::{FlowKey, Side};
use super::handshake::{self, Describer};
use super::tcp::take_server_hello;
use crate::quic::initial::{Error, InitialFlow, Progress, Sender};
use crate::tls::ServerHello;

#[derive(Debug)]
pub(super) struct QuicFlow {
    flow: InitialFlow,
    client: Side,
    /// When the ClientHello was whole.
    hello_at: Option<i64>,
    seen_at: i64,
    /// Datagrams that could not be used, and the first reason.
    damage: Option<Error>,
    /// The handshake was given out. The flow is kept to tell late datagrams from another connection.
    pub(super) is_given: bool,
}

/// What became of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// The ClientHello is whole by it.
    HelloWhole,
    AnotherConnection,
}

impl QuicFlow {
    /// A flow that this datagram opens; `None` where it cannot be opened.
    pub(super) fn open(from: Side, datagram: &[u8], time: i64) -> Option<(Self, Taken)> {
        let mut flow = Self {
            flow: InitialFlow::new(),
            client: from,
            hello_at: None,
            seen_at: time,
            damage: None,
            is_given: false,
        };
        let taken = flow.push(from, datagram, time);
        flow.flow.version().is_some().then_some((flow, taken))
    }

    pub(super) fn push(&mut self, from: Side, datagram: &[u8], time: i64) -> Taken {
        let sender = if from == self.client { Sender::Client } else { Sender::Server };
        match self.flow.push(sender, datagram) {
            Ok(Progress::AnotherConnection) => return Taken::AnotherConnection,
            Ok(Progress::Taken) => {}
            Err(error) => {
                self.damage.get_or_insert(error);
            }
        }
        self.seen_at = time;
        if self.hello_at.is_none() && self.flow.client_hello().is_some() {
            self.hello_at = Some(time);
            return Taken::HelloWhole;
        }
        Taken::Yes
    }

    /// Whether nothing more is to be expected.
    pub(super) fn is_over(&self) -> bool {
        let closed = [Sender::Client, Sender::Server].iter().any(|side| self.flow.close_code(*side).is_some());
        self.flow.is_complete() || (closed && self.hello_at.is_some())
    }

    pub(super) fn hello_at(&self) -> Option<i64> {
        self.hello_at
    }

    /// Octets in memory, about.
    pub(super) fn held(&self) -> usize {
        size_of::<Self>().saturating_add(self.flow.held())
    }

    /// What the connection gave; `why` says why it was left before its end.
    pub(super) fn give(
        &mut self,
        key: &FlowKey,
        why: Option<&str>,
        describer: &mut Describer,
    ) -> Option<CapturedHandshake> {
        if self.is_given {
            return None;
        }
        self.is_given = true;
        let found = self.found(key, why, describer);
        self.flow.close();
        found
    }

    fn found(&self, key: &FlowKey, why: Option<&str>, describer: &mut Describer) -> Option<CapturedHandshake> {
        let hello = self.flow.client_hello().map(<[u8]>::to_vec);
        if hello.is_none() && !self.flow.is_cut() {
            return None;
        }
        let time = self.hello_at.unwrap_or(self.seen_at);
        let mut found = handshake::of_quic(time, key.address(self.client), key.address(self.client.other()));
        found.quic_version = self.flow.version();
        found.server = self.server();
        if hello.is_none() {
            found.damage.push("ClientHello: pieces are missing".to_owned());
        }
        if !self.is_over() {
            found.damage.extend(self.damage.as_ref().map(ToString::to_string));
            found.damage.extend(why.map(str::to_owned));
        }
        if let Some(message) = hello {
            describer.describe(&mut found, message);
        }
        Some(found)
    }

    fn server(&self) -> Option<CapturedServer> {
        let mut facts = CapturedServer::default();
        let mut answered = false;
        for message in self.flow.server_messages() {
            if let Ok(hello) = ServerHello::parse(message) {
                take_server_hello(&hello, &mut facts);
                answered = true;
            }
        }
        if let Some(description) = self.flow.alert(Sender::Server) {
            // QUIC has no levels: every alert ends the connection (RFC 9001 section 4.8).
            facts.alert = Some((2, description));
            answered = true;
        }
        answered.then_some(facts)
    }
}
