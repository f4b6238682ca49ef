//! Which workloads leave through a tunnel, by the routes of this machine.

use std::collections::BTreeSet;

use model::{Interface, InterfaceKind, Record};

use crate::text::quoted;

/// How the Optimize prefixes of a workload leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// None through a tunnel.
    Split,
    /// Some.
    Selective,
    /// All.
    Tunnelled,
}

/// One workload.
pub(crate) struct Leaves {
    pub(crate) workload: String,
    pub(crate) way: Way,
    /// Prefixes of which an address goes into a tunnel, out of those with a route at all.
    pub(crate) inside: usize,
    pub(crate) all: usize,
    /// The tunnels, with what they are where that is known.
    pub(crate) tunnels: BTreeSet<String>,
}

/// Each workload with a route, in the order of the record; empty where nothing was seen.
pub(crate) fn ways(record: &Record) -> Vec<Leaves> {
    let Some(vpn) = record.vpn.seen() else { return Vec::new() };
    let mut all: Vec<Leaves> = Vec::new();
    for route in &vpn.routes {
        let used = route.samples.iter().filter_map(|sample| sample.interface.seen());
        let kinds: Vec<Option<String>> = used.map(|name| tunnel(&vpn.interfaces, name)).collect();
        if kinds.is_empty() {
            continue;
        }
        let place = all.iter().position(|leaves| leaves.workload == route.workload);
        let leaves = match place.and_then(|place| all.get_mut(place)) {
            Some(leaves) => leaves,
            None => {
                all.push(Leaves {
                    workload: route.workload.clone(),
                    way: Way::Split,
                    inside: 0,
                    all: 0,
                    tunnels: BTreeSet::new(),
                });
                let Some(last) = all.last_mut() else { continue };
                last
            }
        };
        let inside = kinds.iter().flatten().count();
        // A prefix of which a part alone goes into the tunnel makes the workload selective.
        let way = match (inside, inside == kinds.len()) {
            (0, _) => Way::Split,
            (_, true) => Way::Tunnelled,
            (_, false) => Way::Selective,
        };
        leaves.way = match (leaves.all, leaves.way == way) {
            (0, _) | (_, true) => way,
            _ => Way::Selective,
        };
        leaves.all += 1;
        leaves.inside += usize::from(inside > 0);
        leaves.tunnels.extend(kinds.into_iter().flatten());
    }
    all
}

/// The workloads that leave one way, as a rule tells them.
pub(super) fn told(record: &Record, way: Way) -> Option<(Vec<String>, BTreeSet<String>)> {
    let those: Vec<Leaves> = ways(record).into_iter().filter(|leaves| leaves.way == way).collect();
    let workloads: Vec<String> = those
        .iter()
        .map(|leaves| match way {
            Way::Selective => format!("{} ({} of {} prefixes)", quoted(&leaves.workload), leaves.inside, leaves.all),
            Way::Split | Way::Tunnelled => quoted(&leaves.workload),
        })
        .collect();
    (!workloads.is_empty()).then(|| (workloads, those.into_iter().flat_map(|leaves| leaves.tunnels).collect()))
}

/// Whether this machine has a tunnel at all.
pub(super) fn has_tunnel(record: &Record) -> bool {
    let interfaces = record.vpn.seen().into_iter().flat_map(|vpn| &vpn.interfaces);
    interfaces.into_iter().any(|interface| matches!(interface.kind, InterfaceKind::Tunnel(_)))
}

fn tunnel(interfaces: &[Interface], name: &str) -> Option<String> {
    let interface = interfaces.iter().find(|interface| interface.name == name)?;
    match &interface.kind {
        InterfaceKind::Tunnel(Some(what)) => Some(format!("{} ({})", quoted(name), quoted(what))),
        InterfaceKind::Tunnel(None) => Some(quoted(name)),
        InterfaceKind::Loopback | InterfaceKind::Adapter | InterfaceKind::Unknown => None,
    }
}
