//! The file around the packets: classic pcap or pcapng, told apart by the first four octets.
//!
//! In go the octets of the file from where the last step ended, as many as are at hand; out comes one [`Step`]: a packet,
//! octets to pass over, or how many octets it would take to go on. Nothing is copied: a packet borrows from the input.
//! What cannot be read ends the file with a [`FileError`], which says what and why. Neither format has marks by which one
//! could find the next packet behind a damaged length, and guessing would make packets out of payload.

mod fields;
mod pcap;
mod pcapng;
#[cfg(test)]
mod tests;

use self::fields::ByteOrder;
use super::packet::Packet;

pub(super) use self::pcap::Pcap;
pub(super) use self::pcapng::Pcapng;

/// No packet is longer: the limit of libpcap and of Wireshark for everything but USB and D-Bus. A length above it is damage.
pub(super) const MAX_PACKET: usize = 262_144;

/// Why a file, or its remainder, could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("the file is empty")]
    Empty,
    #[error("not a capture file; it begins with \"{}\"", first.escape_ascii())]
    NotACapture { first: Vec<u8> },
    /// A format that is known and not read here, and what to do about it.
    #[error("{format}, which is not read here: {advice}")]
    Unsupported { format: &'static str, advice: &'static str },
    #[error("{format} version {major}.{minor} is not known")]
    Version { format: &'static str, major: u16, minor: u16 },
    #[error("{what} of {length} octets")]
    Length { what: &'static str, length: usize },
    #[error("{0} is malformed")]
    Malformed(&'static str),
    #[error("the file ends inside of {0}")]
    Truncated(&'static str),
}

/// What the octets at hand give.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Nothing, as long as there are fewer than so many octets.
    Need(usize),
    /// A packet, and how many octets it took with what is around it.
    Packet(usize, Packet<'a>),
    /// So many octets that hold no packet; there may be fewer of them at hand.
    Skip(usize),
    /// A block that should hold a packet and does not, and its octets.
    Bad(usize),
}

/// A file that is being read.
#[derive(Debug, Default)]
pub(super) enum File {
    /// Nothing is known yet.
    #[default]
    Start,
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl File {
    /// The next step; `input` begins where the last one ended.
    pub(super) fn step<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, FileError> {
        match self {
            Self::Start => {
                let Some(magic) = input.first_chunk() else { return Ok(Step::Need(4)) };
                match Self::recognise(*magic, input) {
                    // The magic number is part of the header that each format reads.
                    Ok(file) => {
                        *self = file;
                        Ok(Step::Skip(0))
                    }
                    // What is said of a foreign file does not depend on the pieces in which it comes.
                    Err(_) if input.len() < FIRST_OCTETS => Ok(Step::Need(FIRST_OCTETS)),
                    Err(error) => Err(error),
                }
            }
            Self::Pcap(file) => file.step(input),
            Self::Pcapng(file) => file.step(input),
        }
    }

    /// What was cut off where the file ends with these octets left.
    pub(super) fn end(&self, rest: &[u8]) -> Result<(), FileError> {
        match self {
            Self::Start if rest.is_empty() => Err(FileError::Empty),
            Self::Start => match rest.first_chunk() {
                Some(magic) => Self::recognise(*magic, rest).map(|_| ()),
                None => Err(not_a_capture(rest)),
            },
            Self::Pcap(file) => file.end(rest),
            Self::Pcapng(file) => file.end(rest),
        }
    }

    fn recognise(magic: [u8; 4], input: &[u8]) -> Result<Self, FileError> {
        let unsupported = |format, advice| Err(FileError::Unsupported { format, advice });
        if magic == pcapng::SECTION_HEADER.to_be_bytes() {
            return Ok(Self::Pcapng(Pcapng::default()));
        }
        if input.starts_with(b"snoop") {
            return unsupported("the snoop format", "convert it with editcap");
        }
        for order in [ByteOrder::Little, ByteOrder::Big] {
            match order.u32(magic) {
                pcap::MICROSECONDS => return Ok(Self::Pcap(Pcap::new(order, pcap::Unit::Microseconds))),
                pcap::NANOSECONDS => return Ok(Self::Pcap(Pcap::new(order, pcap::Unit::Nanoseconds))),
                // Each packet header of this one has eight octets more.
                0xa1b2_cd34 => {
                    return unsupported("the modified pcap format of 1990s Linux patches", "convert it with editcap");
                }
                0x1c00_01ab | 0x1c00_01ac => return unsupported("the pcap format of IXIA", "convert it with editcap"),
                _ => {}
            }
        }
        Err(not_a_capture(input))
    }
}

/// How much of a foreign file is kept for the report.
const FIRST_OCTETS: usize = 16;

fn not_a_capture(input: &[u8]) -> FileError {
    FileError::NotACapture { first: input.iter().take(FIRST_OCTETS).copied().collect() }
}
