//! A TLS handshake that was found in a capture: the line that `truepath inspect` writes for each.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Base64Bytes, HexBytes, Syn, Timestamp, Transport};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapturedHandshake {
    pub v: u32,
    /// Of the packet that completed the ClientHello.
    pub time: Timestamp,
    /// The client and the server.
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    /// What came before TLS: "connect", "socks5", "starttls-smtp", ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prologue: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quic_version: Option<u32>,
    pub sni: Option<String>,
    pub alpn: Vec<String>,
    pub ja3: Option<String>,
    pub ja4: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ja4_r: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ja4_o: Option<String>,
    /// The handshake message, its four octets of header included.
    pub client_hello: Option<HexBytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<CapturedServer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syn: Option<Syn>,
    /// What was wrong with this flow: a gap, a message cut off, an alert.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<String>,
}

impl CapturedHandshake {
    pub const VERSION: u32 = 1;
}

/// The server's side, as far as it is in the clear.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CapturedServer {
    /// Code points of the IANA registries.
    pub version: Option<u16>,
    pub cipher: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u16>,
    /// TLS 1.2 and older; in TLS 1.3 it is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// A HelloRetryRequest came first.
    #[serde(default)]
    pub retry: bool,
    /// DER, leaf first; TLS 1.2 and older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Vec<Base64Bytes>>,
    /// The issuer of the first certificate (RFC 4514).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// An alert in place of an answer: its level and description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<(u8, u8)>,
}
