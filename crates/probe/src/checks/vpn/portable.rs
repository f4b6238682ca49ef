//! The way to an address on every platform: by the address that the system would send from.
//!
//! Connecting a UDP socket sends nothing and makes the system choose route and source address. The interface is the one
//! that has this address, which is ambiguous where two have the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use getifaddrs::{InterfaceFlags, getifaddrs};
use ipnet::IpNet;
use model::{Failure, FailureKind, Interface, Operation};

use super::Routing;
use super::kind::{Known, classify};
use crate::failure::Stopwatch;

/// Any port will do: nothing is sent to it. 443 is what a rule for this traffic would name.
const PORT: u16 = 443;

pub(super) struct Sockets {
    interfaces: Vec<getifaddrs::Interface>,
    /// What `--interface` chose: an interface, or one of this machine's own addresses.
    bound: Option<String>,
    from: Option<IpAddr>,
    watch: Stopwatch,
}

impl Sockets {
    pub(super) fn open(bound: Option<&str>, watch: Stopwatch) -> std::io::Result<Self> {
        let from = bound.and_then(|bound| bound.parse().ok());
        let bound = bound.filter(|_| from.is_none()).map(str::to_owned);
        Ok(Self { interfaces: getifaddrs()?.collect(), bound, from, watch })
    }

    fn source(&self, to: IpAddr) -> std::io::Result<IpAddr> {
        let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        if self.from.is_some_and(|from| from.is_ipv4() != to.is_ipv4()) {
            return Err(std::io::ErrorKind::NetworkUnreachable.into());
        }
        let socket = UdpSocket::bind((self.from.unwrap_or(any), 0))?;
        socket.connect(SocketAddr::new(to, PORT))?;
        Ok(socket.local_addr()?.ip())
    }

    fn of_address(&self, address: IpAddr) -> Option<&str> {
        let found = self.interfaces.iter().find(|interface| interface.address.ip_addr() == Some(address))?;
        Some(&found.name)
    }
}

impl Routing for Sockets {
    /// The table itself is not read here.
    fn destinations(&mut self) -> Vec<IpNet> {
        Vec::new()
    }

    fn way(&mut self, to: IpAddr) -> Result<String, Failure> {
        if let Some(bound) = &self.bound {
            let same_family = |interface: &getifaddrs::Interface| {
                interface.address.ip_addr().is_some_and(|address| address.is_ipv4() == to.is_ipv4())
            };
            if self.interfaces.iter().any(|interface| interface.name == *bound && same_family(interface)) {
                return Ok(bound.clone());
            }
            let detail = format!("the interface {bound} has no address of this family");
            return Err(self.watch.failure(Operation::Connect, FailureKind::Unreachable, detail));
        }
        let source = self.source(to).map_err(|error| self.watch.io(Operation::Connect, &error))?;
        // All of 127.0.0.0/8 is the loopback interface's, whichever address of it is sent from (RFC 1122 section 3.2.1.3).
        let loopback = source
            .is_loopback()
            .then(|| self.interfaces.iter().find(|interface| interface.flags.contains(InterfaceFlags::LOOPBACK)));
        let named = self.of_address(source).or(loopback.flatten().map(|interface| interface.name.as_str()));
        let unknown =
            || self.watch.failure(Operation::Connect, FailureKind::Local, format!("{source} is on no interface"));
        named.map(str::to_owned).ok_or_else(unknown)
    }

    fn interface(&mut self, name: &str) -> Interface {
        let found = self.interfaces.iter().find(|interface| interface.name == name);
        classify(&Known {
            name,
            #[cfg(windows)]
            description: found.map(|interface| interface.description.as_str()),
            #[cfg(not(windows))]
            description: None,
            loopback: found.is_some_and(|interface| interface.flags.contains(InterfaceFlags::LOOPBACK)),
            ..Known::default()
        })
    }

    fn up(&mut self) -> Vec<String> {
        let up = |interface: &&getifaddrs::Interface| {
            interface.flags.contains(InterfaceFlags::UP) && interface.address.ip_addr().is_some()
        };
        self.interfaces.iter().filter(up).map(|interface| interface.name.clone()).collect()
    }
}
