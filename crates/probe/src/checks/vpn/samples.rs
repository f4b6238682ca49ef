//! Which addresses of a prefix stand for all of it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Addresses asked about in one prefix. A configuration that cuts one published range into more pieces than this was not
/// made by hand, and the pieces that are asked about lie evenly in it.
const SAMPLES: usize = 64;

/// The first, middle and last address of the prefix, and the first one of every stretch that the destinations of routes
/// cut out of it. Between two neighbours of the answer no route begins or ends.
pub(super) fn samples(prefix: &IpNet, destinations: &[IpNet]) -> Vec<IpAddr> {
    let (first, last) = (prefix.network(), prefix.broadcast());
    let mut points = BTreeSet::from([first, middle(first, last), last]);
    for inside in destinations.iter().filter(|net| prefix.contains(*net)) {
        points.insert(inside.network());
        points.extend(after(inside.broadcast()).filter(|next| *next <= last));
    }
    let excess = points.len().div_ceil(SAMPLES).max(1);
    // The first one stays as every nth does; the last one is added again, so that both ends are always there.
    let mut chosen: Vec<IpAddr> = points.into_iter().step_by(excess).collect();
    if chosen.last() != Some(&last) {
        chosen.push(last);
    }
    chosen
}

fn middle(first: IpAddr, last: IpAddr) -> IpAddr {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let (first, last) = (first.to_bits(), last.to_bits());
            Ipv4Addr::from_bits(first + (last - first).div_ceil(2)).into()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let (first, last) = (first.to_bits(), last.to_bits());
            Ipv6Addr::from_bits(first + (last - first).div_ceil(2)).into()
        }
        (first, _) => first,
    }
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => address.to_bits().checked_add(1).map(|next| Ipv4Addr::from_bits(next).into()),
        IpAddr::V6(address) => address.to_bits().checked_add(1).map(|next| Ipv6Addr::from_bits(next).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{SAMPLES, samples};

    fn check(prefix: &str, destinations: &[&str], expected: &[&str]) {
        let destinations: Vec<_> = destinations.iter().map(|net| net.parse().unwrap()).collect();
        let shown: Vec<String> =
            samples(&prefix.parse().unwrap(), &destinations).iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected, "{prefix}");
    }

    #[test]
    fn ends_and_middle_stand_for_a_prefix_without_routes_of_its_own() {
        check("192.0.2.0/24", &[], &["192.0.2.0", "192.0.2.128", "192.0.2.255"]);
        check("192.0.2.7/32", &[], &["192.0.2.7"]);
        check("192.0.2.6/31", &[], &["192.0.2.6", "192.0.2.7"]);
        check("2001:db8::/126", &[], &["2001:db8::", "2001:db8::2", "2001:db8::3"]);
        // Wider, equal, elsewhere or of the other family: no part of it is singled out.
        let others = ["0.0.0.0/0", "192.0.2.0/23", "192.0.2.0/24", "198.51.100.0/24", "::/0"];
        check("192.0.2.0/24", &others, &["192.0.2.0", "192.0.2.128", "192.0.2.255"]);
    }

    #[test]
    fn every_stretch_between_routes_has_one() {
        check(
            "192.0.2.0/24",
            &["192.0.2.16/28", "192.0.2.16/30", "192.0.2.255/32"],
            &["192.0.2.0", "192.0.2.16", "192.0.2.20", "192.0.2.32", "192.0.2.128", "192.0.2.255"],
        );
        // A route at the very end of the numbers has nothing after it.
        check("255.255.255.254/31", &["255.255.255.255/32"], &["255.255.255.254", "255.255.255.255"]);
    }

    #[test]
    fn a_prefix_in_a_thousand_pieces_is_sampled() {
        let pieces: Vec<_> =
            (0..1024u32).map(|n| format!("10.0.{}.{}/32", n / 256, n % 256).parse().unwrap()).collect();
        let chosen = samples(&"10.0.0.0/16".parse().unwrap(), &pieces);
        assert!(chosen.len() <= SAMPLES + 1, "{}", chosen.len());
        assert_eq!(chosen.first().unwrap().to_string(), "10.0.0.0");
        assert_eq!(chosen.last().unwrap().to_string(), "10.0.255.255");
    }
}
