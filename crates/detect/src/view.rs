//! One host's facts, as the rules look at them: indices into a record are followed with care, because a record is a
//! file that anybody may have written.

use model::{
    Attempt, Chain, Connection, Header, HostRecord, Http3, HttpExchange, Quic, Record, Reflection, ReflectorRecord,
    TlsSession, Transport, Trust, WebSocketSession,
};

use crate::Knowledge;
use crate::context::Context;
use crate::standing::{Standing, standing};

/// Code points of the IANA TLS registries.
pub(crate) const TLS13: u16 = 0x0304;
pub(crate) const X25519MLKEM768: u16 = 0x11ec;

pub(crate) struct View<'a> {
    pub(crate) record: &'a Record,
    pub(crate) host: &'a HostRecord,
    pub(crate) reflector: Option<&'a ReflectorRecord>,
    pub(crate) context: &'a Context,
    pub(crate) knowledge: &'a Knowledge,
    /// For each chain, what it leads to.
    standings: Vec<Standing>,
    /// For each connection, what class A says about it; filled after the class A rules have run.
    settled: Vec<Settled>,
}

/// What is known about who ends a connection's TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The service itself: nothing on the path can read or alter what travels inside.
    Whole,
    /// Somebody else.
    Ended,
    #[default]
    Open,
}

/// A response head, wherever it was seen.
pub(crate) struct Response<'a> {
    pub(crate) connection: usize,
    pub(crate) status: u16,
    pub(crate) headers: &'a [Header],
    pub(crate) body: Option<&'a str>,
}

impl Response<'_> {
    pub(crate) fn header<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b str> {
        self.headers.iter().filter(move |h| h.0.eq_ignore_ascii_case(name)).map(|h| h.1.as_str())
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(
        record: &'a Record,
        host: &'a HostRecord,
        reflector: Option<&'a ReflectorRecord>,
        context: &'a Context,
        knowledge: &'a Knowledge,
    ) -> Self {
        let standings = host.chains.iter().map(|chain| standing(chain, &host.target)).collect();
        Self {
            record,
            host,
            reflector,
            context,
            knowledge,
            standings,
            settled: vec![Settled::Open; host.connections.len()],
        }
    }

    pub(crate) fn settle(&mut self, settled: Vec<Settled>) {
        self.settled = settled;
    }

    pub(crate) fn settled(&self, connection: usize) -> Settled {
        self.settled.get(connection).copied().unwrap_or_default()
    }

    /// Nothing on the path can have altered what this connection carried.
    pub(crate) fn is_whole(&self, connection: usize) -> bool {
        self.settled(connection) == Settled::Whole
    }

    /// Somebody on the path can have altered what this connection carried. A chain that leads where it should leaves
    /// only the service to blame, even where some other part of the proof is missing: an old log list must not turn
    /// a content network's own Via header into manipulation.
    pub(crate) fn can_be_altered(&self, connection: usize) -> bool {
        let ended_somewhere = || self.some_connection_ended();
        match self.settled(connection) {
            Settled::Whole => false,
            Settled::Ended => true,
            Settled::Open => match self.connection(connection).and_then(|c| c.chain) {
                Some(chain) => {
                    matches!(
                        self.standings.get(chain),
                        Some(Standing::Private | Standing::Untrusted | Standing::Forged | Standing::OtherName)
                    ) || self.is_reflector() && ended_somewhere()
                }
                None => ended_somewhere(),
            },
        }
    }

    /// Somebody else than the service ended TLS on some connection to this host.
    pub(crate) fn some_connection_ended(&self) -> bool {
        self.settled.contains(&Settled::Ended)
    }

    pub(crate) fn ended_connections(&self) -> Vec<usize> {
        (0..self.settled.len()).filter(|index| self.settled(*index) == Settled::Ended).collect()
    }

    pub(crate) fn is_reflector(&self) -> bool {
        self.reflector.is_some()
    }

    /// Whether the certificate must lead to public roots. The reflector is known by its key, not by its certificate.
    pub(crate) fn judged_by_public_trust(&self) -> bool {
        !self.is_reflector() && self.host.target.promises.trust == Trust::Public
    }

    pub(crate) fn connection(&self, index: usize) -> Option<&'a Connection> {
        self.host.connections.get(index)
    }

    pub(crate) fn session(&self, index: usize) -> Option<&'a TlsSession> {
        self.connection(index)?.tls.seen()
    }

    /// Every chain with its index, what it leads to, and the connections that showed it.
    pub(crate) fn chains(&self) -> impl Iterator<Item = (usize, &'a Chain, &Standing, Vec<usize>)> {
        self.host
            .chains
            .iter()
            .zip(&self.standings)
            .enumerate()
            .map(|(index, (chain, standing))| (index, chain, standing, self.shown_on(index)))
    }

    pub(crate) fn shown_on(&self, chain: usize) -> Vec<usize> {
        self.connections(|connection| connection.chain == Some(chain))
    }

    pub(crate) fn connections(&self, wanted: impl Fn(&Connection) -> bool) -> Vec<usize> {
        self.host.connections.iter().enumerate().filter(|(_, c)| wanted(c)).map(|(index, _)| index).collect()
    }

    /// The `tls` check's connection with the large, hybrid hello.
    pub(crate) fn hybrid(&self) -> Option<(usize, &'a Connection)> {
        let index = self.host.tls.seen()?.hybrid;
        Some((index, self.connection(index)?))
    }

    /// The `tls` check's connection with the small hello.
    pub(crate) fn classic(&self) -> Option<(usize, &'a Connection)> {
        let index = self.host.tls.seen()?.classic;
        Some((index, self.connection(index)?))
    }

    /// TLS over TCP was completed at least once: what fails beside it fails by itself.
    pub(crate) fn tcp_works(&self) -> bool {
        self.host.connections.iter().any(|c| c.transport == Transport::Tcp && c.tls.seen().is_some())
    }

    pub(crate) fn quic(&self) -> Option<&'a Quic> {
        self.host.quic.seen()
    }

    pub(crate) fn http3(&self) -> Option<&'a Http3> {
        self.quic()?.http3.seen()
    }

    pub(crate) fn reflections(&self) -> Vec<&'a Reflection> {
        let Some(reflector) = self.reflector else { return Vec::new() };
        [&reflector.hybrid, &reflector.classic, &reflector.tls12, &reflector.quic]
            .into_iter()
            .filter_map(Attempt::seen)
            .collect()
    }

    /// The plain exchanges over TCP.
    pub(crate) fn exchanges(&self) -> Vec<&'a HttpExchange> {
        let http = self.host.http.seen();
        http.into_iter().flat_map(|http| [&http.preferred, &http.http1]).filter_map(Attempt::seen).collect()
    }

    pub(crate) fn websockets(&self) -> Vec<&'a WebSocketSession> {
        let websocket = self.host.websocket.seen();
        websocket.into_iter().flat_map(|w| [&w.http1, &w.http2, &w.idle]).filter_map(Attempt::seen).collect()
    }

    /// What came back for the test patterns, as responses; those without a connection of their own are left out.
    pub(crate) fn content_responses(&self) -> Vec<Response<'a>> {
        let content = self.host.content.seen();
        let tests = content.into_iter().flat_map(|content| &content.tests);
        tests
            .filter_map(|test| {
                let outcome = test.outcome.seen()?;
                Some(Response {
                    connection: test.connection?,
                    status: outcome.status,
                    headers: &outcome.headers,
                    body: outcome.text.as_deref(),
                })
            })
            .collect()
    }

    /// Every response head of this host, over every protocol.
    pub(crate) fn responses(&self) -> Vec<Response<'a>> {
        let plain = self.exchanges().into_iter();
        let http3 = self.http3().map(|http3| &http3.exchange);
        let stream = self.host.stream.seen().map(|stream| &stream.exchange);
        plain
            .chain(http3)
            .chain(stream)
            .map(|exchange| Response {
                connection: exchange.connection,
                status: exchange.status,
                headers: &exchange.headers,
                body: exchange.body.seen().and_then(|body| body.text.as_deref()),
            })
            .chain(self.websockets().into_iter().map(|session| Response {
                connection: session.connection,
                status: session.status,
                headers: &session.headers,
                body: None,
            }))
            .collect()
    }
}
