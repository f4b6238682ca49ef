//! The headers of TCP (RFC 9293 section 3.1) and UDP (RFC 768).

use super::Unread;

pub(in crate::capture) const FIN: u8 = 0x01;
pub(in crate::capture) const SYN: u8 = 0x02;
pub(in crate::capture) const RST: u8 = 0x04;
pub(in crate::capture) const ACK: u8 = 0x10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) struct Segment<'a> {
    pub(in crate::capture) source: u16,
    pub(in crate::capture) destination: u16,
    pub(in crate::capture) sequence: u32,
    pub(in crate::capture) acknowledgement: u32,
    pub(in crate::capture) flags: u8,
    pub(in crate::capture) window: u16,
    pub(in crate::capture) options: &'a [u8],
    pub(in crate::capture) payload: &'a [u8],
}

impl Segment<'_> {
    pub(in crate::capture) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

pub(in crate::capture) fn segment(octets: &[u8]) -> Result<Segment<'_>, Unread> {
    let (header, _) = octets.split_first_chunk::<20>().ok_or(Unread::Malformed)?;
    let [p0, p1, p2, p3, s0, s1, s2, s3, a0, a1, a2, a3, offset, flags, w0, w1, _, _, _, _] = *header;
    let data = usize::from(offset >> 4) * 4;
    let (options, payload) = match octets.get(20..data).zip(octets.get(data..)) {
        Some(read) => read,
        // The options are cut off.
        None => return Err(Unread::Malformed),
    };
    Ok(Segment {
        source: u16::from_be_bytes([p0, p1]),
        destination: u16::from_be_bytes([p2, p3]),
        sequence: u32::from_be_bytes([s0, s1, s2, s3]),
        acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
        flags,
        window: u16::from_be_bytes([w0, w1]),
        options,
        payload,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) struct Datagram<'a> {
    pub(in crate::capture) source: u16,
    pub(in crate::capture) destination: u16,
    pub(in crate::capture) payload: &'a [u8],
}

pub(in crate::capture) fn datagram(octets: &[u8]) -> Result<Datagram<'_>, Unread> {
    let (header, payload) = octets.split_first_chunk::<8>().ok_or(Unread::Malformed)?;
    let [p0, p1, p2, p3, l0, l1, _, _] = *header;
    // A length of 0 says that the datagram fills the packet (RFC 2675 section 4).
    let payload = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => payload,
        length => {
            let length = length.checked_sub(8).ok_or(Unread::Malformed)?;
            payload.get(..length).unwrap_or(payload)
        }
    };
    Ok(Datagram { source: u16::from_be_bytes([p0, p1]), destination: u16::from_be_bytes([p2, p3]), payload })
}
