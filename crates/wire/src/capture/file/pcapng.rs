//! pcapng (draft-ietf-opsawg-pcapng): blocks, each with its type and length in front and the length again behind.
//!
//! A section has its own byte order and its own interfaces, each with a link type and a unit of time. Blocks of other
//! types than those that hold packets or say how to read them are passed over, whatever their length.

use super::fields::{ByteOrder, Fields};
use super::{FileError, MAX_PACKET, Step};
use crate::capture::packet::{LinkType, Packet};

/// A palindrome, so that it can be read before the byte order is known (section 4.1).
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// Obsolete; old Wireshark and some devices wrote it (appendix A).
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Type and length in front, length behind.
const AROUND: usize = 12;
/// Blocks that must be read whole are at most this long: a packet with its options. Honest section headers and interface
/// descriptions have some hundred octets.
const MAX_BLOCK: usize = MAX_PACKET + (64 << 10);
/// Interfaces of one section that are kept. Packets of later ones are not read.
const MAX_INTERFACES: usize = 4096;

#[derive(Debug, Default)]
pub(in crate::capture) struct Pcapng {
    /// `None` before the first section.
    order: Option<ByteOrder>,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: LinkType,
    /// Packets are cut to so many octets; 0 says that they are not.
    snap_length: usize,
    resolution: Resolution,
    /// Seconds to add to each time stamp.
    offset: i64,
}

/// How long one unit of a time stamp is (section 4.2, `if_tsresol`).
#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// So many units make a nanosecond.
    PerNanosecond(u64),
    /// 2 to the power of so many units make a second.
    BinaryFraction(u8),
    /// Finer than any time stamp of 64 bits can be.
    Unreadable,
}

impl Resolution {
    const MICROSECONDS: Self = Self::Nanoseconds(1_000);

    fn read(octet: u8) -> Self {
        let exponent = octet & 0x7f;
        if octet & 0x80 != 0 {
            return Self::BinaryFraction(exponent);
        }
        let power = |exponent: u8| 10_u64.checked_pow(exponent.into());
        match 9_u8.checked_sub(exponent) {
            Some(exponent) => power(exponent).map_or(Self::Unreadable, Self::Nanoseconds),
            None => power(exponent.saturating_sub(9)).map_or(Self::Unreadable, Self::PerNanosecond),
        }
    }

    fn nanoseconds(self, stamp: u64) -> Option<i64> {
        match self {
            Self::Nanoseconds(each) => stamp.checked_mul(each)?.try_into().ok(),
            Self::PerNanosecond(units) => stamp.checked_div(units)?.try_into().ok(),
            Self::BinaryFraction(bits) => {
                let scaled = u128::from(stamp).checked_mul(1_000_000_000)?;
                scaled.checked_shr(bits.into())?.try_into().ok()
            }
            Self::Unreadable => None,
        }
    }
}

impl Pcapng {
    pub(super) fn step<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, FileError> {
        let Some((head, _)) = input.split_first_chunk::<8>() else { return Ok(Step::Need(8)) };
        let [a, b, c, d, length @ ..] = *head;
        if [a, b, c, d] == SECTION_HEADER.to_be_bytes() {
            return self.section_header(input, length);
        }
        let Some(order) = self.order else { return Err(FileError::Malformed("the section header")) };
        let kind = order.u32([a, b, c, d]);
        let length = usize::try_from(order.u32(length)).unwrap_or(usize::MAX);
        if length < AROUND || !length.is_multiple_of(4) {
            return Err(FileError::Length { what: "a block", length });
        }
        if !matches!(kind, INTERFACE_DESCRIPTION | PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
            return Ok(Step::Skip(length));
        }
        if length > MAX_BLOCK {
            return Err(FileError::Length { what: "a block", length });
        }
        let Some(mut body) = block(input, length, order)? else { return Ok(Step::Need(length)) };
        if kind == INTERFACE_DESCRIPTION {
            self.interface_description(&mut body).ok_or(FileError::Malformed("an interface description"))?;
            return Ok(Step::Skip(length));
        }
        let packet = match kind {
            SIMPLE_PACKET => self.simple_packet(&mut body),
            ENHANCED_PACKET => self.packet(&mut body, |body| body.length()),
            // Behind the interface stands how many packets were dropped since the last one.
            _ => self.packet(&mut body, |body| body.u16().zip(body.u16()).map(|(interface, _)| interface.into())),
        };
        Ok(packet.map_or(Step::Bad(length), |packet| Step::Packet(length, packet)))
    }

    fn section_header<'a>(&mut self, input: &'a [u8], length: [u8; 4]) -> Result<Step<'a>, FileError> {
        let Some(magic) = input.get(8..12).and_then(|magic| magic.first_chunk()) else { return Ok(Step::Need(12)) };
        let order = [ByteOrder::Little, ByteOrder::Big].into_iter().find(|order| order.u32(*magic) == BYTE_ORDER_MAGIC);
        let order = order.ok_or(FileError::Malformed("the section header"))?;
        let length = usize::try_from(order.u32(length)).unwrap_or(usize::MAX);
        if !(AROUND + 16..=MAX_BLOCK).contains(&length) || !length.is_multiple_of(4) {
            return Err(FileError::Length { what: "a section header", length });
        }
        let Some(mut body) = block(input, length, order)? else { return Ok(Step::Need(length)) };
        let version = body.u32().and_then(|_magic| body.u16().zip(body.u16()));
        // Minor version 2 was written by some and means the same (section 4.1).
        match version {
            Some((1, 0 | 2)) => {}
            Some((major, minor)) => return Err(FileError::Version { format: "pcapng", major, minor }),
            None => return Err(FileError::Malformed("the section header")),
        }
        self.order = Some(order);
        self.interfaces.clear();
        Ok(Step::Skip(length))
    }

    fn interface_description(&mut self, body: &mut Fields<'_>) -> Option<()> {
        let link_type = LinkType(body.u16()?);
        let _reserved = body.u16()?;
        let snap_length = body.length()?;
        let mut interface = Interface { link_type, snap_length, resolution: Resolution::MICROSECONDS, offset: 0 };
        // Options: code, length, value padded to four octets (section 3.5). Damaged ones end the list.
        while let Some((code, length)) = body.u16().zip(body.u16()) {
            let length = usize::from(length);
            let Some(value) = body.take(length) else { break };
            let _padding = body.take(length.next_multiple_of(4) - length);
            let mut value = Fields::new(value, body.order());
            match (code, length) {
                (0, _) => break,
                (9, 1) => interface.resolution = value.u8().map_or(interface.resolution, Resolution::read),
                (14, 8) => interface.offset = value.u64().map_or(0, u64::cast_signed),
                _ => {}
            }
        }
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(interface);
        }
        Some(())
    }

    /// Enhanced packets and the obsolete ones, which name their interface in another way.
    fn packet<'a>(
        &self,
        body: &mut Fields<'a>,
        interface: impl FnOnce(&mut Fields<'a>) -> Option<usize>,
    ) -> Option<Packet<'a>> {
        let interface = self.interfaces.get(interface(body)?)?;
        let stamp = u64::from(body.u32()?) << 32 | u64::from(body.u32()?);
        let (length, original_length) = (body.length()?, body.length()?);
        let octets = body.take(length).filter(|octets| octets.len() <= MAX_PACKET)?;
        let offset = interface.offset.saturating_mul(1_000_000_000);
        let time = interface.resolution.nanoseconds(stamp).map(|time| time.saturating_add(offset));
        Some(Packet { time, link_type: interface.link_type, original_length, octets })
    }

    /// Of the first interface, without a time (section 4.4).
    fn simple_packet<'a>(&self, body: &mut Fields<'a>) -> Option<Packet<'a>> {
        let interface = self.interfaces.first()?;
        let original_length = body.length()?;
        let snap_length = if interface.snap_length == 0 { usize::MAX } else { interface.snap_length };
        let octets = body.take(original_length.min(snap_length)).filter(|octets| octets.len() <= MAX_PACKET)?;
        Some(Packet { time: None, link_type: interface.link_type, original_length, octets })
    }

    pub(super) fn end(&self, rest: &[u8]) -> Result<(), FileError> {
        match (rest.is_empty(), self.order) {
            (_, None) => Err(FileError::Truncated("the section header")),
            (true, _) => Ok(()),
            (false, _) => Err(FileError::Truncated("a block")),
        }
    }
}

/// What stands between the lengths of the block that `input` begins with; `None` where it is not all there.
fn block(input: &[u8], length: usize, order: ByteOrder) -> Result<Option<Fields<'_>>, FileError> {
    let Some(whole) = input.get(..length) else { return Ok(None) };
    let between = whole.get(8..).and_then(|rest| rest.split_last_chunk::<4>());
    match between {
        Some((body, behind)) if usize::try_from(order.u32(*behind)) == Ok(length) => Ok(Some(Fields::new(body, order))),
        _ => Err(FileError::Malformed("the length behind a block")),
    }
}
