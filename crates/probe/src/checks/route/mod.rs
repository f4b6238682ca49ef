//! `route`: the hops to a host, by TCP and by ICMP.

#[cfg(target_os = "linux")]
mod linux;
mod trace;

use std::collections::BTreeSet;
use std::io;

use model::{Attempt, FailureKind, Hop, HostName, Operation, Route, Target};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::check::{Check, Scope};
use crate::failure::Stopwatch;
use crate::host::Host;

pub(crate) const CHECK: Check = Check {
    name: "route",
    title: "the hops to one host of each workload, by TCP and by ICMP",
    page: "\
Sends SYNs to the host's own port and ICMP echo requests to its address, with a hop limit that grows from 1 to 30 at most,
and records who says that the limit ended there, and after how long. One host of each workload is asked, and the
reflector: the routers near this machine are the same for all of them and answer only a few such packets a second.

Shows where a path leaves the own network, a detour through another site or a cloud, and a device that answers for the
host: by TCP the host then seems nearer than by ICMP. Runs only where it is asked for (`--full` or `--only route`), because
some security teams take it for a scan.

Each hop is tried up to three times within a second; six are asked at a time. A hop that stays silent is recorded as
silent, silent ones behind the last answer are left out, and where nothing answered the attempt failed. Neighbouring
packets may take different ways where routers share the load. Cost: two or three packets for each hop and way, and up to
five connections that are opened and closed at once. Linux only: other systems do not tell a program without privileges
who dropped its packet. Echo requests need net.ipv4.ping_group_range or CAP_NET_RAW, and say so where they lack it. With an
explicit proxy there is no way of the host's own to follow.",
    round_trips: 3,
    // Hops that say nothing are part of most intact paths.
    waits: |_| trace::PACE.patience,
    needs_reflector: false,
    octets: |_| 1_500,
    scope: Scope::Host,
    by_default: false,
};

/// Hosts followed at one time: more would make the first routers, which they share, drop their answers.
const AT_ONCE: usize = 3;

/// Which hosts are followed, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Turns {
    chosen: BTreeSet<(HostName, u16)>,
    slots: Semaphore,
}

impl Turns {
    /// The first host of each workload.
    pub(crate) fn new(targets: &[Target]) -> Self {
        let mut workloads = BTreeSet::new();
        let chosen = targets.iter().filter(|target| workloads.insert(target.workload.as_str()));
        let chosen = chosen.map(|target| (target.host.clone(), target.port)).collect();
        Self { chosen, slots: Semaphore::new(AT_ONCE) }
    }

    fn include(&self, target: &Target) -> bool {
        self.chosen.contains(&(target.host.clone(), target.port))
    }
}

/// `reflector` tells that this host is it; it is always followed.
pub(crate) async fn run(host: &Host, reflector: bool) -> Attempt<Route> {
    let settings = host.settings();
    if settings.via.is_some() {
        return Attempt::not_applicable("the explicit proxy goes there in our stead");
    }
    let turns = &host.context.routes;
    if !reflector && !turns.include(&host.target) {
        return Attempt::not_tried("another host of this workload stands for it");
    }
    let watch = Stopwatch::start();
    let Some(first) = host.own_addresses.first().copied() else {
        let failure = watch.failure(Operation::Connect, FailureKind::NoSuchName, "there is no address to go to");
        return Attempt::Failed(failure);
    };
    // The one that this machine has a way to, as every other check finds by trying.
    let reachable = |address: &&std::net::SocketAddr| {
        host.context.net.udp(**address).is_ok_and(|socket| socket.connect(**address).is_ok())
    };
    let to = host.own_addresses.iter().find(reachable).copied().unwrap_or(first);
    let _turn = turns.slots.acquire().await;
    // In a task of its own: what the other checks of this host compute would lengthen the times. Dropped with the set.
    let interface = settings.interface.clone();
    let mut task = JoinSet::new();
    task.spawn(async move { follow(to, interface.as_deref(), watch).await });
    match task.join_next().await {
        Some(Ok(route)) => route,
        Some(Err(error)) => Attempt::not_tried(format!("our own failure: {error}")),
        None => Attempt::not_tried("our own failure: no task"),
    }
}

#[cfg(target_os = "linux")]
async fn follow(to: std::net::SocketAddr, interface: Option<&str>, watch: Stopwatch) -> Attempt<Route> {
    let tcp = async {
        let hops = trace::trace(trace::PACE, |limit| linux::syn(to, limit, interface)).await;
        attempt(hops, watch)
    };
    let icmp = async {
        match linux::Echoes::open(to.ip(), interface) {
            Ok(echoes) => {
                let hops = trace::trace(trace::PACE, |limit| echoes.echo(limit)).await;
                attempt(hops, watch)
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Attempt::not_tried(
                "the system lets this user send no echo requests: neither net.ipv4.ping_group_range nor CAP_NET_RAW",
            ),
            Err(error) => Attempt::Failed(watch.io(Operation::Connect, &error)),
        }
    };
    let (tcp, icmp) = tokio::join!(tcp, icmp);
    Attempt::Seen(Route { tcp, icmp })
}

#[cfg(not(target_os = "linux"))]
async fn follow(_to: std::net::SocketAddr, _interface: Option<&str>, _watch: Stopwatch) -> Attempt<Route> {
    Attempt::not_tried("this system does not tell a program without privileges who dropped its packet")
}

#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no hops to judge on other systems"))]
fn attempt(hops: io::Result<Vec<Hop>>, watch: Stopwatch) -> Attempt<Vec<Hop>> {
    match hops {
        Ok(hops) if hops.is_empty() => {
            let detail = format!("no hop of {} answered", trace::LIMITS);
            Attempt::Failed(watch.failure(Operation::Connect, FailureKind::Timeout, detail))
        }
        Ok(hops) => Attempt::Seen(hops),
        Err(error) => Attempt::Failed(watch.io(Operation::Connect, &error)),
    }
}
