//! How far an address is from here, as far as databases tell.

use std::net::IpAddr;

use model::{Confidence, Milliseconds, Place, Record};

use crate::rules::Sign;
use crate::text::quoted;

/// Beyond this, traffic takes a way around: 500 miles, as the Microsoft 365 network insights have it.
pub(crate) const FAR_KM: f64 = 800.0;
/// In a vacuum: what is known of a round trip bounds a distance from above.
const LIGHT_KM_PER_MS: f64 = 299.792_458;

/// An address with what is known of its place.
pub(crate) struct Spot {
    pub(crate) distance_km: Option<f64>,
    /// "203.0.113.7 in Lisbon, PT (AS64500 Example Networks), 2312 km from here".
    pub(crate) words: String,
    /// Why there is no distance.
    pub(crate) unknown: Option<Unknown>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// An address of this network, which no database knows, and which is near.
    OwnNetwork,
    Address,
    Here,
}

impl Unknown {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::OwnNetwork => "an address of this network",
            Self::Address => "its place is unknown",
            Self::Here => "the place of this machine is unknown",
        }
    }
}

impl Spot {
    pub(crate) fn is_far(&self) -> bool {
        self.distance_km.is_some_and(|km| km > FAR_KM)
    }

    /// What a rule over distances has to say of it: nothing of what is near.
    pub(super) fn sign(&self, confidence: Confidence, what: &str) -> Option<Sign> {
        match self.unknown {
            Some(Unknown::OwnNetwork) => None,
            Some(why) => Some(Sign::silent(format!("{what} {}: {}", self.words, why.words()))),
            None => self.is_far().then(|| Sign::against(confidence, format!("{what} {}", self.words))),
        }
    }
}

/// Where an address is; `round_trip` is the least that was measured to it, which a wrong row of a database cannot argue
/// with.
pub(crate) fn spot(record: &Record, address: IpAddr, round_trip: Option<Milliseconds>) -> Spot {
    let geo = record.geo.seen();
    let place = geo.and_then(|geo| geo.places.get(&address).or_else(|| geo.places.get(&address.to_canonical())));
    let here = geo.and_then(|geo| geo.here.as_ref());
    let at = place.and_then(|place| place.at);
    let unknown = match (here, at) {
        _ if is_private(address) => Some(Unknown::OwnNetwork),
        (_, None) => Some(Unknown::Address),
        (None, Some(_)) => Some(Unknown::Here),
        (Some(_), Some(_)) => None,
    };
    let distance = here.zip(at).map(|(here, at)| here.at.distance_km(at));
    let distance_km = distance.filter(|km| {
        let reach = round_trip.map_or(f64::INFINITY, |time| time.0 / 2.0 * LIGHT_KM_PER_MS);
        unknown.is_none() && km.is_finite() && (!reach.is_finite() || *km <= reach)
    });
    let place = place.map(named).unwrap_or_default();
    let far = distance_km.map(|km| format!(", {km:.0} km from here")).unwrap_or_default();
    Spot { distance_km, words: format!("{address}{place}{far}"), unknown }
}

/// Addresses that no database of places knows (RFC 1918, RFC 6598, RFC 4193, RFC 3927, RFC 4291).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// " in Lisbon, PT (AS64500 Example Networks)".
fn named(place: &Place) -> String {
    let city = [place.city.as_deref(), place.country.as_deref()].into_iter().flatten().map(quoted);
    let city: Vec<String> = city.collect();
    let asn = place.asn.map(|asn| format!("AS{asn}"));
    let network: Vec<String> = asn.into_iter().chain(place.network.as_deref().map(quoted)).collect();
    let city = if city.is_empty() { String::new() } else { format!(" in {}", city.join(", ")) };
    let network = if network.is_empty() { String::new() } else { format!(" ({})", network.join(" ")) };
    format!("{city}{network}")
}

#[cfg(test)]
mod tests {
    use model::Milliseconds;

    use super::*;
    use crate::testing;

    #[test]
    fn a_place_is_told_as_far_as_it_is_known() {
        let mut record = testing::clean();
        let address: IpAddr = "203.0.113.7".parse().expect("an address");
        assert_eq!(spot(&record, address, None).words, "203.0.113.7");
        record.geo = testing::geo(&[("203.0.113.7", 38.7223, -9.1393, "Lisbon")]);
        let lisbon = spot(&record, address, None);
        assert_eq!(lisbon.words, "203.0.113.7 in Lisbon, XX (AS64500 Example Networks), 2312 km from here");
        assert!(lisbon.is_far());
        let near = spot(&record, address, Some(Milliseconds(3.0)));
        assert_eq!((near.distance_km, near.is_far()), (None, false), "450 km is as far as 3 ms reach");
        assert_eq!(spot(&record, "10.1.2.3".parse().expect("an address"), None).unknown, Some(Unknown::OwnNetwork));
        testing::seen(&mut record.geo).here = None;
        assert_eq!(spot(&record, address, None).unknown, Some(Unknown::Here));
    }
}
