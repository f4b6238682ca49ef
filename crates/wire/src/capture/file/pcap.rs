//! The classic format (draft-ietf-opsawg-pcap): a header of 24 octets, then packets with 16 octets in front of each.

use super::fields::{ByteOrder, Fields};
use super::{FileError, MAX_PACKET, Step};
use crate::capture::packet::{LinkType, Packet};

/// Magic numbers, in the byte order of the writer (section 4).
pub(super) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(super) const NANOSECONDS: u32 = 0xa1b2_3c4d;

const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Microseconds,
    Nanoseconds,
}

#[derive(Debug)]
pub(in crate::capture) struct Pcap {
    order: ByteOrder,
    unit: Unit,
    /// Known once the header was read.
    link_type: Option<LinkType>,
}

impl Pcap {
    pub(super) fn new(order: ByteOrder, unit: Unit) -> Self {
        Self { order, unit, link_type: None }
    }

    pub(super) fn step<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, FileError> {
        let Some(link_type) = self.link_type else { return self.header(input) };
        let mut fields = Fields::new(input, self.order);
        let header = || Some((fields.u32()?, fields.u32()?, fields.length()?, fields.length()?));
        let Some((seconds, fraction, length, original_length)) = { header }() else {
            return Ok(Step::Need(PACKET_HEADER));
        };
        if length > MAX_PACKET {
            return Err(FileError::Length { what: "a packet", length });
        }
        let whole = PACKET_HEADER.saturating_add(length);
        let Some(octets) = fields.take(length) else { return Ok(Step::Need(whole)) };
        let fraction = i64::from(fraction).saturating_mul(match self.unit {
            Unit::Microseconds => 1_000,
            Unit::Nanoseconds => 1,
        });
        let time = i64::from(seconds).saturating_mul(1_000_000_000).saturating_add(fraction);
        Ok(Step::Packet(whole, Packet { time: Some(time), link_type, original_length, octets }))
    }

    fn header<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, FileError> {
        let mut fields = Fields::new(input, self.order);
        let mut header = || {
            let _magic = fields.u32()?;
            let (major, minor) = (fields.u16()?, fields.u16()?);
            let _reserved = fields.take(12)?;
            Some((major, minor, fields.u32()?))
        };
        let Some((major, minor, link_type)) = header() else { return Ok(Step::Need(FILE_HEADER)) };
        // 2.4 since 1998. Before 2.3 the two lengths of a packet stood the other way round.
        if (major, minor) != (2, 4) {
            return Err(FileError::Version { format: "pcap", major, minor });
        }
        // The upper half tells how long the frame check sequence is (section 4), which nothing here reads.
        let [.., high, low] = link_type.to_be_bytes();
        self.link_type = Some(LinkType(u16::from_be_bytes([high, low])));
        Ok(Step::Skip(FILE_HEADER))
    }

    pub(super) fn end(&self, rest: &[u8]) -> Result<(), FileError> {
        match (rest.is_empty(), self.link_type) {
            (_, None) => Err(FileError::Truncated("the file header")),
            (true, _) => Ok(()),
            (false, _) if rest.len() < PACKET_HEADER => Err(FileError::Truncated("a packet header")),
            (false, _) => Err(FileError::Truncated("a packet")),
        }
    }
}
