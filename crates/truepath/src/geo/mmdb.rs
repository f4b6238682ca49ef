//! MaxMind DB files (specification of the format, version 2.0), in the two shapes that are about.
//!
//! A city database has 70 to 130 MB, and a run asks it for some dozens of addresses. So it is neither read as a whole nor
//! mapped into memory, which is not safe while somebody else may write the file: of the tree, the records on the way to the
//! address are read, and of the data section what the entry consists of.

mod section;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;

use model::{Coordinates, Place, Timestamp};
use serde::Deserialize;

use self::section::{Section, damaged};

/// Before the metadata, which is the last thing in the file.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// The metadata begins within this many octets from the end.
const METADATA_LIMIT: u64 = 128 * 1024;
/// Octets of zeros between tree and data.
const SEPARATOR: u64 = 16;

pub(crate) struct Mmdb<F = File> {
    file: F,
    metadata: Metadata,
    data: Section,
}

/// The fields of both shapes; a database has those of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    // Flat.
    latitude: Option<f64>,
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
    latitude: Option<f64>,
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

/// What is told of the database as a whole, as far as it is used.
#[derive(Debug, Deserialize)]
struct Metadata {
    node_count: u32,
    record_size: u16,
    ip_version: u16,
    #[serde(default)]
    database_type: String,
    #[serde(default)]
    build_epoch: u64,
}

impl Mmdb {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        Self::of(File::open(path).map_err(|error| error.to_string())?)
    }
}

impl<F: Read + Seek> Mmdb<F> {
    pub(super) fn of(mut file: F) -> Result<Self, String> {
        Self::read(&mut file)
            .map(|(metadata, data)| Self { file, metadata, data })
            .map_err(|error| format!("not a MaxMind DB: {error}"))
    }

    fn read(file: &mut F) -> io::Result<(Metadata, Section)> {
        let length = file.seek(SeekFrom::End(0))?;
        let from = length.saturating_sub(METADATA_LIMIT);
        file.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        file.take(METADATA_LIMIT).read_to_end(&mut end)?;
        let marker = end.windows(MARKER.len()).rposition(|octets| octets == MARKER);
        let marker = from + marker.ok_or_else(|| damaged("there is no metadata"))? as u64;
        let metadata = Section { start: marker + MARKER.len() as u64, end: length }.value(file, 0)?;
        let metadata: Metadata = serde_json::from_value(metadata)?;
        if !matches!(metadata.record_size, 24 | 28 | 32) || !matches!(metadata.ip_version, 4 | 6) {
            return Err(damaged("records of this size, or addresses of this version, are not known"));
        }
        let tree = u64::from(metadata.node_count) * u64::from(metadata.record_size) / 4;
        let data = Section { start: tree + SEPARATOR, end: marker };
        if data.start > data.end {
            return Err(damaged("the tree is longer than the file"));
        }
        Ok((metadata, data))
    }

    pub(super) fn lookup(&mut self, address: IpAddr) -> Option<Place> {
        let offset = self.find(address).ok()??;
        let entry: Entry = serde_json::from_value(self.data.value(&mut self.file, offset).ok()?).ok()?;
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

    /// Down the tree, a bit of the address for each node, to where in the data section the entry is.
    fn find(&mut self, address: IpAddr) -> io::Result<Option<u64>> {
        let (bits, length) = match (address, self.metadata.ip_version) {
            // IPv4 lies below `::/96`.
            (IpAddr::V4(address), 6) => (u128::from(u32::from(address)), 128u32),
            (IpAddr::V4(address), _) => (u128::from(u32::from(address)), 32),
            (IpAddr::V6(address), 6) => (u128::from(address), 128),
            (IpAddr::V6(_), _) => return Ok(None),
        };
        let nodes = u64::from(self.metadata.node_count);
        let mut node = 0u64;
        for bit in (0..length).rev() {
            if node >= nodes {
                break;
            }
            node = self.record(node, bits >> bit & 1 == 1)?;
        }
        // The number of nodes itself says that there is no entry; what is above it, where the entry is.
        Ok(node.checked_sub(nodes + SEPARATOR))
    }

    /// One of the two records of a node.
    fn record(&mut self, node: u64, right: bool) -> io::Result<u64> {
        let size = u64::from(self.metadata.record_size) / 4;
        self.file.seek(SeekFrom::Start(node * size))?;
        let mut octets = [0; 8];
        let used = octets.get_mut(..usize::from(self.metadata.record_size) / 4).unwrap_or_default();
        self.file.read_exact(used)?;
        let [a, b, c, d, e, f, g, h] = octets;
        Ok(u64::from(match (self.metadata.record_size, right) {
            (24, false) => u32::from_be_bytes([0, a, b, c]),
            (24, true) => u32::from_be_bytes([0, d, e, f]),
            // The octet in the middle holds the upper four bits of each.
            (28, false) => u32::from_be_bytes([d >> 4, a, b, c]),
            (28, true) => u32::from_be_bytes([d & 0x0f, e, f, g]),
            (_, false) => u32::from_be_bytes([a, b, c, d]),
            (_, true) => u32::from_be_bytes([e, f, g, h]),
        }))
    }

    pub(super) fn kind(&self) -> String {
        self.metadata.database_type.chars().take(80).collect()
    }

    pub(super) fn built(&self) -> String {
        let seconds = i64::try_from(self.metadata.build_epoch).ok();
        let time = seconds.and_then(Timestamp::from_unix_seconds);
        time.map_or_else(|| "an unknown day".to_owned(), |time| time.0.strftime("%Y-%m-%d").to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

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
        let mut database = Mmdb::of(Cursor::new(both_shapes())).unwrap();
        assert_eq!((database.kind().as_str(), database.built().as_str()), ("Test-City", "2026-05-28"));
        let mut place = |address: &str| database.lookup(address.parse().unwrap());
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
            if let Ok(mut database) = Mmdb::of(Cursor::new(octets)) {
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
            assert!(Mmdb::of(Cursor::new(octets)).is_err());
        }
    }

    /// Another reader of the format says the same of every address, in databases of random networks.
    #[test]
    fn another_reader_says_the_same() {
        let mut networks = Vec::new();
        for n in 0..200u32 {
            networks.push((format!("10.{}.{}.0/{}", n, n * 7 % 256, 24 + n % 8), format!("city {n}")));
            networks.push((format!("2001:db8:{n:x}::/48"), format!("city of six {n}")));
        }
        let networks: Vec<_> = networks
            .iter()
            .map(|(network, city)| {
                let network: ipnet::IpNet = network.parse().unwrap();
                (network.trunc().to_string(), Map(vec![("city", Text(city))]))
            })
            .collect();
        let networks: Vec<_> = networks.iter().map(|(network, value)| (network.as_str(), value.clone())).collect();
        let octets = database("Test", &networks);
        let other = maxminddb::Reader::from_source(octets.clone()).unwrap();
        let mut ours = Mmdb::of(Cursor::new(octets)).unwrap();
        for n in 0..4_000u32 {
            for address in
                [format!("10.{}.{}.{}", n % 220, n % 220 * 7 % 256, n % 97), format!("2001:db8:{:x}::1", n % 300)]
            {
                let address: IpAddr = address.parse().unwrap();
                let expected: Option<BTreeMap<String, String>> = other.lookup(address).unwrap().decode().unwrap();
                let expected = expected.map(|entry| entry.get("city").cloned());
                assert_eq!(ours.lookup(address).map(|place| place.city), expected, "{address}");
            }
        }
    }
}
