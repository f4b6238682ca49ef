//! MAPPED-ADDRESS and XOR-MAPPED-ADDRESS (RFC 8489 sections 14.1 and 14.2).

use std::net::{IpAddr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};
use crate::reader::Reader;

const IPV4: u8 = 0x01;
const IPV6: u8 = 0x02;

/// The address in plain.
pub(super) fn mapped(value: &[u8]) -> Option<SocketAddr> {
    read(value, 0, [0; 16])
}

/// The address under the cookie and the transaction id, which hides it from devices that rewrite addresses in payloads.
pub(super) fn xor_mapped(value: &[u8], transaction: TransactionId) -> Option<SocketAddr> {
    read(value, port_mask(), address_mask(transaction))
}

pub(super) fn write_xor_mapped(address: SocketAddr, transaction: TransactionId) -> Vec<u8> {
    let mask = address_mask(transaction);
    let masked = |octets: &[u8]| octets.iter().zip(mask).map(|(octet, mask)| octet ^ mask).collect::<Vec<u8>>();
    let (family, octets) = match address.ip() {
        IpAddr::V4(address) => (IPV4, masked(&address.octets())),
        IpAddr::V6(address) => (IPV6, masked(&address.octets())),
    };
    let mut value = vec![0, family];
    value.extend((address.port() ^ port_mask()).to_be_bytes());
    value.extend(octets);
    value
}

fn read(value: &[u8], port_mask: u16, mask: [u8; 16]) -> Option<SocketAddr> {
    let mut reader = Reader::new(value);
    let _reserved = reader.u8()?;
    let family = reader.u8()?;
    let port = reader.u16()? ^ port_mask;
    let address = match family {
        IPV4 => {
            let [a, b, c, d, ..] = mask;
            let plain = u32::from_be_bytes(reader.array()?) ^ u32::from_be_bytes([a, b, c, d]);
            IpAddr::from(plain.to_be_bytes())
        }
        IPV6 => {
            let plain = u128::from_be_bytes(reader.array()?) ^ u128::from_be_bytes(mask);
            IpAddr::from(plain.to_be_bytes())
        }
        _ => return None,
    };
    reader.is_empty().then_some(SocketAddr::new(address, port))
}

fn port_mask() -> u16 {
    let [a, b, ..] = MAGIC_COOKIE.to_be_bytes();
    u16::from_be_bytes([a, b])
}

fn address_mask(transaction: TransactionId) -> [u8; 16] {
    let mut mask = [0; 16];
    for (mask, octet) in mask.iter_mut().zip(MAGIC_COOKIE.to_be_bytes().into_iter().chain(transaction)) {
        *mask = octet;
    }
    mask
}
