use model::Confidence;

use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the host was reached at an address outside of the ranges that the service publishes.
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
    let Some(address) = connections.first().and_then(|first| Some(view.connection(*first)?.address.ip())) else {
        return Vec::new();
    };
    let detail = format!("{address} is outside of the addresses that the service publishes for this host");
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
        record.hosts[0].connections.iter_mut().for_each(|c| c.via_proxy = true);
        assert!(!against(&record, 0).contains(&"wrong-destination".to_owned()));
    }
}
