//! What a reflector says arrived at it. The answer is signed with a key that the client pins, so that an interceptor
//! can relay it but not forge it.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{AskedBy, Base64Bytes, Coordinates, HexBytes, HostName, Timestamp, Transport};

/// What arrived, as the reflector saw it on this very connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub v: u32,
    /// The client's challenge, repeated: an answer cannot be replayed.
    pub challenge: HexBytes,
    pub time: Timestamp,
    pub transport: Transport,
    pub client: SocketAddr,
    /// The ClientHello handshake message as it arrived, its four octets of header included.
    pub client_hello: Option<HexBytes>,
    pub tls_version: u16,
    pub cipher_suite: u16,
    pub alpn: Option<String>,
    /// `tls-exporter` channel binding (RFC 9266), where the session has one.
    pub exporter: Option<HexBytes>,
    /// "1.0", "1.1", "2" or "3".
    pub http_version: String,
    pub method: String,
    pub path: String,
    /// In the order in which they arrived.
    pub headers: Vec<ArrivedHeader>,
    /// The request's body, read to its end; absent where there was none.
    #[serde(default)]
    pub body: Option<ArrivedBody>,
    /// The headers of the response that carries this answer, in their order, but for those that say where its body ends.
    /// Empty from a reflector that does not tell them.
    #[serde(default)]
    pub response_headers: Vec<ArrivedHeader>,
    /// The SYN of this connection; absent over QUIC and where the platform does not keep it.
    #[serde(default)]
    pub syn: Option<Syn>,
    /// Who asked our name server for the name of the query's `name=`, in the last minute.
    #[serde(default)]
    pub asked_by: Vec<AskedBy>,
    /// The zone whose names tell which resolver asks; the UDP port for calls and STUN; where the operator says this is.
    #[serde(default)]
    pub dns_zone: Option<HostName>,
    #[serde(default)]
    pub media_port: Option<u16>,
    #[serde(default)]
    pub place: Option<Coordinates>,
}

/// A request's body as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivedBody {
    pub length: u64,
    pub sha256: HexBytes,
    /// "chunked", "length" or "frames" (HTTP/2 and HTTP/3 without a length).
    pub framing: String,
    pub trailers: Vec<ArrivedHeader>,
}

/// A TCP SYN as it arrived (RFC 9293 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Syn {
    /// TTL, or hop limit.
    pub ttl: u8,
    pub window: u16,
    /// The options in order, as in design section 8: "mss,sok,ts,nop,ws".
    pub options: String,
    pub mss: Option<u16>,
    pub window_scale: Option<u8>,
}

impl Answer {
    pub const VERSION: u32 = 1;
    /// The exporter's label (RFC 9266 section 2). The context is present and of zero length, which TLS 1.2 tells apart
    /// from no context at all (RFC 5705 section 4); the value has 32 octets.
    pub const EXPORTER_LABEL: &'static [u8] = b"EXPORTER-Channel-Binding";
}

/// Name and value of a request header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivedHeader(pub String, pub String);

/// An [`Answer`] as it travels: the signed octets are the JSON text itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedAnswer {
    pub v: u32,
    /// The JSON of an [`Answer`], as octets, so that what was signed is what is read.
    pub answer: Base64Bytes,
    /// Ed25519 over the octets `truepath reflection v1\n` followed by `answer`.
    pub signature: Base64Bytes,
    /// The Ed25519 public key that signed, for the reader to hold against the pin.
    pub key: HexBytes,
}

impl SealedAnswer {
    pub const VERSION: u32 = 1;
    const PURPOSE: &'static [u8] = b"truepath reflection v1\n";

    /// The octets that are signed for this `answer`. Naming the purpose keeps a signature from being taken for one
    /// over something else.
    pub fn signed_octets(answer: &[u8]) -> Vec<u8> {
        [Self::PURPOSE, answer].concat()
    }
}

/// What became of asking the reflector over one connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reflection {
    /// Index into [`HostRecord::connections`](crate::HostRecord::connections).
    pub connection: usize,
    /// The challenge we sent.
    pub challenge: HexBytes,
    /// The signature verifies under the pinned key.
    pub signature_valid: bool,
    /// The answer, for what it is worth where the signature does not verify.
    pub answer: Answer,
    /// Field by field, how the ClientHello that arrived differs from the one that left; empty where they are equal.
    pub hello_differences: Vec<String>,
    /// The request headers as they left us.
    pub headers_sent: Vec<ArrivedHeader>,
}
