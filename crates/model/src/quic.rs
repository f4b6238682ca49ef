//! What the `quic` check saw, layer by layer.

use serde::{Deserialize, Serialize};

use crate::{Attempt, HttpExchange, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quic {
    /// A datagram of a version that nobody speaks must be answered by Version Negotiation (RFC 9000 section 6.1).
    pub version_negotiation: Attempt<VersionNegotiation>,
    /// Index into [`HostRecord::connections`](crate::HostRecord::connections); its `tls` says how the handshake ended.
    pub connection: Option<usize>,
    /// Datagrams that came back before the handshake ended, however it ended.
    pub handshake_datagrams_received: u32,
    pub http3: Attempt<Http3>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionNegotiation {
    pub time_ms: Milliseconds,
    /// Versions offered, as code points of the IANA registry; grease included.
    pub versions: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Http3 {
    pub exchange: HttpExchange,
    /// Start of the QUIC handshake to the first response head.
    pub total_first_byte_ms: Milliseconds,
    /// A longer transfer on the same connection, or the reason why none was made: some devices let the handshake
    /// pass and then stall.
    pub sustained: Attempt<u64>,
}
