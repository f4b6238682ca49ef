//! Packets as they pass an interface of this machine, in place of a file.
//!
//! Only Linux has it (packet(7)); elsewhere capture with a tool of that system and read its output:
//! `tcpdump -i IFACE -w - | truepath inspect -`. What the system dropped because we were too slow is counted and told: a
//! line of which packets are missing must not look like a quiet one.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;

use std::num::NonZero;

use anyhow::Result;
use wire::capture::Inspector;

#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// Or [`ANY`].
    pub(crate) interface: &'a str,
    /// Ends by itself after that. Without it, an interrupt ends it.
    pub(crate) seconds: Option<NonZero<u64>>,
}

/// The name that stands for all interfaces.
pub(crate) const ANY: &str = "any";

/// What happens while packets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Packets are taken from now on.
    Started,
    /// Some packets were given to the inspector.
    Packets,
    /// Somebody wants to know how it stands (SIGUSR1), or packets were dropped since the last time.
    Tell { dropped: u64 },
    /// It is over.
    Ended { dropped: u64 },
}

/// Reads until the time is over or somebody interrupts.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn run(
    options: &Options<'_>,
    inspector: &mut Inspector,
    on: impl FnMut(Event, &mut Inspector) -> Result<()>,
) -> Result<()> {
    linux::run(options, inspector, on)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn run(
    options: &Options<'_>,
    _inspector: &mut Inspector,
    _on: impl FnMut(Event, &mut Inspector) -> Result<()>,
) -> Result<()> {
    let interface = options.interface;
    Err(crate::exit::misuse(format!(
        "--live reads from an interface on Linux alone; here: tcpdump -i {interface} -w - | truepath inspect -"
    )))
}
