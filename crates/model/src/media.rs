//! What the `media` and `download` checks saw: UDP as a call uses it, and a longer transfer.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Attempt, HexBytes, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// STUN (RFC 8489) with each media port of each address.
    pub stun: Vec<StunTry>,
    /// What a client falls back to: a TCP connection to the relay.
    pub tcp: Attempt<Milliseconds>,
    /// A call of some seconds with the reflector.
    pub call: Attempt<Call>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StunTry {
    pub address: SocketAddr,
    pub outcome: Attempt<StunAnswer>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StunAnswer {
    /// XOR-MAPPED-ADDRESS: who the server sees.
    pub mapped: Option<SocketAddr>,
    pub time_ms: Milliseconds,
    /// Requests until the answer came: UDP may lose one.
    pub tries: u32,
    pub software: Option<String>,
    /// What was answered.
    #[serde(default)]
    pub request: StunRequest,
    /// The code of an error response, such as 401: the path is open all the same.
    #[serde(default)]
    pub error: Option<u16>,
}

/// The requests that are sent to each port side by side: relays that want a sign-in may leave the first one unanswered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StunRequest {
    /// Binding (RFC 8489 section 2).
    #[default]
    Binding,
    /// TURN's Allocate without credentials (RFC 8656 section 7), which is answered with an error.
    Allocate,
}

/// Packets of a voice call's size and pace, sent back by the reflector one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub address: SocketAddr,
    pub duration_ms: Milliseconds,
    pub interval_ms: Milliseconds,
    /// UDP payload.
    pub packet_octets: u32,
    pub sent: u32,
    /// How many the reflector got, where its word was heard at the end; so loss there and loss back are told apart.
    pub arrived: Option<u32>,
    pub returned: u32,
    pub duplicated: u32,
    /// Packets that came after one which was sent later (RFC 4737 section 3.3), there and back.
    pub reordered_there: Option<u32>,
    pub reordered: u32,
    /// The longest run of packets lost one after another.
    pub longest_gap: u32,
    /// Mean length of such runs divided by the mean that random loss would give (ITU-T G.107 BurstR); 1 is random.
    pub burst_ratio: f64,
    /// Round trip: least, median, 95th percentile, greatest.
    pub least_ms: Milliseconds,
    pub median_ms: Milliseconds,
    pub p95_ms: Milliseconds,
    pub greatest_ms: Milliseconds,
    /// Interarrival jitter (RFC 3550 section 6.4.1) at the end, as it was here, and as the reflector saw it.
    pub jitter_ms: Milliseconds,
    pub jitter_there_ms: Option<Milliseconds>,
    /// Sender and receiver shared a busy machine or the pace could not be held: the greatest lateness of our own sending.
    pub lateness_ms: Milliseconds,
    /// Our UDP address as the reflector saw it, in its signed word at the end.
    #[serde(default)]
    pub seen_as: Option<SocketAddr>,
}

/// What a reflector grants for a call; it travels sealed as an [`Answer`](crate::Answer) does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallTerms {
    pub v: u32,
    /// The client's challenge, repeated.
    pub challenge: HexBytes,
    /// UDP, at the address that was asked.
    pub media_port: u16,
    /// The pace and the size (UDP payload) of the packets.
    pub interval_ms: Milliseconds,
    pub packet_octets: u32,
    /// The longest call that is granted.
    pub limit_ms: Milliseconds,
    /// The call itself; absent where none was asked for.
    #[serde(default)]
    pub call: Option<GrantedCall>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedCall {
    /// 16 octets that each packet carries.
    pub token: HexBytes,
    /// Sequence numbers run from 0 to one less.
    pub packets: u32,
}

/// What arrived of a call, in the reflector's word; it travels sealed too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallReport {
    pub v: u32,
    pub challenge: HexBytes,
    pub token: HexBytes,
    /// Distinct packets; copies of them; and those that came after one which was sent later (RFC 4737 section 3.3).
    pub arrived: u32,
    pub duplicated: u32,
    pub reordered: u32,
    /// Interarrival jitter (RFC 3550 section 6.4.1) at the end.
    pub jitter_ms: Milliseconds,
    /// Where the packets came from.
    pub seen_as: Option<SocketAddr>,
}

impl CallTerms {
    pub const VERSION: u32 = 1;

    /// The octets that are signed for this JSON text.
    pub fn signed_octets(json: &[u8]) -> Vec<u8> {
        [b"truepath call terms v1\n", json].concat()
    }
}

impl CallReport {
    pub const VERSION: u32 = 1;

    /// The octets that are signed for this JSON text.
    pub fn signed_octets(json: &[u8]) -> Vec<u8> {
        [b"truepath call report v1\n", json].concat()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Download {
    /// Index into [`HostRecord::connections`](crate::HostRecord::connections).
    pub connection: usize,
    pub path: String,
    pub octets: u64,
    pub complete: bool,
    /// First octet of the body to the last.
    pub took_ms: Milliseconds,
    /// Octets received in each quarter of a second.
    pub quarters: Vec<u64>,
    /// Round trips beside it on a connection of their own: before, and while it ran.
    pub idle_ms: Vec<Milliseconds>,
    pub loaded_ms: Vec<Milliseconds>,
}
