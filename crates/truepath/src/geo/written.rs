//! Small MaxMind DB files for tests, written after the specification of the format, version 2.0: a binary tree over the bits
//! of IPv6 addresses with IPv4 below `::/96`, records of 24 bits, a data section, and the metadata behind its marker.

use std::net::IpAddr;

use ipnet::IpNet;

#[derive(Clone)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Double(f64),
    Float(f32),
    Short(u16),
    Number(u32),
    Long(u64),
    Map(Vec<(&'a str, Value<'a>)>),
    List(Vec<Value<'a>>),
}

use Value::{Double, Float, List, Long, Map, Number, Short, Text};

/// A database of these networks. They must not overlap.
pub(super) fn database(kind: &str, networks: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut tree: Vec<[Record; 2]> = vec![[Record::Empty; 2]];
    let mut data = Vec::new();
    for (network, value) in networks {
        insert(&mut tree, network.parse().unwrap(), data.len());
        write(value, &mut data);
    }
    let mut octets = Vec::new();
    for record in tree.iter().flatten() {
        let number = match *record {
            Record::Empty => tree.len(),
            Record::Node(node) => node,
            // Sixteen octets of zeros separate tree and data.
            Record::Data(offset) => tree.len() + 16 + offset,
        };
        octets.extend(&u32::try_from(number).unwrap().to_be_bytes()[1..]);
    }
    octets.extend([0; 16]);
    octets.extend(data);
    octets.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = Map(vec![
        ("binary_format_major_version", Short(2)),
        ("binary_format_minor_version", Short(0)),
        ("build_epoch", Long(1_780_000_000)),
        ("database_type", Text(kind)),
        ("description", Map(vec![("en", Text("for tests"))])),
        ("ip_version", Short(6)),
        ("languages", List(vec![Text("en")])),
        ("node_count", Number(u32::try_from(tree.len()).unwrap())),
        ("record_size", Short(24)),
    ]);
    write(&metadata, &mut octets);
    octets
}

#[derive(Clone, Copy)]
enum Record {
    Empty,
    Node(usize),
    Data(usize),
}

fn insert(tree: &mut Vec<[Record; 2]>, network: IpNet, data: usize) {
    let (bits, length) = match network.network() {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 96 + usize::from(network.prefix_len())),
        IpAddr::V6(address) => (u128::from(address), usize::from(network.prefix_len())),
    };
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from(bits >> (127 - depth) & 1 == 1);
        if depth + 1 == length {
            tree[node][side] = Record::Data(data);
            return;
        }
        node = match tree[node][side] {
            Record::Node(next) => next,
            _ => {
                tree.push([Record::Empty; 2]);
                let next = tree.len() - 1;
                tree[node][side] = Record::Node(next);
                next
            }
        };
    }
}

/// Types up to 7 stand in the upper three bits of the first octet, greater ones in a second octet.
fn write(value: &Value<'_>, octets: &mut Vec<u8>) {
    let mut control = |kind: u8, size: usize| {
        let size = u8::try_from(size).unwrap();
        let (short, more) = if size < 29 { (size, None) } else { (29, Some(size - 29)) };
        if kind <= 7 {
            octets.push(kind << 5 | short);
        } else {
            octets.extend([short, kind - 7]);
        }
        octets.extend(more);
    };
    match value {
        Text(text) => {
            control(2, text.len());
            octets.extend(text.bytes());
        }
        Double(number) => {
            control(3, 8);
            octets.extend(number.to_be_bytes());
        }
        Float(number) => {
            control(15, 4);
            octets.extend(number.to_be_bytes());
        }
        Short(number) => {
            control(5, 2);
            octets.extend(number.to_be_bytes());
        }
        Long(number) => {
            control(9, 8);
            octets.extend(number.to_be_bytes());
        }
        Number(number) => {
            control(6, 4);
            octets.extend(number.to_be_bytes());
        }
        Map(pairs) => {
            control(7, pairs.len());
            for (key, value) in pairs {
                write(&Text(key), octets);
                write(value, octets);
            }
        }
        List(values) => {
            control(11, values.len());
            for value in values {
                write(value, octets);
            }
        }
    }
}
