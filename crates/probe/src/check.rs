//! The table of checks: what each is called, what it costs, and the page that tells a user what it does.

use std::time::Duration;

use model::Promises;

use crate::checks;

/// One check, as help and documentation show it.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    pub name: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it shows, inputs, steps, outputs, limits.
    pub page: &'static str,
    /// Round trips of its longest chain on an intact path, from the first packet after DNS to its end.
    pub round_trips: u32,
    /// What the far end's own pace adds.
    pub waits: fn(&Promises) -> Duration,
    pub needs_reflector: bool,
    /// Octets on the wire on an intact path, headers of IP and up included, both ways: for a host that makes these promises, or
    /// once for the run. A chain of certificates counts as 4 KB. What two checks share is stated with one of them.
    /// `cargo xtask bench traffic` measures them.
    pub octets: fn(&Promises) -> u32,
    /// What it is run for.
    pub scope: Scope,
    /// It runs unless it is left out; the others run where they are asked for.
    pub by_default: bool,
}

/// What a check is run for, and so how often its cost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every host of the service that promises what it needs, and the reflector.
    Host,
    /// The reflector alone.
    Reflector,
    /// Once.
    Run,
}

/// Every check, in the order in which they are shown.
pub const CHECKS: &[Check] = &[
    checks::dns::CHECK,
    checks::tcp::CHECK,
    checks::tls::CHECK,
    checks::http::CHECK,
    checks::quic::CHECK,
    checks::websocket::CHECK,
    checks::stream::CHECK,
    checks::exporter::CHECK,
    checks::hello::CHECK,
    checks::fidelity::CHECK,
    checks::content::CHECK,
    checks::casb::CHECK,
    checks::destination::CHECK,
    checks::egress::CHECK,
    checks::resolver::CHECK,
    checks::proxy::CHECK,
    checks::vpn::CHECK,
    checks::endpoints::CHECK,
    checks::media::CHECK,
    checks::download::CHECK,
    checks::route::CHECK,
];

impl Check {
    /// What it costs for a host that promises everything.
    pub fn most_octets(&self) -> u32 {
        (self.octets)(&Promises { media_ports: vec![3478, 3479, 3480, 3481], ..crate::far_end::promises() })
    }

    pub fn by_name(name: &str) -> Option<&'static Self> {
        CHECKS.iter().find(|check| check.name == name)
    }
}

/// For checks whose time is round trips alone.
pub(crate) fn no_wait(_promises: &Promises) -> Duration {
    Duration::ZERO
}
