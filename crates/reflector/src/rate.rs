//! How many answers a second are given without any proof of who asks: a count in all and a count per client.
//!
//! UDP sender addresses can be forged, and what is answered to a forged address is sent to somebody who never asked. These limits,
//! with the length of an answer that each service sees to, are the most that anybody can have this machine send to somebody
//! else. Who keeps to the protocol stays far below them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::admission::client;

/// Of all clients together.
const TOTAL: usize = 2000;
/// Of one IPv4 address or IPv6 /64.
const PER_CLIENT: usize = 64;
const WINDOW: Duration = Duration::from_secs(1);

/// Shared by all sockets of a service, so that more of them do not answer more.
#[derive(Debug, Default)]
pub(crate) struct Rate(Mutex<Option<Window>>);

#[derive(Debug)]
struct Window {
    since: Instant,
    total: usize,
    /// No more entries than answers.
    by_client: HashMap<IpAddr, usize>,
}

impl Rate {
    /// Counts one more answer, if there may be one.
    pub(crate) fn admits(&self, address: IpAddr, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = window.get_or_insert_with(|| Window { since: now, total: 0, by_client: HashMap::new() });
        if now.saturating_duration_since(window.since) >= WINDOW {
            window.since = now;
            window.total = 0;
            window.by_client.clear();
        }
        window.admits(client(address))
    }
}

impl Window {
    fn admits(&mut self, client: IpAddr) -> bool {
        if self.total >= TOTAL {
            return false;
        }
        let given = self.by_client.entry(client).or_default();
        if *given >= PER_CLIENT {
            return false;
        }
        *given += 1;
        self.total += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_and_all_together_have_their_share() {
        let start = Instant::now();
        let rate = Rate::default();
        let client = |n: u32| IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n));
        assert_eq!((0..100).filter(|_| rate.admits(client(0), start)).count(), PER_CLIENT);
        assert!(rate.admits(client(1), start));
        let others = (2..20_000).filter(|n| rate.admits(client(n % 5000 + 2), start)).count();
        assert_eq!(others, TOTAL - PER_CLIENT - 1);
        assert!(rate.0.lock().unwrap().as_ref().unwrap().by_client.len() <= TOTAL + 1);
        assert!(rate.admits(client(0), start + WINDOW));
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let (start, rate) = (Instant::now(), Rate::default());
        let address = |n: u128| IpAddr::V6((0x2001_0db8_u128 << 96 | n).into());
        assert_eq!((0..100).filter(|n| rate.admits(address(*n), start)).count(), PER_CLIENT);
        assert!(rate.admits(address(1 << 64), start));
    }
}
