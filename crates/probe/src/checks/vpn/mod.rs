//! `vpn`: which way this machine sends to each Optimize prefix.
//!
//! The routing table is asked, not the wire: nothing is sent. A prefix is not one thing to a routing table. A more
//! specific route may lead a part of it elsewhere, so one address is asked about in every stretch that may have a route of
//! its own. What the answer means (split out, selective, tunnelled) is judged from the record.

mod kind;
#[cfg(target_os = "linux")]
mod linux;
mod portable;
mod samples;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use model::{Attempt, Failure, FailureKind, Interface, InterfaceKind, Operation, PrefixRoute, RouteSample, Vpn};

use crate::check::{Check, Scope, no_wait};
use crate::failure::Stopwatch;
use crate::host::Context;

pub(crate) const CHECK: Check = Check {
    name: "vpn",
    title: "which way this machine sends to each Optimize prefix",
    page: "\
Asks the operating system by which interface it would send to each address range that the service publishes in its
category Optimize, and what kind of interface that is: an adapter, or the tunnel of a VPN. In each range it asks about
the first, the middle and the last address, and on Linux about one in every stretch that a more specific route or routing
rule cuts out, so that a VPN that takes only a part is seen. Recorded for each workload, range by range; a tunnel that is up
and takes none of them is recorded too.

Shows service traffic that is led into a VPN although it should leave by the shortest way (no split tunnel), and a split
tunnel with gaps: ranges that the published list has and the client's configuration does not. A range to which there is no
route at all, as with IPv6 where there is none, is recorded as such. With --interface it is the way that packets bound to
that interface take, as those of all other checks then are.

Sends nothing. Limits: it sees routes and routing rules. A client that takes traffic by application, or by a filter of
the operating system below the routing table, does not show here; its network does, in `egress`. Without Linux's route
netlink the interface is found by the address that the system would send from, and two interfaces with the same address
cannot be told apart. Services without published ranges have nothing to ask about.",
    round_trips: 0,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 0,
    scope: Scope::Run,
    by_default: true,
};

/// What the check asks of the operating system.
trait Routing {
    /// Destinations that routes and routing rules single out, in any order.
    fn destinations(&mut self) -> Vec<IpNet>;

    /// The name of the interface by which a packet to this address would leave.
    fn way(&mut self, to: IpAddr) -> Result<String, Failure>;

    fn interface(&mut self, name: &str) -> Interface;

    /// The names of all interfaces that are up and have an address.
    fn up(&mut self) -> Vec<String>;
}

pub(crate) async fn run(context: &Context, prefixes: &[(String, IpNet)]) -> Attempt<Vpn> {
    if prefixes.is_empty() {
        return Attempt::not_applicable("no published address ranges of the category Optimize are known");
    }
    let (prefixes, interface) = (prefixes.to_vec(), context.settings.interface.clone());
    let watch = Stopwatch::start();
    // The system answers at once, but it is a blocking call for each of some hundred addresses.
    let looked = tokio::task::spawn_blocking(move || system(&prefixes, interface.as_deref(), watch)).await;
    looked.unwrap_or_else(|error| Err(watch.failure(Operation::Connect, FailureKind::Local, error.to_string()))).into()
}

fn system(prefixes: &[(String, IpNet)], interface: Option<&str>, watch: Stopwatch) -> Result<Vpn, Failure> {
    // A sandbox may refuse netlink; then what every platform has is still an answer.
    #[cfg(target_os = "linux")]
    if let Ok(mut netlink) = linux::Netlink::open(interface, watch) {
        return Ok(look(&mut netlink, prefixes));
    }
    let mut portable = portable::Sockets::open(interface, watch)
        .map_err(|error| watch.failure(Operation::Connect, FailureKind::Local, format!("the interfaces: {error}")))?;
    Ok(look(&mut portable, prefixes))
}

fn look(routing: &mut impl Routing, prefixes: &[(String, IpNet)]) -> Vpn {
    let destinations = routing.destinations();
    let mut interfaces: BTreeMap<String, Interface> = BTreeMap::new();
    let mut routes = Vec::new();
    for (workload, prefix) in prefixes {
        let mut samples = Vec::new();
        for address in samples::samples(prefix, &destinations) {
            let interface: Attempt<String> = routing.way(address).into();
            if let Attempt::Seen(name) = &interface
                && !interfaces.contains_key(name)
            {
                interfaces.insert(name.clone(), routing.interface(name));
            }
            samples.push(RouteSample { address, interface });
        }
        routes.push(PrefixRoute { workload: workload.clone(), prefix: *prefix, samples });
    }
    // That there is a VPN and nothing of the service is led into it is worth knowing.
    for name in routing.up() {
        let interface = routing.interface(&name);
        if matches!(interface.kind, InterfaceKind::Tunnel(_)) {
            interfaces.entry(name).or_insert(interface);
        }
    }
    Vpn { interfaces: interfaces.into_values().collect(), routes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with one route for each destination; the longest one counts.
    struct Table(Vec<(IpNet, &'static str)>);

    impl Routing for Table {
        fn destinations(&mut self) -> Vec<IpNet> {
            self.0.iter().map(|(net, _)| *net).collect()
        }

        fn way(&mut self, to: IpAddr) -> Result<String, Failure> {
            let fits = self.0.iter().filter(|(net, _)| net.contains(&to)).max_by_key(|(net, _)| net.prefix_len());
            let none = || Stopwatch::start().failure(Operation::Connect, FailureKind::Unreachable, "no route");
            fits.map(|(_, name)| (*name).to_owned()).ok_or_else(none)
        }

        fn interface(&mut self, name: &str) -> Interface {
            let tunnel = || InterfaceKind::Tunnel(None);
            let kind = if name.starts_with("tun") { tunnel() } else { InterfaceKind::Unknown };
            Interface { name: name.to_owned(), kind, because: String::new() }
        }

        fn up(&mut self) -> Vec<String> {
            self.0.iter().map(|(_, name)| (*name).to_owned()).collect()
        }
    }

    fn ways(table: &[(&str, &'static str)], prefix: &str) -> Vec<(String, String)> {
        let table = table.iter().map(|(net, name)| (net.parse().unwrap(), *name)).collect();
        let vpn = look(&mut Table(table), &[("Teams".to_owned(), prefix.parse().unwrap())]);
        let shown = |sample: &RouteSample| match &sample.interface {
            Attempt::Seen(name) => name.clone(),
            other => format!("{:?}", other.failure().unwrap().kind),
        };
        vpn.routes[0].samples.iter().map(|sample| (sample.address.to_string(), shown(sample))).collect()
    }

    fn expect(ways: Vec<(String, String)>, expected: &[(&str, &str)]) {
        let shown: Vec<(&str, &str)> = ways.iter().map(|(address, name)| (address.as_str(), name.as_str())).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_part_that_has_a_route_of_its_own_is_asked_about() {
        let table = [("0.0.0.0/0", "tun0"), ("192.0.2.0/24", "eth0"), ("192.0.2.64/26", "tun0")];
        expect(
            ways(&table, "192.0.2.0/24"),
            &[("192.0.2.0", "eth0"), ("192.0.2.64", "tun0"), ("192.0.2.128", "eth0"), ("192.0.2.255", "eth0")],
        );
    }

    #[test]
    fn no_way_is_a_failure_and_not_an_interface() {
        let ways = ways(&[("0.0.0.0/0", "eth0")], "2001:db8::/127");
        expect(ways, &[("2001:db8::", "Unreachable"), ("2001:db8::1", "Unreachable")]);
    }

    #[test]
    fn each_interface_is_described_once() {
        let table: Vec<(IpNet, &str)> = vec![("0.0.0.0/0".parse().unwrap(), "eth0")];
        let prefixes: Vec<(String, IpNet)> =
            ["192.0.2.0/24", "198.51.100.0/24"].map(|prefix| ("Exchange".to_owned(), prefix.parse().unwrap())).into();
        let vpn = look(&mut Table(table), &prefixes);
        assert_eq!((vpn.interfaces.len(), vpn.routes.len()), (1, 2));
    }

    #[test]
    fn a_tunnel_that_takes_nothing_is_recorded_and_other_interfaces_are_not() {
        let routes = [("0.0.0.0/0", "tun0"), ("192.0.2.0/24", "eth0"), ("10.0.0.0/8", "eth1")];
        let table = routes.map(|(net, name)| (net.parse().unwrap(), name)).into();
        let vpn = look(&mut Table(table), &[("Teams".to_owned(), "192.0.2.0/24".parse().unwrap())]);
        let names: Vec<&str> = vpn.interfaces.iter().map(|interface| interface.name.as_str()).collect();
        assert_eq!(names, ["eth0", "tun0"]);
    }

    #[test]
    fn this_machine_reaches_itself_over_loopback() {
        let prefixes = [("Exchange".to_owned(), "127.0.0.0/30".parse().unwrap())];
        let vpn = system(&prefixes, None, Stopwatch::start()).unwrap();
        // The machine may have tunnels, which are recorded too.
        let loopback = vpn.interfaces.iter().find(|interface| interface.kind == InterfaceKind::Loopback);
        let interface = loopback.unwrap_or_else(|| panic!("{vpn:?}"));
        assert!(vpn.routes[0].samples.iter().all(|sample| sample.interface.seen() == Some(&interface.name)));
        let mut portable = portable::Sockets::open(None, Stopwatch::start()).unwrap();
        assert_eq!(portable.way("127.0.0.1".parse().unwrap()).unwrap(), interface.name);
        assert_eq!(portable.interface(&interface.name).kind, InterfaceKind::Loopback);
    }
}
