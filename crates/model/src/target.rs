//! One host to test, and what an intact path to it must show.

use serde::{Deserialize, Serialize};

use crate::{Coordinates, HostName, Milliseconds};

/// A host of a service's profile. Stored with each record, so that a record can be judged without the profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub host: HostName,
    pub port: u16,
    /// The part of the service that people know: "Exchange", "Teams".
    pub workload: String,
    /// Keys into [`Record::features`](crate::Record::features): what a person misses where this host fails.
    #[serde(default)]
    pub features: Vec<String>,
    /// The path of the plain request.
    pub path: String,
    pub promises: Promises,
}

/// What the service promises for this host. What is not promised is never held against the path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promises {
    pub trust: Trust,
    /// Common names of the authorities that issue for this host. An issuer outside of the list is a hint, not proof:
    /// such lists go stale.
    #[serde(default)]
    pub issuers: Vec<String>,
    /// SCTs are required by every browser for public certificates; `false` for services that are not in CT.
    pub certificate_transparency: bool,
    /// HTTP/3 on UDP 443 works on an intact path.
    pub http3: bool,
    /// Responses over TCP carry Alt-Svc with h3.
    pub alt_svc: bool,
    /// TLS 1.3, HTTP/2 and the hybrid key exchange X25519MLKEM768 (0x11ec) are spoken on an intact path.
    pub tls13: bool,
    pub http2: bool,
    pub hybrid_key_exchange: bool,
    pub websocket: Option<WebSocketPromise>,
    pub stream: Option<StreamPromise>,
    /// A path whose body is at least this many octets long, for the sustained transfer.
    pub download: Option<String>,
    /// Response headers that the service itself sends although they look like a proxy's ("via", "x-cache").
    #[serde(default)]
    pub own_headers: Vec<String>,
    /// Published addresses, in CIDR notation; empty where none are published.
    #[serde(default)]
    pub addresses: Vec<ipnet::IpNet>,
    /// UDP ports on which a relay for media answers STUN; empty where there is none.
    #[serde(default)]
    pub media_ports: Vec<u16>,
    /// The relay's own name, where it is another than the host's: the host then hands calls to it.
    #[serde(default)]
    pub media_host: Option<HostName>,
    /// Where the host is, if it is in one place.
    #[serde(default)]
    pub place: Option<Coordinates>,
}

impl Promises {
    /// A host that answers, with a certificate under such roots, and promises nothing else.
    pub fn none_but(trust: Trust) -> Self {
        Self {
            trust,
            issuers: Vec::new(),
            certificate_transparency: false,
            http3: false,
            alt_svc: false,
            tls13: false,
            http2: false,
            hybrid_key_exchange: false,
            websocket: None,
            stream: None,
            download: None,
            own_headers: Vec::new(),
            addresses: Vec::new(),
            media_ports: Vec::new(),
            media_host: None,
            place: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The certificate leads to a public root.
    Public,
    /// The certificate leads to the roots that the user gave with `--trust-roots`.
    Given,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebSocketPromise {
    pub path: String,
    pub answer: WebSocketAnswer,
    /// HTTP/2 extended CONNECT is offered too.
    pub http2: bool,
}

/// What the service answers to an opening handshake without a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebSocketAnswer {
    /// It opens and sends every frame back, with a first text frame that tells the extensions that arrived.
    Echo,
    /// It opens; frames need a sign-in.
    Open,
    /// It refuses with one of these statuses, because there is no sign-in: proof only that the request got there.
    Refuse(Vec<u16>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamPromise {
    pub path: String,
    pub events: u32,
    pub gap_ms: Milliseconds,
}
