//! Long headers (RFC 9000 section 17.2): cuts a datagram into the packets that were coalesced in it.

use crate::quic::varint;
use crate::quic::version_negotiation::MAX_CONNECTION_ID;
use crate::reader::Reader;

use super::Error;
use super::version::Version;

/// A packet of a handshake, still protected.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet<'a> {
    Initial(InitialPacket<'a>),
    Retry(RetryPacket<'a>),
    /// What every version understands (RFC 8999 section 6): the whole packet.
    VersionNegotiation(&'a [u8]),
    /// 0-RTT or Handshake: nothing in it opens without the secrets of an endpoint.
    Sealed,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct InitialPacket<'a> {
    pub(super) version: &'static Version,
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
    /// From the first octet of the header to the end that the length field gives.
    pub(super) octets: &'a [u8],
    /// Where in [`octets`](Self::octets) the packet number begins.
    pub(super) number_at: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RetryPacket<'a> {
    pub(super) version: &'static Version,
    /// The server's new choice.
    pub(super) source: &'a [u8],
    pub(super) octets: &'a [u8],
}

/// Takes the next packet from the front of a datagram. `None` at its end, and where a packet with a short header begins:
/// that has no length and fills what is left, as do the zeros with which some pad a datagram behind its packets.
///
/// After an error nothing is left.
pub(super) fn next<'a>(datagram: &mut &'a [u8]) -> Result<Option<Packet<'a>>, Error> {
    let octets = core::mem::take(datagram);
    if octets.first().is_none_or(|first| first & LONG_HEADER == 0) {
        return Ok(None);
    }
    let mut reader = Reader::new(octets);
    let (first, number) = header(&mut reader).ok_or(Error::Truncated("the long header"))?;
    if number == 0 {
        return Ok(Some(Packet::VersionNegotiation(octets)));
    }
    let version = Version::find(number).ok_or(Error::UnknownVersion(number))?;
    let mut id = || {
        let id = reader.vector8().ok_or(Error::Truncated("the connection ids"))?;
        if id.len() > MAX_CONNECTION_ID { Err(Error::Malformed("a connection id")) } else { Ok(id) }
    };
    let (destination, source) = (id()?, id()?);
    let kind = packet_type(first);
    if kind == version.retry {
        return Ok(Some(Packet::Retry(RetryPacket { version, source, octets })));
    }
    if kind == version.initial {
        varint::vector(&mut reader).ok_or(Error::Truncated("the token"))?;
    }
    let length = varint::read(&mut reader).ok_or(Error::Truncated("the length"))?;
    let number_at = octets.len().saturating_sub(reader.rest().len());
    let end = usize::try_from(length).ok().and_then(|length| number_at.checked_add(length));
    let split = end.and_then(|end| octets.split_at_checked(end));
    let (octets, rest) = split.ok_or(Error::Truncated("the packet"))?;
    *datagram = rest;
    if kind != version.initial {
        return Ok(Some(Packet::Sealed));
    }
    Ok(Some(Packet::Initial(InitialPacket { version, destination, source, octets, number_at })))
}

/// Whether a datagram begins with an Initial packet of a version that is known here. Looks at its first octets alone.
pub(super) fn begins_with_initial(datagram: &[u8]) -> bool {
    let Some((first, number)) = header(&mut Reader::new(datagram)) else { return false };
    Version::find(number).is_some_and(|version| packet_type(first) == version.initial)
}

/// Whether a datagram begins with a long header of a version that is known here, or of no version (RFC 8999 section 6).
pub(super) fn has_known_long_header(datagram: &[u8]) -> bool {
    header(&mut Reader::new(datagram)).is_some_and(|(_, number)| number == 0 || Version::find(number).is_some())
}

const LONG_HEADER: u8 = 0x80;

/// The first octet and the version. The second bit of the octet, which is fixed to 1, is not looked at: clients may grease
/// it (RFC 9287), and a known version is a better sign.
fn header(reader: &mut Reader<'_>) -> Option<(u8, u32)> {
    let first = reader.u8().filter(|first| first & LONG_HEADER != 0)?;
    Some((first, reader.u32()?))
}

const fn packet_type(first: u8) -> u8 {
    first >> 4 & 0b11
}
