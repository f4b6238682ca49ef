//! What the `proxy` check saw: every place that tells programs of this machine to use a proxy, and what each decides.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Attempt, HexBytes, HostName, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyFacts {
    /// In the order in which programs usually ask them.
    pub sources: Vec<ProxySource>,
    /// For each host and each source that decides at all.
    pub decisions: Vec<ProxyDecision>,
    /// What every proxy that was decided for says to a CONNECT without a sign-in.
    pub proxies: Vec<ProxyAnswer>,
}

/// One place where a proxy may be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxySource {
    pub kind: ProxySourceKind,
    /// What exactly: "HTTPS_PROXY", "GNOME", the URL of a script.
    pub name: String,
    pub setting: Attempt<ProxySetting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxySourceKind {
    Environment,
    System,
    /// A script that the user named.
    Given,
    /// Web Proxy Auto-Discovery: option 252 of a DHCP answer, or the name `wpad` in a search domain.
    WpadDhcp,
    WpadDns,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxySetting {
    /// It says: no proxy.
    Direct,
    /// A fixed proxy, without its password, and the hosts that go past it.
    Fixed { proxy: String, bypass: Vec<String> },
    /// A proxy auto-configuration script.
    Script(ProxyScript),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyScript {
    /// Without user name, password and query.
    pub url: String,
    pub sha256: HexBytes,
    pub length: u64,
    pub content_type: Option<String>,
    pub fetched_ms: Milliseconds,
}

/// What one source says for one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyDecision {
    pub host: HostName,
    pub port: u16,
    /// Index into [`ProxyFacts::sources`].
    pub source: usize,
    pub outcome: Attempt<ProxyRoute>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyRoute {
    /// As a PAC script returns it: "DIRECT", "PROXY proxy.contoso.example:8080; DIRECT".
    pub result: String,
    /// The rule that decided: a line of the script with its text, or an entry of the bypass list.
    pub rule: Option<String>,
    pub line: Option<u32>,
    pub took_ms: Milliseconds,
    /// Names that the script resolved to decide: each costs every request of a browser.
    pub resolved: Vec<String>,
}

/// A CONNECT without a sign-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyAnswer {
    /// `scheme://host:port`.
    pub proxy: String,
    pub address: Option<IpAddr>,
    pub outcome: Attempt<ProxyConnect>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyConnect {
    /// The status of the answer to CONNECT; absent for SOCKS, where an answer is a success.
    pub status: Option<u16>,
    /// Schemes of Proxy-Authenticate (RFC 9110 section 11.7.1), e.g. "Negotiate", "NTLM", "Basic".
    pub schemes: Vec<String>,
    pub server: Option<String>,
    pub via: Option<String>,
    pub connect_ms: Milliseconds,
    pub took_ms: Milliseconds,
}
