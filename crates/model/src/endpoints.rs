//! What the `endpoints` check saw: every published name that can be asked, by the rule of the service's own test tool.

use serde::{Deserialize, Serialize};

use crate::{Attempt, HostName, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointAnswer {
    pub host: HostName,
    pub port: u16,
    /// The endpoint set's id in the published list.
    pub set: u32,
    pub workload: String,
    pub category: String,
    pub outcome: Attempt<EndpointStatus>,
}

/// The head of an answer. Whether TLS was whole is not asked here; `tls` does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointStatus {
    pub status: u16,
    pub server: Option<String>,
    pub via: Option<String>,
    pub took_ms: Milliseconds,
}

/// A name of the endpoint list to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub host: HostName,
    pub port: u16,
    pub set: u32,
    pub workload: String,
    pub category: String,
}
