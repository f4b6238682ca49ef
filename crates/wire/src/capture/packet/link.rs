//! Link layers: where in the packet IP begins.

use super::{LinkType, Unread};
use crate::reader::Reader;

/// Tags of virtual networks in a row (IEEE 802.1Q, 802.1ad). Two are in use, three and more in some networks of carriers.
const MAX_TAGS: usize = 8;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// The octets from the IP header on.
pub(in crate::capture) fn ip_packet(link_type: LinkType, octets: &[u8]) -> Result<&[u8], Unread> {
    if link_type == LinkType::ETHERNET {
        return ethernet(octets);
    }
    if link_type.is_raw() {
        return Ok(octets);
    }
    let mut reader = Reader::new(octets);
    match link_type {
        // Type, hardware type, length and octets of the address, protocol.
        LinkType::LINUX_SLL => {
            reader.take(14).ok_or(Unread::Malformed)?;
            tagged(reader)
        }
        // Protocol first, then 18 octets of the rest.
        LinkType::LINUX_SLL2 => {
            let protocol = reader.u16().ok_or(Unread::Malformed)?;
            reader.take(18).ok_or(Unread::Malformed)?;
            behind(protocol, reader)
        }
        LinkType::NULL | LinkType::LOOP => {
            let family: [u8; 4] = reader.array().ok_or(Unread::Malformed)?;
            // AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30. Who wrote the file is not known, so either order is taken.
            match family {
                [0, 0, 0, 2 | 10 | 24 | 28 | 30] | [2 | 10 | 24 | 28 | 30, 0, 0, 0] => Ok(reader.rest()),
                _ => Err(Unread::NotIp),
            }
        }
        _ => Err(Unread::LinkType),
    }
}

fn ethernet(octets: &[u8]) -> Result<&[u8], Unread> {
    // By far the most frequent case first.
    if let Some(([.., high, low], rest)) = octets.split_first_chunk::<14>()
        && matches!(u16::from_be_bytes([*high, *low]), IPV4 | IPV6)
    {
        return Ok(rest);
    }
    let mut reader = Reader::new(octets);
    reader.take(12).ok_or(Unread::Malformed)?;
    tagged(reader)
}

/// What follows an EtherType, which is next.
fn tagged(mut reader: Reader<'_>) -> Result<&[u8], Unread> {
    let protocol = reader.u16().ok_or(Unread::Malformed)?;
    behind(protocol, reader)
}

/// What follows behind a protocol number, tags taken off.
fn behind(mut protocol: u16, mut reader: Reader<'_>) -> Result<&[u8], Unread> {
    for _ in 0..=MAX_TAGS {
        match protocol {
            IPV4 | IPV6 => return Ok(reader.rest()),
            // 802.1Q, 802.1ad, and the number that QinQ had before it had one.
            0x8100 | 0x88a8 | 0x9100 => {
                let (_tag, next) = reader.u16().zip(reader.u16()).ok_or(Unread::Malformed)?;
                protocol = next;
            }
            _ => return Err(Unread::NotIp),
        }
    }
    Err(Unread::Malformed)
}
