//! The record of one `check`: everything that was seen, nothing that was concluded.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Base64Bytes, Casb, Chain, Connection, Content, Dns, Download, Egress, EndpointAnswer, Fidelity, Geo,
    HexBytes, Http, Media, Milliseconds, ProxyFacts, Quic, Reflection, Resolvers, Route, Stream, Target, Timestamp,
    Vpn, WebSocket,
};

/// One run of `check` on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub v: u32,
    pub started: Timestamp,
    pub took_ms: Milliseconds,
    /// The program and version that made it.
    pub tool: String,
    pub service: ServiceRef,
    pub options: Options,
    pub path: PathFacts,
    pub trust: TrustFacts,
    pub features: BTreeMap<String, Feature>,
    pub hosts: Vec<HostRecord>,
    pub reflector: Attempt<ReflectorRecord>,
    /// What the machine's own settings say of proxies.
    #[serde(default = "Attempt::older")]
    pub proxy: Attempt<ProxyFacts>,
    #[serde(default = "Attempt::older")]
    pub vpn: Attempt<Vpn>,
    #[serde(default = "Attempt::older")]
    pub egress: Attempt<Egress>,
    #[serde(default = "Attempt::older")]
    pub resolver: Attempt<Resolvers>,
    #[serde(default = "Attempt::older")]
    pub endpoints: Attempt<Vec<EndpointAnswer>>,
    /// Where the addresses of this record are, as far as databases were there to ask.
    #[serde(default = "Attempt::older")]
    pub geo: Attempt<Geo>,
    /// Every certificate seen, once: SHA-256 to DER.
    pub certificates: BTreeMap<String, Base64Bytes>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("version {0} of the record format is newer than this program knows (it knows {known})", known = Record::VERSION)]
    Version(u32),
    #[error("{0}")]
    Json(String),
}

impl Record {
    pub const VERSION: u32 = 1;

    /// Reads a stored record: the record itself, or the output of `check --json` that holds one. Both have a version of
    /// their own, and neither may be newer than this program.
    pub fn from_json(text: &[u8]) -> Result<Self, RecordError> {
        let json = |error: serde_json::Error| RecordError::Json(error.to_string());
        let mut value: serde_json::Value = serde_json::from_slice(text).map_err(json)?;
        check_version(&value)?;
        if let Some(record) = value.get_mut("record").filter(|record| record.is_object()) {
            value = record.take();
            check_version(&value)?;
        }
        serde_json::from_value(value).map_err(json)
    }

    /// The DER of a certificate of this record.
    pub fn certificate(&self, sha256: &HexBytes) -> Option<&[u8]> {
        self.certificates.get(&sha256.to_string()).map(|der| der.0.as_slice())
    }
}

fn check_version(value: &serde_json::Value) -> Result<(), RecordError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u32,
    }
    let versioned = Versioned::deserialize(value).map_err(|error| RecordError::Json(error.to_string()))?;
    if versioned.v > Record::VERSION { Err(RecordError::Version(versioned.v)) } else { Ok(()) }
}

/// The service as it was known at the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRef {
    pub id: String,
    pub name: String,
    /// The profile's own version.
    pub profile: String,
    /// Cloud instance and version of the endpoint list ("worldwide", "2025063000"); absent for a service without one.
    pub instance: Option<String>,
    pub catalogue: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The checks that were to run, by name.
    pub checks: Vec<String>,
    /// For each single operation, and for the whole run.
    pub timeout_ms: Milliseconds,
    pub budget_ms: Milliseconds,
    /// How long a WebSocket is kept silent; absent where the idle life was not asked for.
    pub life_ms: Option<Milliseconds>,
    /// Where each run takes its turn: how many turns go through everything once.
    #[serde(default)]
    pub turns: Option<u64>,
    /// The interface that `--interface` chose.
    #[serde(default)]
    pub interface: Option<String>,
}

/// What this machine said about its own path before anything was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathFacts {
    /// The explicit proxy of `--via`, without its password.
    pub via: Option<String>,
    /// `--resolve` as given.
    pub resolve: Vec<String>,
    pub name_servers: Vec<IpAddr>,
    /// Proxy settings of the environment, which were seen and not used; without passwords.
    pub environment_proxies: BTreeMap<String, String>,
}

/// What the chains were held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustFacts {
    /// Where the public roots come from and how many they are.
    pub public_roots: String,
    /// How many roots the system's own store has, or why it could not be read.
    pub system_roots: Attempt<usize>,
    /// The file of `--trust-roots` and how many roots it holds.
    pub given_roots: Option<String>,
    /// The CT log list: its version, the day it was made, and where it came from.
    pub ct_logs: String,
    pub ct_logs_made: Option<Timestamp>,
}

/// What a person would miss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    pub name: String,
    /// What the feature lives on beyond plain HTTPS: "websocket", "stream", "quic", "media". Empty: plain HTTPS.
    #[serde(default)]
    pub needs: Vec<String>,
}

/// Everything that was seen of one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostRecord {
    pub target: Target,
    pub dns: Attempt<Dns>,
    pub tcp: Attempt<Tcp>,
    pub tls: Attempt<Tls>,
    pub http: Attempt<Http>,
    pub quic: Attempt<Quic>,
    pub websocket: Attempt<WebSocket>,
    pub stream: Attempt<Stream>,
    #[serde(default = "Attempt::older")]
    pub destination: Attempt<Destination>,
    #[serde(default = "Attempt::older")]
    pub casb: Attempt<Casb>,
    #[serde(default = "Attempt::older")]
    pub fidelity: Attempt<Fidelity>,
    #[serde(default = "Attempt::older")]
    pub content: Attempt<Content>,
    #[serde(default = "Attempt::older")]
    pub media: Attempt<Media>,
    #[serde(default = "Attempt::older")]
    pub download: Attempt<Download>,
    #[serde(default = "Attempt::older")]
    pub route: Attempt<Route>,
    /// Every connection that the checks opened.
    pub connections: Vec<Connection>,
    /// Every distinct chain that was presented.
    pub chains: Vec<Chain>,
}

/// What the `tcp` check saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tcp {
    pub address: IpAddr,
    /// SYN to SYN-ACK, one value for each connection made, in order.
    pub connect_ms: Vec<Milliseconds>,
    /// Addresses of the answer that did not take a connection, and how.
    pub failed: Vec<(IpAddr, crate::Failure)>,
}

/// What the `destination` check read from the other checks' connections: the least of each, because only the least is free
/// of waiting in queues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// SYN to SYN-ACK.
    pub connect_ms: Milliseconds,
    /// ClientHello to the first octet of its answer, with the number of connections that it is the least of.
    pub answer_ms: Option<Milliseconds>,
    pub answers: usize,
    /// Request to the first octet of its response.
    pub first_byte_ms: Option<Milliseconds>,
}

/// What the `tls` check saw: indices into [`HostRecord::connections`], whose `tls` tells how each ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tls {
    /// A ClientHello as today's browsers size it, with the hybrid key share: more than one segment.
    pub hybrid: usize,
    /// A small ClientHello, without it: some devices treat the two differently.
    pub classic: usize,
    /// A second connection with the ticket of the first.
    pub resumed: Attempt<usize>,
    /// Only where a handshake with the name failed: the same without SNI, which tells a block by name from a dead host.
    pub without_sni: Attempt<usize>,
    /// A hello that asks for SCTs in the handshake (RFC 6962 section 3.3.1), which no current library asks for.
    pub timestamps: Attempt<TimestampsInHandshake>,
}

/// SCTs that the server sent in its handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampsInHandshake {
    /// Index into [`HostRecord::chains`]: the chain that was shown to this hello.
    pub chain: usize,
    /// The SignedCertificateTimestampList as sent; absent where the server sent none.
    pub list: Option<HexBytes>,
    /// The OCSP response stapled to the leaf, which may carry timestamps too.
    pub ocsp: Option<HexBytes>,
}

/// What was seen of the reflector: a host like the others, and what it says arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReflectorRecord {
    pub host: HostRecord,
    /// The Ed25519 key that the client pins.
    pub key: HexBytes,
    /// `exporter` and `hello` over TLS 1.3 with the hybrid key share, over the classic hello, over TLS 1.2 and over QUIC.
    pub hybrid: Attempt<Reflection>,
    pub classic: Attempt<Reflection>,
    pub tls12: Attempt<Reflection>,
    pub quic: Attempt<Reflection>,
}

#[cfg(test)]
mod tests {
    use super::{Record, RecordError};

    #[test]
    fn a_newer_version_is_refused_wherever_it_stands() {
        for text in [r#"{"v": 2}"#, r#"{"v": 2, "record": {"v": 1}}"#, r#"{"v": 1, "record": {"v": 2}}"#] {
            assert_eq!(Record::from_json(text.as_bytes()), Err(RecordError::Version(2)), "{text}");
        }
        assert!(matches!(Record::from_json(br#"{"v": 1, "record": {}}"#), Err(RecordError::Json(_))));
        assert!(matches!(Record::from_json(b"[]"), Err(RecordError::Json(_))));
    }
}
