use std::net::IpAddr;

use model::Confidence;

use super::{PathSign, PathView, spot};

path_rule! {
    /// What it shows: the address that the outside sees of this machine is more than 800 km away: traffic is carried there
    /// before it leaves to the service, which has an entrance nearer.
    ///
    /// Why it is proof, or not: the address is the reflector's signed word; where it is comes from a database of places.
    ///
    /// What can fool it: databases are wrong about one address in ten or so; an operator that announces all addresses in one
    /// city. Where the place of this machine or of the address is unknown, it is said, and nothing is concluded.
    ///
    /// Source: Microsoft 365 network insight on backhauled egress, 500 miles.
    "distant-egress", D, "Traffic leaves far away", look,
    "Let traffic to the service leave at the office or at home (local egress)."
}

fn look(view: &PathView<'_>) -> Vec<PathSign> {
    let Some(egress) = view.record.egress.seen() else { return Vec::new() };
    let mut addresses: Vec<IpAddr> = Vec::new();
    for seen in &egress.seen {
        if !addresses.contains(&seen.address) {
            addresses.push(seen.address);
        }
    }
    let signs = addresses.into_iter().filter_map(|address| {
        let spot = spot(view.record, address, None);
        spot.sign(Confidence::Strong, "traffic leaves at")
    });
    signs.map(PathSign::from).collect()
}

#[cfg(test)]
mod tests {
    use model::Leaning;

    use crate::testing::{self, path_against};

    #[test]
    fn an_egress_in_another_country_is_told() {
        let mut record = testing::clean();
        record.egress = testing::egress("203.0.113.7");
        assert!(path_against(&record).is_empty());
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(judgement.path[0].leaning, Leaning::Silent);
        assert_eq!(judgement.path[0].detail, "traffic leaves at 203.0.113.7: its place is unknown");
        record.geo = testing::geo(&[("203.0.113.7", 38.7223, -9.1393, "Lisbon")]);
        assert_eq!(path_against(&record), ["distant-egress"]);
        record.geo = testing::geo(&[("203.0.113.7", 53.55, 9.99, "Hamburg")]);
        assert!(path_against(&record).is_empty());
    }
}
