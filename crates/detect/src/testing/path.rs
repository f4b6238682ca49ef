//! What was seen of the path as a whole: places, settings, routes, the endpoint list.

use model::*;

use super::*;

/// The reflector saw this machine come from one address.
pub(crate) fn egress(address: &str) -> Attempt<Egress> {
    Attempt::Seen(Egress {
        seen: vec![EgressAddress {
            over: "tcp".to_owned(),
            address: address.parse().expect("an address"),
            said_by: "reflector".to_owned(),
            signed: true,
        }],
    })
}

/// This machine is in Berlin; of each address it is known in which city it is: latitude, longitude and name.
pub(crate) fn geo(places: &[(&str, f64, f64, &str)]) -> Attempt<Geo> {
    let place = |latitude: f64, longitude: f64, city: &str| Place {
        at: Coordinates::new(latitude, longitude),
        city: Some(city.to_owned()),
        country: Some("XX".to_owned()),
        asn: Some(64_500),
        network: Some("Example Networks".to_owned()),
    };
    Attempt::Seen(Geo {
        here: Some(Here { at: Coordinates::new(52.52, 13.405).expect("a place"), said_by: "--place".to_owned() }),
        places: places
            .iter()
            .map(|(address, latitude, longitude, city)| {
                (address.parse().expect("an address"), place(*latitude, *longitude, city))
            })
            .collect(),
        sources: Vec::new(),
    })
}

/// A script, found by WPAD, that sends the first host of [`clean`] where `result` says; and the proxy's answer to CONNECT.
pub(crate) fn proxy_facts(result: &str, status: u16) -> Attempt<ProxyFacts> {
    let connect = ProxyConnect {
        status: Some(status),
        schemes: if status == 407 { vec!["Negotiate".to_owned(), "NTLM".to_owned()] } else { Vec::new() },
        server: Some("squid/5.7".to_owned()),
        via: Some("1.1 proxy.contoso.example (squid/5.7)".to_owned()),
        connect_ms: Milliseconds(40.0),
        took_ms: Milliseconds(80.0),
    };
    let answer = ProxyAnswer {
        proxy: "http://proxy.contoso.example:8080".to_owned(),
        address: Some("203.0.113.80".parse().expect("an address")),
        outcome: Attempt::Seen(connect),
    };
    Attempt::Seen(ProxyFacts {
        sources: vec![ProxySource {
            kind: ProxySourceKind::WpadDns,
            name: "http://wpad/wpad.dat".to_owned(),
            setting: Attempt::Seen(ProxySetting::Script(ProxyScript {
                url: "http://wpad/wpad.dat".to_owned(),
                sha256: HexBytes(vec![1; 32]),
                length: 400,
                content_type: None,
                fetched_ms: Milliseconds(5.0),
            })),
        }],
        decisions: vec![ProxyDecision {
            host: name("outlook.office365.com"),
            port: 443,
            source: 0,
            outcome: Attempt::Seen(ProxyRoute {
                result: result.to_owned(),
                rule: Some("line 7: return proxy;".to_owned()),
                line: Some(7),
                took_ms: Milliseconds(1.0),
                resolved: Vec::new(),
            }),
        }],
        proxies: vec![answer],
    })
}

/// A machine with a network adapter and a WireGuard tunnel, and for each prefix of Teams the interface that it leaves by.
pub(crate) fn vpn(interfaces: &[&str]) -> Attempt<Vpn> {
    let interface = |name: &str, kind: InterfaceKind| Interface { name: name.to_owned(), kind, because: String::new() };
    let route = |(n, name): (usize, &&str)| PrefixRoute {
        workload: "Teams".to_owned(),
        prefix: format!("52.{}.0.0/16", 112 + n).parse().expect("a prefix"),
        samples: vec![RouteSample {
            address: format!("52.{}.0.1", 112 + n).parse().expect("an address"),
            interface: Attempt::Seen((*name).to_owned()),
        }],
    };
    Attempt::Seen(Vpn {
        interfaces: vec![
            interface("eth0", InterfaceKind::Adapter),
            interface("wg0", InterfaceKind::Tunnel(Some("WireGuard".to_owned()))),
        ],
        routes: interfaces.iter().enumerate().map(route).collect(),
    })
}

/// Names of the endpoint list, all of which answer.
pub(crate) fn endpoints(names: &[&str]) -> Attempt<Vec<EndpointAnswer>> {
    let answer = |host: &&str| EndpointAnswer {
        host: name(host),
        port: 443,
        set: 1,
        workload: "Exchange".to_owned(),
        category: "Optimize".to_owned(),
        outcome: Attempt::Seen(EndpointStatus { status: 200, server: None, via: None, took_ms: Milliseconds(60.0) }),
    };
    Attempt::Seen(names.iter().map(answer).collect())
}
