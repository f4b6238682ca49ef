//! What makes packets belong together: both addresses and both ports, whichever way they go.
//!
//! Tags of virtual networks do not count: captures from a switch often show the two directions under different tags.

use core::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Both ends, the lower address first, so that the two directions have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) struct FlowKey {
    low: u128,
    high: u128,
    /// The lower end's port first.
    ports: u32,
}

/// Which end of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) enum Side {
    Low,
    High,
}

impl Side {
    pub(in crate::capture) fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// Source and destination of one packet.
#[derive(Clone, Copy, Debug)]
pub(in crate::capture) struct Ends {
    pub(in crate::capture) source: (u128, u16),
    pub(in crate::capture) destination: (u128, u16),
}

impl Ends {
    /// The key, and which of its ends sent the packet.
    pub(in crate::capture) fn key(self) -> (FlowKey, Side) {
        let (low, high, sender) = if self.source <= self.destination {
            (self.source, self.destination, Side::Low)
        } else {
            (self.destination, self.source, Side::High)
        };
        let ports = u32::from(low.1) << 16 | u32::from(high.1);
        (FlowKey { low: low.0, high: high.0, ports }, sender)
    }
}

impl FlowKey {
    pub(in crate::capture) fn address(&self, side: Side) -> SocketAddr {
        let [a, b, c, d] = self.ports.to_be_bytes();
        let (address, port) = match side {
            Side::Low => (self.low, [a, b]),
            Side::High => (self.high, [c, d]),
        };
        SocketAddr::new(IpAddr::V6(Ipv6Addr::from_bits(address)).to_canonical(), u16::from_be_bytes(port))
    }
}

impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for address in [self.low, self.high] {
            let [a, b, c, d, e, f, g, h, rest @ ..] = address.to_be_bytes();
            state.write_u64(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
            state.write_u64(u64::from_be_bytes(rest));
        }
        state.write_u64(self.ports.into());
    }
}
