//! IPv4 (RFC 791 section 3.1) and IPv6 with extension headers (RFC 8200 section 4), as far as to the transport protocol.

use super::Unread;
use crate::reader::Reader;

/// Extension headers of IPv6 that are walked; honest packets have at most a handful (RFC 8200 section 4.1).
const MAX_EXTENSION_HEADERS: usize = 16;

const HOP_BY_HOP: u8 = 0;
pub(in crate::capture) const TCP: u8 = 6;
pub(in crate::capture) const UDP: u8 = 17;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// A packet that carries TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) struct IpPacket<'a> {
    /// Sixteen octets; an IPv4 address in its mapped form (RFC 4291 section 2.5.5.2).
    pub(in crate::capture) source: u128,
    pub(in crate::capture) destination: u128,
    /// Time to live, or hop limit.
    pub(in crate::capture) ttl: u8,
    pub(in crate::capture) protocol: u8,
    pub(in crate::capture) payload: &'a [u8],
    /// Octets that the header promises and the capture does not hold.
    pub(in crate::capture) missing: usize,
    /// The first fragment of several.
    pub(in crate::capture) fragment: bool,
}

pub(in crate::capture) fn read(packet: &[u8]) -> Result<IpPacket<'_>, Unread> {
    match packet.first().map(|first| first >> 4) {
        Some(4) => ipv4(packet),
        Some(6) => ipv6(packet),
        Some(_) => Err(Unread::NotIp),
        None => Err(Unread::Malformed),
    }
}

fn ipv4(packet: &[u8]) -> Result<IpPacket<'_>, Unread> {
    let (header, _) = packet.split_first_chunk::<20>().ok_or(Unread::Malformed)?;
    let [first, _, l0, l1, _, _, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    if !matches!(protocol, TCP | UDP) {
        return Err(Unread::NotTcpOrUdp);
    }
    let flags_and_offset = u16::from_be_bytes([f0, f1]);
    if flags_and_offset & 0x1fff != 0 {
        return Err(Unread::Fragment);
    }
    let header_length = usize::from(first & 0x0f) * 4;
    let rest = packet.get(header_length..).filter(|_| header_length >= 20).ok_or(Unread::Malformed)?;
    // With segmentation in the network card, a packet may be longer than the field can say: it is 0 then.
    let (payload, missing) = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => (rest, 0),
        total => cut(rest, total.checked_sub(header_length).ok_or(Unread::Malformed)?),
    };
    let mapped = |a, b, c, d| 0xffff_0000_0000 | u128::from(u32::from_be_bytes([a, b, c, d]));
    Ok(IpPacket {
        source: mapped(s0, s1, s2, s3),
        destination: mapped(d0, d1, d2, d3),
        ttl,
        protocol,
        payload,
        missing,
        fragment: flags_and_offset & 0x2000 != 0,
    })
}

fn ipv6(packet: &[u8]) -> Result<IpPacket<'_>, Unread> {
    let mut reader = Reader::new(packet);
    let mut header = || {
        let _version_class_flow = reader.u32()?;
        let (length, next, ttl) = (reader.u16()?, reader.u8()?, reader.u8()?);
        let (source, destination) = (reader.array()?, reader.array()?);
        Some((length, next, ttl, u128::from_be_bytes(source), u128::from_be_bytes(destination)))
    };
    let (length, mut next, ttl, source, destination) = header().ok_or(Unread::Malformed)?;
    // 0 is a packet longer than the field can say: by segmentation in the network card, or a jumbogram (RFC 2675).
    let (payload, missing) = match usize::from(length) {
        0 => (reader.rest(), 0),
        length => cut(reader.rest(), length),
    };
    let mut reader = Reader::new(payload);
    let mut fragment = false;
    for _ in 0..=MAX_EXTENSION_HEADERS {
        match next {
            TCP | UDP => {
                let payload = reader.rest();
                return Ok(IpPacket { source, destination, ttl, protocol: next, payload, missing, fragment });
            }
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | AUTHENTICATION => {
                let (following, length) = reader.u8().zip(reader.u8()).ok_or(Unread::Malformed)?;
                // In words of eight octets without the first one; of four octets without the first two in the
                // authentication header (RFC 4302 section 2.2).
                let length = usize::from(length);
                let length = if next == AUTHENTICATION { length * 4 + 6 } else { length * 8 + 6 };
                reader.take(length).ok_or(Unread::Malformed)?;
                next = following;
            }
            FRAGMENT => {
                let header: [u8; 8] = reader.array().ok_or(Unread::Malformed)?;
                let [following, _, high, low, _, _, _, _] = header;
                let offset_and_flags = u16::from_be_bytes([high, low]);
                if offset_and_flags >> 3 != 0 {
                    return Err(Unread::Fragment);
                }
                fragment |= offset_and_flags & 1 != 0;
                next = following;
            }
            _ => return Err(Unread::NotTcpOrUdp),
        }
    }
    Err(Unread::Malformed)
}

/// The first `length` octets, without what the link layer padded, and how many of them are missing.
fn cut(rest: &[u8], length: usize) -> (&[u8], usize) {
    rest.get(..length).map_or((rest, length.saturating_sub(rest.len())), |whole| (whole, 0))
}
