//! A link with a delay, for kernels that have no netem: each packet is held back in user space between two TUN devices.
//!
//! ```text
//!   client 203.0.113.2 ─ d0 ══ this process: delay, loss, rate ══ d1 ─ 203.0.113.1 middle ── server
//!   client ── middle 203.0.113.6 ─ d2 ══ this process: the same ══ d3 ─ 203.0.113.5 server
//! ```
//!
//! [`lay`] puts it in place of the wire on the near or the far side of the middle of a [`Network`]. A packet leaves on the
//! other side `delay` after it came, so the round trip grows by twice that. What runs in the namespaces sees a plain IP link with
//! its own MTU: the kernel's TCP, path discovery and checksums are the real ones. It lasts as long as the [`Link`].
//!
//! The rules of the link are in `line`, without a clock; `forward` moves packets by them; `measure` proves it.

mod forward;
mod line;
pub(crate) mod measure;
mod told;

use std::{fs::File, os::fd::AsFd, process::Command, sync::Arc, thread, time::Duration};

use anyhow::{Context, Result, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::{
    network::{MIDDLE_TO_SERVER, Network, Where},
    process::output,
};
use forward::Forwarder;
pub(crate) use told::Told;

/// Where the middle answers behind a near link.
pub(crate) const BEYOND: &str = "203.0.113.1";
/// The two ends of the near link, and of the far one. They make the devices routable.
const NEAR: (&str, &str) = ("203.0.113.2/30", "203.0.113.1/30");
const FAR: (&str, &str) = ("203.0.113.6/30", "203.0.113.5/30");

/// What the link does to packets, the same in both directions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    /// One way.
    pub(crate) delay: Duration,
    /// How much longer a packet is held at most.
    pub(crate) jitter: Duration,
    /// Packets lost out of 10 000, and packets that skip the delay and so overtake others, chosen by `seed`.
    pub(crate) loss_per_10_000: u16,
    pub(crate) early_per_10_000: u16,
    pub(crate) seed: u64,
    /// `None`: as fast as this machine forwards.
    pub(crate) rate_octets_per_second: Option<u64>,
    /// What may wait for the bottleneck; `None`: all that the link can hold.
    pub(crate) queue_octets: Option<usize>,
}

/// On which side of the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// Between client and middle: all that the client does has to cross it.
    #[default]
    Near,
    /// Between middle and server: what stands in the middle is near the client, and the service is far away.
    Far,
}

/// The link. Dropping it stops the forwarding and removes both devices.
#[derive(Debug)]
pub(crate) struct Link {
    out: Forwarder,
    back: Forwarder,
}

/// What a direction carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) carried: u64,
    /// Lost, and let overtake, as the plan wants.
    pub(crate) lost: u64,
    pub(crate) early: u64,
    /// Dropped because the queue was full, or because the far device took no more.
    pub(crate) overflowed: u64,
}

/// Lays the link, and routes the traffic between its two neighbours over it. `addresses` are those of the server.
pub(crate) fn lay(network: &Network, side: Side, plan: Plan, addresses: &[String]) -> Result<Link> {
    let (one, other) = match side {
        Side::Near => (network.name(Where::Client), network.name(Where::Middle)),
        Side::Far => (network.name(Where::Middle), network.name(Where::Server)),
    };
    let (one_end, other_end) = if side == Side::Near { NEAR } else { FAR };
    // The middle may have both.
    let (one_name, other_name) = if side == Side::Near { ("d0", "d1") } else { ("d2", "d3") };
    let near = device(&one, one_name, one_end)?;
    let far = device(&other, other_name, other_end)?;
    match side {
        Side::Near => ip(&["-n", &one, "route", "replace", "default", "dev", one_name])?,
        Side::Far => {
            for address in addresses {
                ip(&["-n", &one, "route", "add", &format!("{address}/32"), "dev", one_name])?;
            }
            ip(&["-n", &other, "route", "replace", "default", "dev", other_name])?;
            ip(&["-n", &other, "route", "add", &format!("{MIDDLE_TO_SERVER}/32"), "dev", other_name])?;
        }
    }
    Link::start(near, far, plan)
}

/// Lays the link beside the wire between client and middle: a longer way, taken by what is sent to [`BEYOND`] alone, and so by
/// all that a proxy or a tunnel carries which listens there.
pub(crate) fn lay_beside(network: &Network, plan: Plan) -> Result<Link> {
    let near = device(&network.name(Where::Client), "d0", NEAR.0)?;
    let far = device(&network.name(Where::Middle), "d1", NEAR.1)?;
    Link::start(near, far, plan)
}

impl Link {
    fn start(near: Arc<SyncDevice>, far: Arc<SyncDevice>, plan: Plan) -> Result<Self> {
        let back = Plan { seed: plan.seed.wrapping_add(1), ..plan };
        Ok(Self {
            out: Forwarder::start("link-out", Arc::clone(&near), Arc::clone(&far), plan)?,
            back: Forwarder::start("link-back", far, near, back)?,
        })
    }

    /// Towards the server, and back.
    pub(crate) fn counts(&self) -> (Counts, Counts) {
        (self.out.counts(), self.back.counts())
    }
}

/// Runs `work` on a thread of its own inside of a network namespace: a namespace belongs to a thread, and a thread that
/// has moved is not given back.
pub(crate) fn inside<T: Send + 'static>(
    namespace: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<thread::JoinHandle<Result<T>>> {
    let path = format!("/run/netns/{namespace}");
    let file = File::open(&path).with_context(|| path.clone())?;
    let moved = thread::Builder::new().name(namespace.to_owned()).spawn(move || {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).context(path)?;
        work()
    })?;
    Ok(moved)
}

/// The thread's result; a panic in it is an error.
pub(crate) fn joined<T>(thread: thread::JoinHandle<Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread of the lab panicked"))?
}

/// A TUN device in the namespace. A device lives where the thread was that made it, whoever holds it later.
fn device(namespace: &str, name: &'static str, address: &str) -> Result<Arc<SyncDevice>> {
    let device = joined(inside(namespace, move || {
        let device = DeviceBuilder::new().name(name).build_sync().context("no TUN device: is /dev/net/tun there?")?;
        device.set_nonblocking(true)?;
        Ok(device)
    })?)?;
    ip(&["-n", namespace, "address", "add", address, "dev", name])?;
    ip(&["-n", namespace, "link", "set", name, "up"])?;
    Ok(Arc::new(device))
}

fn ip(arguments: &[&str]) -> Result<()> {
    output(Command::new("ip").args(arguments)).map(drop)
}
