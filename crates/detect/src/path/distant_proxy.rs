use std::net::IpAddr;

use model::{Confidence, Milliseconds};

use super::{PathSign, PathView, spot};

path_rule! {
    /// What it shows: a proxy that the settings choose, or that the check went through, is more than 800 km away.
    ///
    /// Why it is proof, or not: the address is that of the connection; where it is comes from a database of places. A
    /// connection that opens faster than light could go there and back proves the database wrong, and nothing is told.
    ///
    /// What can fool it: databases of places; one address that is answered in many places.
    ///
    /// Source: Microsoft 365 network connectivity test, proxy, 500 miles.
    "distant-proxy", D, "The proxy is far away", look,
    "Use a proxy near to this machine, or send the service direct."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let mut proxies: Vec<(IpAddr, Option<Milliseconds>)> = Vec::new();
    let mut add = |address: IpAddr, time: Option<Milliseconds>| {
        let time = time.filter(|time| time.0.is_finite());
        match proxies.iter_mut().find(|(known, _)| *known == address) {
            Some((_, known)) => {
                *known = known.zip(time).map(|(a, b)| if b.0 < a.0 { b } else { a }).or(*known).or(time);
            }
            None => proxies.push((address, time)),
        }
    };
    for answer in view.record.proxy.seen().into_iter().flat_map(|facts| &facts.proxies) {
        if let Some(address) = answer.address {
            add(address, answer.outcome.seen().map(|connect| connect.connect_ms));
        }
    }
    for connection in view.record.hosts.iter().flat_map(|host| &host.connections).filter(|c| c.via_proxy) {
        add(connection.address.ip(), connection.connect_ms);
    }
    let signs = proxies.into_iter().filter_map(|(address, time)| {
        let spot = spot(view.record, address, time);
        spot.sign(Confidence::Strong, "the proxy is at")
    });
    signs.map(PathSign::from).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, path_against};

    #[test]
    fn a_proxy_in_another_country_is_told_unless_it_answers_too_soon() {
        let mut record = testing::clean();
        record.proxy = testing::proxy_facts("PROXY proxy.contoso.example:8080", 200);
        record.geo = testing::geo(&[("203.0.113.80", 38.7223, -9.1393, "Lisbon")]);
        assert_eq!(path_against(&record), ["proxy-configured", "distant-proxy"]);
        let connect = testing::seen(&mut testing::seen(&mut record.proxy).proxies[0].outcome);
        connect.connect_ms.0 = 2.0;
        assert_eq!(path_against(&record), ["proxy-configured"]);
    }
}
