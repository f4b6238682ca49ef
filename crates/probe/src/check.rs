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
];

impl Check {
    pub fn by_name(name: &str) -> Option<&'static Self> {
        CHECKS.iter().find(|check| check.name == name)
    }
}

/// For checks whose time is round trips alone.
pub(crate) fn no_wait(_promises: &Promises) -> Duration {
    Duration::ZERO
}
