//! What the `websocket` check saw: not only the upgrade, but the life after it.

use serde::{Deserialize, Serialize};

use crate::{Attempt, Header, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebSocket {
    /// HTTP/1.1 Upgrade (RFC 6455 section 4).
    pub http1: Attempt<WebSocketSession>,
    /// HTTP/2 extended CONNECT (RFC 8441).
    pub http2: Attempt<WebSocketSession>,
    /// A connection of its own that stays silent for `Options::life_ms`, then exchanges one frame.
    pub idle: Attempt<WebSocketSession>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebSocketSession {
    /// Index into [`HostRecord::connections`](crate::HostRecord::connections).
    pub connection: usize,
    pub path: String,
    /// The status of the answer to the opening handshake: 101 over HTTP/1.1, 200 over HTTP/2, or a refusal.
    pub status: u16,
    pub headers: Vec<Header>,
    pub upgrade_ms: Milliseconds,
    /// Sec-WebSocket-Accept fits the key that was sent; absent over HTTP/2.
    pub accept_matches: Option<bool>,
    /// Sec-WebSocket-Extensions as offered, as the far end received it (only an echoing far end tells), and as answered.
    pub extensions_offered: Option<String>,
    pub extensions_arrived: Attempt<Option<String>>,
    pub extensions_answered: Option<String>,
    /// How long nothing was said by us, where that was asked for. `Failed`: it ended during the silence, or was found dead
    /// after it; `after_ms` is the time until then.
    pub silent_ms: Attempt<Milliseconds>,
    /// Round trip of a small text frame.
    pub small_frame_ms: Attempt<Milliseconds>,
    /// Round trip of a large binary frame that came back octet for octet.
    pub large_frame_ms: Attempt<Milliseconds>,
    /// How it ended.
    pub end: WebSocketEnd,
    /// Opened to ended.
    pub open_ms: Milliseconds,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebSocketEnd {
    /// The opening handshake was answered with something else than an upgrade.
    Refused,
    /// We closed it. What the peer did after that says nothing about the path.
    ClosedByUs,
    /// The peer sent a close frame with this code (RFC 6455 section 7.4).
    CloseFrame(u16),
    /// The transport ended without a close frame: what a browser reports as 1006.
    Cut,
    /// A reset of the transport.
    Reset,
    /// A frame that was due did not come.
    Stalled,
    /// The peer broke the protocol, and how.
    Broken(String),
}
