//! MaxMind DB files, in the two shapes that are about.

use std::collections::BTreeMap;
use std::fmt::{self, Formatter};
use std::net::IpAddr;
use std::path::Path;

use maxminddb::Reader;
use model::{Coordinates, Place, Timestamp};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

/// The largest free city database has 130 MB.
const SIZE_LIMIT: u64 = 512 * 1024 * 1024;

pub(crate) struct Mmdb(Reader<Vec<u8>>);

/// The fields of both shapes; a database has those of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    // Flat.
    #[serde(deserialize_with = "degrees")]
    latitude: Option<f64>,
    #[serde(deserialize_with = "degrees")]
    longitude: Option<f64>,
    country_code: Option<String>,
    // GeoIP2.
    location: Location,
    country: Named,
    // Both; a name, or names by language.
    city: Named,
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Location {
    #[serde(deserialize_with = "degrees")]
    latitude: Option<f64>,
    #[serde(deserialize_with = "degrees")]
    longitude: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Named {
    Flat(String),
    Nested {
        #[serde(default)]
        names: BTreeMap<String, String>,
        #[serde(default)]
        iso_code: Option<String>,
    },
}

impl Default for Named {
    fn default() -> Self {
        Self::Nested { names: BTreeMap::new(), iso_code: None }
    }
}

impl Named {
    fn name(self) -> Option<String> {
        let name = match self {
            Self::Flat(name) => Some(name),
            Self::Nested { mut names, .. } => names.remove("en"),
        };
        name.filter(|name| !name.is_empty())
    }

    fn code(&self) -> Option<String> {
        match self {
            Self::Nested { iso_code, .. } => iso_code.clone(),
            Self::Flat(_) => None,
        }
    }
}

/// Some databases store degrees in single precision, others in double; the format tells the two apart.
fn degrees<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    struct Degrees;

    impl Visitor<'_> for Degrees {
        type Value = Option<f64>;

        fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("degrees")
        }

        fn visit_f32<E>(self, value: f32) -> Result<Option<f64>, E> {
            Ok(Some(f64::from(value)))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Option<f64>, E> {
            Ok(Some(value))
        }
    }

    deserializer.deserialize_any(Degrees)
}

impl Mmdb {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
        if size > SIZE_LIMIT {
            return Err(format!("larger than {} MiB", SIZE_LIMIT >> 20));
        }
        let octets = std::fs::read(path).map_err(|error| error.to_string())?;
        Self::of(octets)
    }

    pub(super) fn of(octets: Vec<u8>) -> Result<Self, String> {
        Reader::from_source(octets).map(Self).map_err(|error| format!("not a MaxMind DB: {error}"))
    }

    pub(super) fn lookup(&self, address: IpAddr) -> Option<Place> {
        let entry: Entry = self.0.lookup(address).ok()?.decode().ok()??;
        let at = |latitude: Option<f64>, longitude: Option<f64>| {
            // Stored in single precision by some; four decimals are 11 m.
            let short = |degrees: f64| (degrees * 1e4).round() / 1e4;
            Coordinates::new(short(latitude?), short(longitude?))
        };
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        Some(Place {
            at: at(entry.latitude, entry.longitude).or_else(|| at(entry.location.latitude, entry.location.longitude)),
            country: text(entry.country_code).or_else(|| entry.country.code()),
            city: entry.city.name(),
            asn: entry.autonomous_system_number,
            network: text(entry.autonomous_system_organization),
        })
    }

    pub(super) fn kind(&self) -> String {
        self.0.metadata().database_type.chars().take(80).collect()
    }

    pub(super) fn built(&self) -> String {
        let seconds = i64::try_from(self.0.metadata().build_epoch).ok();
        let time = seconds.and_then(Timestamp::from_unix_seconds);
        time.map_or_else(|| "an unknown day".to_owned(), |time| time.0.strftime("%Y-%m-%d").to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::written::Value::{Double, Float, Map, Number, Text};
    use super::super::written::database;
    use super::*;

    /// The flat shape of the free databases, and the nested one of GeoIP2.
    fn both_shapes() -> Vec<u8> {
        let names = |name| Map(vec![("de", Text("anders")), ("en", Text(name))]);
        database(
            "Test-City",
            &[
                (
                    "192.0.2.0/25",
                    Map(vec![
                        ("city", Text("Lisbon")),
                        ("country_code", Text("PT")),
                        ("latitude", Float(38.7169)),
                        ("longitude", Float(-9.1399)),
                    ]),
                ),
                (
                    "2001:db8::/32",
                    Map(vec![
                        ("city", Map(vec![("names", names("Hamburg"))])),
                        ("country", Map(vec![("iso_code", Text("DE")), ("names", names("Germany"))])),
                        ("location", Map(vec![("latitude", Double(53.5511)), ("longitude", Double(9.9937))])),
                    ]),
                ),
                (
                    "198.51.100.0/24",
                    Map(vec![
                        ("autonomous_system_number", Number(64_500)),
                        ("autonomous_system_organization", Text("Example Networks, whose name is longer than most")),
                    ]),
                ),
                (
                    "203.0.113.0/24",
                    Map(vec![("latitude", Double(91.0)), ("longitude", Double(0.0)), ("city", Text(""))]),
                ),
            ],
        )
    }

    #[test]
    fn both_shapes_are_read_and_what_is_not_there_is_unknown() {
        let database = Mmdb::of(both_shapes()).unwrap();
        assert_eq!((database.kind().as_str(), database.built().as_str()), ("Test-City", "2026-05-28"));
        let place = |address: &str| database.lookup(address.parse().unwrap());
        let lisbon = place("192.0.2.127").unwrap();
        assert_eq!((lisbon.city.as_deref(), lisbon.country.as_deref()), (Some("Lisbon"), Some("PT")));
        assert_eq!(lisbon.at, Coordinates::new(38.7169, -9.1399));
        let hamburg = place("2001:db8:ffff::1").unwrap();
        assert_eq!((hamburg.city.as_deref(), hamburg.country.as_deref()), (Some("Hamburg"), Some("DE")));
        assert_eq!(hamburg.at, Coordinates::new(53.5511, 9.9937));
        let network = place("198.51.100.7").unwrap();
        assert_eq!(network.asn, Some(64_500));
        assert_eq!(network.network.as_deref(), Some("Example Networks, whose name is longer than most"));
        assert_eq!(place("192.0.2.128"), None, "the next network");
        assert_eq!(place("2001:db9::1"), None);
        assert_eq!(place("203.0.113.1"), Some(Place::default()), "there is no such place on Earth");
    }

    /// Every octet of a small database damaged in turn: it is refused, says something else, or says nothing.
    #[test]
    fn a_damaged_database_never_panics() {
        let whole = both_shapes();
        let asked = ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "::", "255.255.255.255"];
        let ask = |octets: Vec<u8>| {
            if let Ok(database) = Mmdb::of(octets) {
                let _ = (database.kind(), database.built());
                for address in asked {
                    let _ = database.lookup(address.parse().unwrap());
                }
            }
        };
        for at in 0..whole.len() {
            for damage in [0x00, 0x01, 0x1d, 0x20, 0x3f, 0x5d, 0x7f, 0x80, 0xe0, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = damage;
                ask(damaged);
            }
            ask(whole[..at].to_vec());
        }
    }

    #[test]
    fn what_is_no_database_is_refused_and_never_panics() {
        for octets in [Vec::new(), vec![0; 64], b"\xab\xcd\xefMaxMind.com".to_vec(), vec![0xff; 4096]] {
            assert!(Mmdb::of(octets).is_err());
        }
    }
}
