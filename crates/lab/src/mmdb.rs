//! A geographic database of the lab's own, in the MaxMind DB file format 2.0: where the documentation addresses are in this
//! scenario's world.
//!
//! Such addresses are in no real database, and a real one would change under the scenarios. The layout of a record is that
//! of GeoLite2 City, with the two fields of GeoLite2 ASN beside it. The format (maxmind.github.io/MaxMind-DB): a binary
//! search tree over the bits of an IPv6 address, where IPv4 stands in ::/96; sixteen zero octets; the data; a marker; the
//! metadata.

use std::{collections::BTreeMap, net::IpAddr};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Where a network is, as a scenario's file says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Located {
    latitude: f64,
    longitude: f64,
    city: String,
    country: String,
    asn: u32,
    network: String,
}

/// Bits of a record in the tree; two records are a node.
const RECORD_BITS: u64 = 24;
const SEPARATOR: [u8; 16] = [0; 16];
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// 2026-11-23, in seconds: a date of build that does not change with the run.
const BUILT: u64 = 1_795_392_000;

/// The file, for networks in CIDR notation that do not overlap.
pub(crate) fn write(places: &BTreeMap<String, Located>) -> Result<Vec<u8>> {
    let mut tree = Tree::default();
    let mut data = Vec::new();
    for (network, located) in places {
        let at = u32::try_from(data.len())?;
        located.write(&mut data);
        let (bits, length) = parse(network).with_context(|| format!("`{network}` is no network"))?;
        tree.insert(bits, length, at).with_context(|| format!("`{network}` overlaps another network"))?;
    }
    let mut file = tree.octets()?;
    file.extend(SEPARATOR);
    file.extend(data);
    file.extend(MARKER);
    metadata(&mut file, u64::try_from(tree.nodes.len())?);
    Ok(file)
}

impl Located {
    fn write(&self, out: &mut Vec<u8>) {
        map(out, 5);
        text(out, "location");
        map(out, 2);
        text(out, "latitude");
        double(out, self.latitude);
        text(out, "longitude");
        double(out, self.longitude);
        text(out, "city");
        map(out, 1);
        text(out, "names");
        map(out, 1);
        text(out, "en");
        text(out, &self.city);
        text(out, "country");
        map(out, 1);
        text(out, "iso_code");
        text(out, &self.country);
        text(out, "autonomous_system_number");
        unsigned(out, UINT32, self.asn.into());
        text(out, "autonomous_system_organization");
        text(out, &self.network);
    }
}

fn metadata(out: &mut Vec<u8>, nodes: u64) {
    map(out, 9);
    for (name, kind, value) in [
        ("binary_format_major_version", UINT16, 2),
        ("binary_format_minor_version", UINT16, 0),
        ("ip_version", UINT16, 6),
        ("record_size", UINT16, RECORD_BITS),
        ("node_count", UINT32, nodes),
        ("build_epoch", UINT64, BUILT),
    ] {
        text(out, name);
        unsigned(out, kind, value);
    }
    text(out, "database_type");
    text(out, "Lab-City-ASN");
    text(out, "languages");
    field(out, ARRAY, 1);
    text(out, "en");
    text(out, "description");
    map(out, 1);
    text(out, "en");
    text(out, "Documentation addresses, placed for one scenario");
}

/// The search tree while it grows.
#[derive(Debug)]
struct Tree {
    nodes: Vec<[Record; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    Nothing,
    Node(usize),
    Data(u32),
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![[Record::Nothing; 2]] }
    }
}

impl Tree {
    /// Nothing where another network is in the way.
    fn insert(&mut self, bits: u128, length: u8, data: u32) -> Option<()> {
        let mut node = 0;
        for depth in 0..length {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            let fresh = self.nodes.len();
            let record = self.nodes.get_mut(node)?.get_mut(side)?;
            if depth + 1 == length {
                return (*record == Record::Nothing).then(|| *record = Record::Data(data));
            }
            match *record {
                Record::Node(next) => node = next,
                Record::Data(_) => return None,
                Record::Nothing => {
                    *record = Record::Node(fresh);
                    self.nodes.push([Record::Nothing; 2]);
                    node = fresh;
                }
            }
        }
        None
    }

    /// A record below the number of nodes is a node, that number is "not found", and beyond it stands an offset into the
    /// data, counted from the separator.
    fn octets(&self) -> Result<Vec<u8>> {
        let count = self.nodes.len();
        let mut out = Vec::with_capacity(count * 6);
        for record in self.nodes.iter().flatten() {
            let value = match *record {
                Record::Node(node) => node,
                Record::Nothing => count,
                Record::Data(at) => count + SEPARATOR.len() + usize::try_from(at)?,
            };
            ensure!(value < 1 << RECORD_BITS, "more networks than records of 24 bits can hold");
            out.extend(u32::try_from(value)?.to_be_bytes().into_iter().skip(1));
        }
        Ok(out)
    }
}

/// The network's first bits, IPv4 as it stands in the tree, and how many of them count.
fn parse(network: &str) -> Option<(u128, u8)> {
    let (address, length) = network.split_once('/')?;
    let length: u8 = length.parse().ok()?;
    match address.parse().ok()? {
        IpAddr::V4(v4) => (length <= 32).then(|| (u128::from(v4.to_bits()), 96 + length)),
        IpAddr::V6(v6) => (length <= 128).then(|| (v6.to_bits(), length)),
    }
}

// Types of the data section.
const STRING: u8 = 2;
const DOUBLE: u8 = 3;
const UINT16: u8 = 5;
const UINT32: u8 = 6;
const MAP: u8 = 7;
const UINT64: u8 = 9;
const ARRAY: u8 = 11;

fn map(out: &mut Vec<u8>, pairs: u8) {
    field(out, MAP, pairs);
}

fn text(out: &mut Vec<u8>, text: &str) {
    // A length of 29 or more has an octet of its own, up to 284; the lab has no longer text, and a longer one is cut.
    let octets = text.as_bytes();
    let octets = octets.get(..octets.len().min(284)).unwrap_or(octets);
    match u8::try_from(octets.len()) {
        Ok(short @ ..29) => field(out, STRING, short),
        _ => {
            field(out, STRING, 29);
            out.push(u8::try_from(octets.len() - 29).unwrap_or(u8::MAX));
        }
    }
    out.extend(octets);
}

fn double(out: &mut Vec<u8>, value: f64) {
    field(out, DOUBLE, 8);
    out.extend(value.to_be_bytes());
}

fn unsigned(out: &mut Vec<u8>, kind: u8, value: u64) {
    let octets: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    field(out, kind, u8::try_from(octets.len()).unwrap_or(8));
    out.extend(octets);
}

/// A control octet: the type in the upper three bits and the size in the lower five; types above 7 take a second octet.
fn field(out: &mut Vec<u8>, kind: u8, size: u8) {
    if kind <= 7 {
        out.push(kind << 5 | size);
    } else {
        out.extend([size, kind - 7]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_leads_to_the_data() {
        let located: Located = toml::from_str(
            r#"latitude = 52.52
            longitude = 13.405
            city = "Berlin"
            country = "DE"
            asn = 64496
            network = "Contoso Carrier with a name of more than 28 octets""#,
        )
        .unwrap();
        let places = BTreeMap::from([("192.0.2.0/24".to_owned(), located.clone()), ("2001:db8::/32".into(), located)]);
        let file = write(&places).unwrap();
        // A node for each of the 120 bits of the one; the other shares three of them and has 29 of its own.
        let count = 120 + 29;
        let record = |node: usize, side: usize| {
            let at = (node * 2 + side) * 3;
            usize::try_from(u32::from_be_bytes([0, file[at], file[at + 1], file[at + 2]])).unwrap()
        };
        let find = |bits: u128| {
            let mut node = 0;
            for depth in 0..128 {
                node = record(node, usize::from(bits >> (127 - depth) & 1 == 1));
                if node >= count {
                    break;
                }
            }
            node.checked_sub(count + 16).map(|at| count * 6 + 16 + at)
        };
        let here = find(u128::from(u32::from_be_bytes([192, 0, 2, 77]))).unwrap();
        assert_eq!(&file[here..here + 10], b"\xe5\x48location");
        assert_eq!(file[here + 10..here + 20], *b"\xe2\x48latitude");
        assert!(find(0x2001_0db8 << 96).is_some());
        assert_eq!(find(u128::from(u32::from_be_bytes([192, 0, 3, 1]))), None);
        assert!(file.windows(14).any(|octets| octets == MARKER));
        // Overlap and nonsense are refused.
        for wrong in ["192.0.2.0/25", "192.0.2.0/33", "192.0.2.0", "x/8"] {
            let mut more = places.clone();
            more.insert(wrong.to_owned(), places["192.0.2.0/24"].clone());
            assert!(write(&more).is_err(), "{wrong}");
        }
    }
}
