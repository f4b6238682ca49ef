//! What the `vpn` and `route` checks saw: which way packets leave this machine, and the hops they pass.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Attempt, Milliseconds};

/// The way to every prefix that should leave by the shortest one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpn {
    pub interfaces: Vec<Interface>,
    pub routes: Vec<PrefixRoute>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub name: String,
    pub kind: InterfaceKind,
    /// How that is known: "DEVTYPE=wireguard", "ARPHRD_NONE", "name starts with utun".
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceKind {
    Loopback,
    /// A network adapter, or a virtual one that only joins networks (bridge, VLAN, bond, veth).
    Adapter,
    /// A tunnel, with its technology or product where that is known: "WireGuard", "OpenVPN or another TUN program".
    Tunnel(Option<String>),
    Unknown,
}

/// One published prefix, and where addresses in it are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrefixRoute {
    pub workload: String,
    pub prefix: IpNet,
    /// One address for each part of the prefix that may have a route of its own.
    pub samples: Vec<RouteSample>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteSample {
    pub address: IpAddr,
    /// The name of the interface by which this machine would send. `Failed`: it has no way there.
    pub interface: Attempt<String>,
}

/// The hops to a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// SYNs to the host's own port with a growing hop limit.
    pub tcp: Attempt<Vec<Hop>>,
    /// Echo requests with a growing hop limit.
    pub icmp: Attempt<Vec<Hop>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// The hop limit (TTL) that ended here.
    pub limit: u8,
    /// Who answered; nobody, where it stayed silent.
    pub address: Option<IpAddr>,
    pub time_ms: Option<Milliseconds>,
    /// It was the host itself, or who answers for it.
    pub reached: bool,
}
