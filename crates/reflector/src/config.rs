//! What a reflector is told: where to listen, who it is, and how much it gives to whom.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use model::Coordinates;

use crate::http::MAX_GAP;
use crate::{Certificate, Dns, SigningKey};

/// Everything that [`bind`](crate::bind) needs.
#[derive(Debug)]
pub struct Config {
    /// Each address is served over TCP and, if [`quic`](Self::quic) is set, over UDP on the same port. Port 0 takes a
    /// free one.
    pub listen: Vec<SocketAddr>,
    pub certificate: Certificate,
    pub signing_key: SigningKey,
    /// Whether to speak QUIC and to announce it in Alt-Svc.
    pub quic: bool,
    /// The UDP port that Alt-Svc announces, where it is not the one listened on: behind a port mapping.
    pub announced_port: Option<u16>,
    /// UDP addresses for STUN and for calls, all of one port; none without them. Port 0 takes a free one.
    pub media: Vec<SocketAddr>,
    /// The name server that tells which resolver asks for a client; none without it.
    pub dns: Option<Dns>,
    /// Where this reflector is, as its operator says; told to clients, so that they know how far it is.
    pub place: Option<Coordinates>,
    /// Headers that every response carries in addition.
    pub extra_headers: Vec<(HeaderName, HeaderValue)>,
    pub limits: Limits,
}

impl Config {
    pub fn new(certificate: Certificate, signing_key: SigningKey) -> Self {
        Self {
            listen: Vec::new(),
            certificate,
            signing_key,
            quic: true,
            announced_port: None,
            media: Vec::new(),
            dns: None,
            place: None,
            extra_headers: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// What an outsider can use up, and how much of it. "Client" is one IPv4 address or one IPv6 /64 network.
///
/// Limits of single messages are constants of the protocol that this server speaks and stand with their endpoints.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time, TCP and QUIC together. One more is cut before its handshake.
    pub connections: usize,
    pub connections_per_client: usize,
    /// WebSockets, event streams and downloads at a time. One more is answered 503.
    pub transfers: usize,
    /// One more is answered 429.
    pub transfers_per_client: usize,
    /// Calls at a time, from the grant to half a minute after their end. One more is answered 503.
    pub calls: usize,
    /// One more is answered 429.
    pub calls_per_client: usize,
    /// The longest call.
    pub call: Duration,
    /// From the first packet to the end of the TLS or QUIC handshake.
    pub handshake: Duration,
    /// To receive one request head. Over HTTP/1.1 this is also how long a connection may wait for its next request.
    pub head: Duration,
    /// How long a connection may go without any request being served.
    pub idle: Duration,
    /// How long a peer may leave what we send unread, or a request body unfinished without sending more of it.
    pub stall: Duration,
    /// How long a WebSocket may stay without a message.
    pub websocket_idle: Duration,
    /// How long any connection, WebSocket or event stream may last.
    pub life: Duration,
    pub requests_per_connection: usize,
    /// Octets of a request body.
    pub body: u64,
    /// How long open connections may go on after the order to stop.
    pub drain: Duration,
}

impl Limits {
    /// How long nothing at all may move on a connection that has requests open: longer than any pause that an endpoint
    /// makes by itself.
    pub(crate) fn stuck(&self) -> Duration {
        self.websocket_idle.max(MAX_GAP).saturating_add(self.stall)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_client: 128,
            transfers: 512,
            transfers_per_client: 64,
            calls: 256,
            calls_per_client: 16,
            call: Duration::from_secs(5 * 60),
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(90),
            stall: Duration::from_secs(30),
            websocket_idle: Duration::from_secs(10 * 60),
            life: Duration::from_secs(60 * 60),
            requests_per_connection: 1000,
            body: 16 << 20,
            drain: Duration::from_secs(5),
        }
    }
}
