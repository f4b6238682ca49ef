//! Who the outside sees, which resolver asks for us, and where those addresses are.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Attempt, Milliseconds};

/// What the `egress` check saw: the addresses that others see of us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Egress {
    pub seen: Vec<EgressAddress>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressAddress {
    /// Over what: "tcp", "quic", "udp"; with an explicit proxy, "tcp" is what the proxy's far side shows.
    pub over: String,
    pub address: IpAddr,
    /// Who says so: "reflector" (signed), or a STUN server's name.
    pub said_by: String,
    pub signed: bool,
}

/// What the `resolver` check saw: who asked the reflector's name server when we asked ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolvers {
    /// As every program of this machine asks, and straight to the configured name servers.
    pub system: Attempt<Vec<ResolverAddress>>,
    pub direct: Attempt<Vec<ResolverAddress>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolverAddress {
    pub address: IpAddr,
    /// The client subnet that it told the name server (RFC 7871).
    pub client_subnet: Option<IpNet>,
    /// The reflector's signed word; otherwise it was read from the DNS answer, which a middlebox can rewrite.
    pub signed: bool,
    /// The whole question, with nothing cached.
    pub time_ms: Milliseconds,
}

/// A name server's question for one of our names, as the reflector saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedBy {
    pub address: IpAddr,
    pub client_subnet: Option<IpNet>,
}

/// What the machine's geographic databases say of the addresses of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Geo {
    /// Where this machine is, and who says so; without it, no distance from here is told.
    pub here: Option<Here>,
    pub places: BTreeMap<IpAddr, Place>,
    pub sources: Vec<GeoSource>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Here {
    pub at: Coordinates,
    pub said_by: String,
}

/// WGS 84, degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coordinates {
    pub latitude: f64,
    pub longitude: f64,
}

impl Coordinates {
    /// `None` where there is no such place.
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        ((-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude))
            .then_some(Self { latitude, longitude })
    }

    /// Great-circle distance on a sphere of the Earth's mean radius (haversine), in kilometres; the ellipsoid differs by
    /// half a percent at most.
    pub fn distance_km(self, other: Self) -> f64 {
        const RADIUS_KM: f64 = 6_371.009;
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half = |from: f64, to: f64| ((to - from) / 2.0).sin().powi(2);
        let h = half(a, b) + a.cos() * b.cos() * half(self.longitude.to_radians(), other.longitude.to_radians());
        2.0 * RADIUS_KM * h.sqrt().min(1.0).asin()
    }
}

/// What is known of one address; a database that does not know it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub at: Option<Coordinates>,
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub asn: Option<u32>,
    pub network: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoSource {
    pub file: String,
    /// The database's own type and build date, as its metadata says.
    pub kind: String,
    pub built: String,
    /// What its licence asks to be shown.
    pub attribution: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::Coordinates;

    #[test]
    fn distances_are_those_of_the_atlas() {
        let place = |latitude, longitude| Coordinates::new(latitude, longitude).unwrap();
        let (lisbon, berlin) = (place(38.7223, -9.1393), place(52.5200, 13.4050));
        assert!((lisbon.distance_km(berlin) - 2_311.0).abs() < 12.0, "{}", lisbon.distance_km(berlin));
        assert!(lisbon.distance_km(lisbon) < 1e-9);
        let antipodes = place(0.0, 0.0).distance_km(place(0.0, 180.0));
        assert!((antipodes - 20_015.1).abs() < 1.0, "{antipodes}");
        assert!(Coordinates::new(91.0, 0.0).is_none() && Coordinates::new(f64::NAN, 0.0).is_none());
    }
}
