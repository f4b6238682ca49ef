//! The way to an address on Linux: the kernel is asked over route netlink (rtnetlink(7)), as `ip route get` does.
//!
//! Only the kernel knows its answer. Policy rules, marks, several tables and a rule's own user take part in it, and
//! WireGuard's own tool builds a full tunnel from just these.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::IpAddr;

use getifaddrs::InterfaceFlags;
use ipnet::IpNet;
use model::{Failure, FailureKind, Interface, Operation};
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::link::{LinkAttribute, LinkInfo, LinkMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
use netlink_packet_route::rule::{RuleAttribute, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::Routing;
use super::kind::{Known, classify};
use crate::failure::Stopwatch;

/// Octets of one datagram of the kernel's answer: it fills no more than 32 KiB of a dump at a time.
const DATAGRAM: usize = 64 * 1024;
/// Datagrams read of one answer, and with it about half a million routes.
const DATAGRAMS: usize = 4096;

pub(super) struct Netlink {
    socket: Socket,
    sequence: u32,
    bound: Option<Bound>,
    links: HashMap<String, LinkMessage>,
    names: HashMap<u32, String>,
    watch: Stopwatch,
}

/// What `--interface` chose: an interface by its index, or one of this machine's own addresses.
#[derive(Clone, Copy)]
enum Bound {
    Interface(u32),
    From(IpAddr),
}

impl Netlink {
    pub(super) fn open(bound: Option<&str>, watch: Stopwatch) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        let bound = match bound.map(|bound| (bound, bound.parse())) {
            None => None,
            Some((_, Ok(address))) => Some(Bound::From(address)),
            Some((name, Err(_))) => Some(Bound::Interface(getifaddrs::if_nametoindex(name)?)),
        };
        Ok(Self { socket, sequence: 0, bound, links: HashMap::new(), names: HashMap::new(), watch })
    }

    /// Sends one request and hands each message of the answer to `take`.
    fn ask(
        &mut self,
        request: RouteNetlinkMessage,
        dump: bool,
        mut take: impl FnMut(RouteNetlinkMessage),
    ) -> io::Result<()> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = if dump { NLM_F_REQUEST | NLM_F_DUMP } else { NLM_F_REQUEST };
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
        message.finalize();
        let mut octets = vec![0; message.buffer_len()];
        message.serialize(&mut octets);
        self.socket.send(&octets, 0)?;

        for _ in 0..DATAGRAMS {
            let mut datagram = Vec::with_capacity(DATAGRAM);
            self.socket.recv(&mut datagram, 0)?;
            let mut rest = datagram.as_slice();
            // A message's length includes its header of 16 octets; messages begin at multiples of 4 (netlink(7)).
            while let Some(length) = rest.first_chunk().map(|length| u32::from_ne_bytes(*length)) {
                let length = usize::try_from(length).unwrap_or(usize::MAX).clamp(16, rest.len().max(16));
                let this = rest.get(..length).unwrap_or(rest);
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
                // A kernel may know attributes that the parser does not; such a message is one less and not an error.
                let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(this) else { continue };
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(inner) => take(inner),
                    NetlinkPayload::Error(error) => {
                        return if error.code.is_none() { Ok(()) } else { Err(error.to_io()) };
                    }
                    NetlinkPayload::Done(_) => return Ok(()),
                    _ => {}
                }
            }
            if !dump {
                return Ok(());
            }
        }
        Err(io::Error::other("the kernel's answer has no end"))
    }

    fn link(&mut self, index: u32) -> Option<String> {
        if let Some(name) = self.names.get(&index) {
            return Some(name.clone());
        }
        let mut request = LinkMessage::default();
        request.header.index = index;
        let mut found = None;
        let asked = self.ask(RouteNetlinkMessage::GetLink(request), false, |answer| {
            if let RouteNetlinkMessage::NewLink(link) = answer {
                found = Some(link);
            }
        });
        let name = getifaddrs::if_indextoname(index).ok()?;
        if let (Ok(()), Some(link)) = (asked, found) {
            self.links.insert(name.clone(), link);
        }
        self.names.insert(index, name.clone());
        Some(name)
    }

    fn unreachable(&self, error: &io::Error) -> Failure {
        // What a route of type blackhole answers is EINVAL, and prohibit EACCES (ip-route(8)): there is no way either.
        let mut failure = self.watch.io(Operation::Connect, error);
        if error.kind() == io::ErrorKind::InvalidInput {
            (failure.kind, failure.detail) = (FailureKind::Unreachable, "the route is a black hole".to_owned());
        }
        failure
    }
}

impl Routing for Netlink {
    fn destinations(&mut self) -> Vec<IpNet> {
        let mut found = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut routes = RouteMessage::default();
            routes.header.address_family = family;
            let mut rules = RuleMessage::default();
            rules.header.family = family;
            // What cannot be listed leaves the ends and the middle of each prefix, as on other platforms.
            for request in [RouteNetlinkMessage::GetRoute(routes), RouteNetlinkMessage::GetRule(rules)] {
                let _ = self.ask(request, true, |answer| found.extend(destination(&answer)));
            }
        }
        found
    }

    fn way(&mut self, to: IpAddr) -> Result<String, Failure> {
        let mut request = RouteMessage::default();
        let (family, length) = if to.is_ipv4() { (AddressFamily::Inet, 32) } else { (AddressFamily::Inet6, 128) };
        request.header.address_family = family;
        request.header.destination_prefix_length = length;
        request.attributes.push(RouteAttribute::Destination(to.into()));
        match self.bound {
            Some(Bound::Interface(index)) => request.attributes.push(RouteAttribute::Oif(index)),
            Some(Bound::From(address)) if address.is_ipv4() == to.is_ipv4() => {
                request.header.source_prefix_length = length;
                request.attributes.push(RouteAttribute::Source(address.into()));
            }
            Some(Bound::From(_)) => {
                let detail = "there is no way from an address of the other family";
                return Err(self.watch.failure(Operation::Connect, FailureKind::Unreachable, detail));
            }
            None => {}
        }
        let mut found = None;
        self.ask(RouteNetlinkMessage::GetRoute(request), false, |answer| {
            if let RouteNetlinkMessage::NewRoute(route) = answer {
                found = Some(route);
            }
        })
        .map_err(|error| self.unreachable(&error))?;
        let unreachable = |detail: &str| self.watch.failure(Operation::Connect, FailureKind::Unreachable, detail);
        let route = found.ok_or_else(|| {
            self.watch.failure(Operation::Connect, FailureKind::Local, "the kernel's answer was not understood")
        })?;
        let nowhere = [RouteType::Unreachable, RouteType::BlackHole, RouteType::Prohibit, RouteType::Throw];
        if nowhere.contains(&route.header.kind) {
            return Err(unreachable("the route leads nowhere"));
        }
        let index = route.attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::Oif(index) => Some(*index),
            _ => None,
        });
        let no_interface = unreachable("the route has no interface");
        index.and_then(|index| self.link(index)).ok_or(no_interface)
    }

    fn interface(&mut self, name: &str) -> Interface {
        let link = self.links.get(name);
        let kind = link.and_then(|link| {
            link.attributes.iter().find_map(|attribute| match attribute {
                LinkAttribute::LinkInfo(infos) => infos.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                }),
                _ => None,
            })
        });
        let device_type = device_type(name);
        classify(&Known {
            name,
            description: None,
            link_kind: kind.as_deref(),
            hardware_type: link.map(|link| u16::from(link.header.link_layer_type)),
            device_type: device_type.as_deref(),
            loopback: false,
        })
    }

    fn up(&mut self) -> Vec<String> {
        let Ok(all) = getifaddrs::getifaddrs() else { return Vec::new() };
        let up = |interface: &getifaddrs::Interface| {
            interface.flags.contains(InterfaceFlags::UP) && interface.address.ip_addr().is_some()
        };
        let indices: BTreeSet<u32> = all.filter(up).filter_map(|interface| interface.index).collect();
        indices.into_iter().filter_map(|index| self.link(index)).collect()
    }
}

fn destination(answer: &RouteNetlinkMessage) -> Option<IpNet> {
    let (address, length) = match answer {
        RouteNetlinkMessage::NewRoute(route) => {
            let address = route.attributes.iter().find_map(|attribute| match attribute {
                RouteAttribute::Destination(RouteAddress::Inet(address)) => Some(IpAddr::V4(*address)),
                RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some(IpAddr::V6(*address)),
                _ => None,
            });
            (address?, route.header.destination_prefix_length)
        }
        RouteNetlinkMessage::NewRule(rule) => {
            let address = rule.attributes.iter().find_map(|attribute| match attribute {
                RuleAttribute::Destination(address) => Some(*address),
                _ => None,
            });
            (address?, rule.header.dst_len)
        }
        _ => return None,
    };
    IpNet::new(address, length).ok().map(|net| net.trunc())
}

/// What the driver calls the device: "wwan", "wlan", "ppp", "wireguard". Not in netlink, and absent for plain Ethernet.
fn device_type(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/uevent")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("DEVTYPE=")).map(str::to_owned)
}
