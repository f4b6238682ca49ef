//! What the `dns` check saw.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Attempt, HostName, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dns {
    /// Through the system's resolver, as every program on this machine asks.
    pub system: Attempt<DnsAnswer>,
    /// Straight to the configured name servers, without cache and hosts file.
    pub direct: Attempt<DnsAnswer>,
    /// `--resolve` replaced the answer.
    pub overridden: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DnsAnswer {
    pub addresses: Vec<IpAddr>,
    /// The canonical names on the way, in order. Empty where the resolver does not tell.
    pub cnames: Vec<HostName>,
    pub time_ms: Milliseconds,
}
