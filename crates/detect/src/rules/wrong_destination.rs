use std::net::IpAddr;

use model::{Attempt, Confidence};

use crate::rules::Sign;
use crate::text::listed_up_to;
use crate::view::View;

rule! {
    /// What it shows: the host was reached at an address outside of the ranges that the service publishes, or its name leads
    /// to one.
    ///
    /// Why it is proof of nothing more: something redirects the name or the address: a filtering resolver, a private
    /// link, a transparent proxy with an address of its own. Who ends TLS is told by other rules.
    ///
    /// What can fool it: a list of addresses that is older than the service's last change. It does not apply through an
    /// explicit proxy, where the address is the proxy's, nor where `--resolve` chose the address.
    ///
    /// Source: the published endpoint list of the service.
    "wrong-destination", D, "The address is not one of the service's", look, None,
    "Find out what redirects {hosts}: a filtering resolver, a private link or a hosts file."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let published = &view.host.target.promises.addresses;
    let overridden = view.host.dns.seen().is_some_and(|dns| dns.overridden);
    if published.is_empty() || overridden {
        return Vec::new();
    }
    let outside = |c: &model::Connection| {
        !c.via_proxy && !published.iter().any(|net| net.contains(&c.address.ip().to_canonical()))
    };
    let connections = view.connections(outside);
    let connected = connections.iter().filter_map(|index| Some(view.connection(*index)?.address.ip().to_canonical()));
    // Through an explicit proxy the proxy asks a resolver of its own.
    let direct = view.record.path.via.is_none();
    let dns = view.host.dns.seen().filter(|_| direct);
    let answers = dns.into_iter().flat_map(|dns| [&dns.system, &dns.direct]).filter_map(Attempt::seen);
    let answered = answers.flat_map(|answer| &answer.addresses).map(IpAddr::to_canonical);
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in connected.chain(answered.filter(|address| !published.iter().any(|net| net.contains(address)))) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Vec::new();
    }
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let verb = if addresses.len() == 1 { "is" } else { "are" };
    let shown = listed_up_to(&addresses, 3);
    let detail = format!("{shown} {verb} outside of the addresses that the service publishes for this host");
    vec![Sign::against(Confidence::Strong, detail).on(connections)]
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, against};

    #[test]
    fn an_address_outside_of_the_published_ranges_is_told() {
        let mut record = testing::clean();
        let mut with = |net: &str| {
            record.hosts[0].target.promises.addresses = vec![net.parse().expect("a network")];
            against(&record, 0).contains(&"wrong-destination".to_owned())
        };
        assert!(!with("192.0.2.0/24"));
        assert!(with("198.51.100.0/24"));
        record.path.via = Some("http://proxy.contoso.example:8080".to_owned());
        record.hosts[0].connections.iter_mut().for_each(|c| c.via_proxy = true);
        assert!(!against(&record, 0).contains(&"wrong-destination".to_owned()));
    }

    #[test]
    fn an_answer_of_the_resolver_counts_although_nobody_connected_to_it() {
        let mut record = testing::clean();
        record.hosts[0].target.promises.addresses = vec!["192.0.2.0/24".parse().expect("a network")];
        let dns = testing::seen(&mut record.hosts[0].dns);
        testing::seen(&mut dns.system).addresses.push("198.51.100.7".parse().expect("an address"));
        assert_eq!(against(&record, 0), ["wrong-destination"]);
        testing::seen(&mut record.hosts[0].dns).overridden = true;
        assert!(against(&record, 0).is_empty(), "--resolve chose the address");
    }
}
