use std::net::IpAddr;

use model::{Attempt, Confidence};

use super::{PathSign, PathView, spot};

path_rule! {
    /// What it shows: the recursive resolver that asks for this machine is more than 800 km away, so the service answers with
    /// the entrance that is near to the resolver.
    ///
    /// Why it is proof, or not: the reflector's name server saw who asked for a name that nobody had asked for before; where
    /// that is comes from a database of places.
    ///
    /// What can fool it: databases of places; a resolver that tells the client's network to name servers (then it is weak), or
    /// that asks from one place for all of its own. Where a place is unknown, it is said, and nothing is concluded.
    ///
    /// Source: Microsoft 365 network connectivity test, recursive resolver, 500 miles; RFC 7871 (client subnet).
    "distant-resolver", D, "Names are resolved far away", look,
    "Use a resolver near to where traffic leaves."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let Some(resolvers) = view.record.resolver.seen() else { return Vec::new() };
    let seen = [&resolvers.system, &resolvers.direct].into_iter().filter_map(Attempt::seen).flatten();
    let mut addresses: Vec<(IpAddr, bool)> = Vec::new();
    for resolver in seen {
        if !addresses.iter().any(|(known, _)| *known == resolver.address) {
            addresses.push((resolver.address, resolver.client_subnet.is_some()));
        }
    }
    let signs = addresses.into_iter().filter_map(|(address, tells_subnet)| {
        let spot = spot(view.record, address, None);
        let confidence = if tells_subnet { Confidence::Weak } else { Confidence::Strong };
        spot.sign(confidence, "names are asked for by")
    });
    signs.map(PathSign::from).collect()
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Milliseconds, ResolverAddress, Resolvers};

    use crate::testing::{self, path_against};

    #[test]
    fn a_resolver_in_another_country_is_told() {
        let mut record = testing::clean();
        let resolver = ResolverAddress {
            address: "203.0.113.53".parse().expect("an address"),
            client_subnet: None,
            signed: true,
            time_ms: Milliseconds(60.0),
        };
        record.resolver = Attempt::Seen(Resolvers {
            system: Attempt::Seen(vec![resolver]),
            direct: Attempt::not_tried("no name server is configured"),
        });
        assert!(path_against(&record).is_empty(), "its place is unknown");
        record.geo = testing::geo(&[("203.0.113.53", 38.7223, -9.1393, "Lisbon")]);
        assert_eq!(path_against(&record), ["distant-resolver"]);
    }
}
