//! Who gets in: a count in all and a count per client, of whatever is scarce (connections, long transfers).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug)]
pub(crate) struct Admission {
    total: usize,
    per_client: usize,
    admitted: Mutex<Admitted>,
}

#[derive(Debug, Default)]
struct Admitted {
    total: usize,
    /// Only clients that hold something, so that the map is never larger than the total.
    by_client: HashMap<IpAddr, usize>,
}

/// The right to hold one of what is counted; given back on drop.
#[derive(Debug)]
pub(crate) struct Pass {
    admission: Arc<Admission>,
    client: IpAddr,
}

/// Which of the two counts is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Total,
    Client,
}

impl Admission {
    pub(crate) fn new(total: usize, per_client: usize) -> Arc<Self> {
        Arc::new(Self { total, per_client, admitted: Mutex::default() })
    }

    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Pass, Refusal> {
        let client = client(address);
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        let held = admitted.by_client.get(&client).copied().unwrap_or(0);
        if admitted.total >= self.total {
            return Err(Refusal::Total);
        }
        if held >= self.per_client {
            return Err(Refusal::Client);
        }
        admitted.total += 1;
        admitted.by_client.insert(client, held + 1);
        Ok(Pass { admission: self.clone(), client })
    }

    /// Whether a quarter of either count is in use: time to ask a QUIC client to prove its address first, since a
    /// forged one could otherwise use up the counts of somebody else (RFC 9000 section 8.1.2).
    pub(crate) fn is_crowded(&self, address: IpAddr) -> bool {
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        let held = admitted.by_client.get(&client(address)).copied().unwrap_or(0);
        admitted.total >= self.total.div_ceil(4) || held >= self.per_client.div_ceil(4)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut admitted = self.admission.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        admitted.total = admitted.total.saturating_sub(1);
        if let Some(held) = admitted.by_client.get_mut(&self.client) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                admitted.by_client.remove(&self.client);
            }
        }
    }
}

/// One IPv4 address, or one IPv6 /64: the smallest network that one client is given (RFC 6177 section 2), within which
/// it may use any address it likes.
pub(crate) fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn both_counts_hold_and_are_given_back() {
        let admission = Admission::new(3, 2);
        let first = admission.enter(address("192.0.2.1")).unwrap();
        let _mapped = admission.enter(address("::ffff:192.0.2.1")).unwrap();
        assert_eq!(admission.enter(address("192.0.2.1")).unwrap_err(), Refusal::Client);
        let _other = admission.enter(address("192.0.2.2")).unwrap();
        assert_eq!(admission.enter(address("192.0.2.3")).unwrap_err(), Refusal::Total);
        drop(first);
        assert!(admission.enter(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let admission = Admission::new(10, 1);
        let _held = admission.enter(address("2001:db8:1:2::1")).unwrap();
        assert_eq!(admission.enter(address("2001:db8:1:2:3::4")).unwrap_err(), Refusal::Client);
        assert!(admission.enter(address("2001:db8:1:3::1")).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let admission = Admission::new(10, 1);
        drop(admission.enter(address("192.0.2.1")).unwrap());
        assert!(admission.admitted.lock().unwrap().by_client.is_empty());
    }
}
