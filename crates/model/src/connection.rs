//! One connection that a check opened. Each is judged by itself: a path may decrypt one client hello and not the next.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Attempt, HexBytes, HostName, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The check that opened it, and what for: "tls" and "hybrid", "websocket" and "http/1.1".
    pub check: String,
    pub purpose: String,
    pub transport: Transport,
    /// The address connected to: the service's, or the explicit proxy's.
    pub address: SocketAddr,
    pub sni: Option<HostName>,
    /// Whether an explicit proxy was asked to CONNECT first.
    pub via_proxy: bool,
    /// SYN to SYN-ACK as the socket saw it; absent for QUIC.
    pub connect_ms: Option<Milliseconds>,
    /// The maximum segment size that our SYN announced (RFC 9293 section 3.7.1), where it was set to one that tells our SYN
    /// from another's.
    #[serde(default)]
    pub mss: Option<u16>,
    /// ClientHello written to the first octet of the answer: one round trip to whoever ends TLS.
    #[serde(default)]
    pub answer_ms: Option<Milliseconds>,
    /// The CONNECT exchange with the explicit proxy.
    pub proxy_ms: Option<Milliseconds>,
    pub tls: Attempt<TlsSession>,
    /// Index into [`HostRecord::chains`](crate::HostRecord::chains): the chain that was presented, whether or not the
    /// handshake then came to its end. A resumed session shows none.
    pub chain: Option<usize>,
    /// The ClientHello handshake message as it left us (RFC 8446 section 4.1.2), its four octets of header included.
    pub client_hello: Option<HexBytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    Tcp,
    Quic,
}

/// A TLS handshake that was completed. Certificates are recorded, never enforced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TlsSession {
    /// Code points of the IANA registries: TLS version (0x0304 is 1.3), cipher suite, named group.
    pub version: u16,
    pub cipher_suite: u16,
    pub group: Option<u16>,
    pub alpn: Option<String>,
    pub resumed: bool,
    /// Offered, and the server acknowledged it (RFC 7627); in TLS 1.3 always so.
    pub extended_master_secret: bool,
    /// First byte of the ClientHello to the end of the handshake.
    pub handshake_ms: Milliseconds,
    /// `tls-exporter` channel binding (RFC 9266 section 2), where the session has one.
    pub exporter: Option<HexBytes>,
}
