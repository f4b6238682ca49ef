//! From the octets of a file to its packets, and so to handshakes.

use model::CapturedHandshake;

use super::connections::Connections;
use super::counts::{Counts, count};
use super::file::{File, FileError, Step};
use super::flow::SipKey;
use super::limits::Limits;
use super::packet::Packet;

/// Finds the handshakes in a capture.
///
/// ```
/// use wire::capture::{Inspector, Limits};
///
/// # let file = b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0";
/// // Two random numbers of this run.
/// let mut inspector = Inspector::new([0, 0], Limits::default());
/// for piece in file.chunks(1 << 20) {
///     inspector.push(piece);
///     for handshake in inspector.drain() {
///         println!("{:?}", handshake.sni);
///     }
/// }
/// inspector.finish();
/// assert_eq!(inspector.drain().count(), 0);
/// assert_eq!(inspector.damage(), None);
/// ```
#[derive(Debug)]
pub struct Inspector {
    file: File,
    /// The start of a record whose end was not pushed yet, and how long it must get before it can be read.
    carried: Vec<u8>,
    needed: usize,
    /// Octets to come that nobody wants.
    to_skip: usize,
    damage: Option<FileDamage>,
    connections: Connections,
}

/// Where and why a file could not be read further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDamage {
    /// Octets of the file that were read.
    pub offset: u64,
    pub error: FileError,
}

impl core::fmt::Display for FileDamage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "at octet {}: {}", self.offset, self.error)
    }
}

impl Inspector {
    /// `hash_key` is a secret of this run: with a known one, whoever sends the packets could make every lookup slow.
    pub fn new(hash_key: [u64; 2], limits: Limits) -> Self {
        Self {
            file: File::default(),
            carried: Vec::new(),
            needed: 0,
            to_skip: 0,
            damage: None,
            connections: Connections::new(SipKey(hash_key), limits),
        }
    }

    /// The next octets of the file. What follows after damage is passed over.
    pub fn push(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while self.damage.is_none() && !rest.is_empty() {
            let skipped = self.to_skip.min(rest.len());
            rest = self.advance(rest, skipped);
            self.to_skip = self.to_skip.saturating_sub(skipped);
            if rest.is_empty() {
                return;
            }
            if self.carried.is_empty() {
                let taken = self.step(rest);
                match taken {
                    Some(taken) => rest = self.take(rest, taken),
                    None => {
                        self.carried.extend_from_slice(rest);
                        return;
                    }
                }
            } else {
                let missing = self.needed.saturating_sub(self.carried.len()).min(rest.len());
                let (more, behind) = rest.split_at(missing);
                self.carried.extend_from_slice(more);
                rest = behind;
                self.step_carried();
            }
        }
    }

    /// Reads from what is carried, until it is used up or too short.
    fn step_carried(&mut self) {
        let mut carried = core::mem::take(&mut self.carried);
        while !carried.is_empty() && carried.len() >= self.needed && self.damage.is_none() {
            let Some(taken) = self.step(&carried) else { break };
            let rest = self.take(&carried, taken).len();
            carried.drain(..carried.len().saturating_sub(rest));
        }
        self.carried = carried;
    }

    /// One step of the file; how many octets it took. `None` where more are needed.
    fn step(&mut self, input: &[u8]) -> Option<usize> {
        self.needed = 0;
        match self.file.step(input) {
            Ok(Step::Packet(length, packet)) => {
                self.connections.packet(packet);
                Some(length)
            }
            Ok(Step::Skip(length)) => Some(length),
            Ok(Step::Bad(length)) => {
                count(&mut self.connections.counts.bad_blocks);
                Some(length)
            }
            Ok(Step::Need(length)) => {
                self.needed = length;
                None
            }
            Err(error) => {
                self.damage = Some(FileDamage { offset: self.connections.counts.octets, error });
                None
            }
        }
    }

    /// Passes over octets of `rest`; what is not there yet is remembered.
    fn take<'a>(&mut self, rest: &'a [u8], length: usize) -> &'a [u8] {
        let here = length.min(rest.len());
        self.to_skip = length.saturating_sub(here);
        self.advance(rest, here)
    }

    fn advance<'a>(&mut self, rest: &'a [u8], length: usize) -> &'a [u8] {
        let length = length.min(rest.len());
        self.connections.counts.octets =
            self.connections.counts.octets.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        rest.get(length..).unwrap_or_default()
    }

    /// A packet that does not come from a file.
    pub fn packet(&mut self, packet: Packet<'_>) {
        let octets = u64::try_from(packet.octets.len()).unwrap_or(u64::MAX);
        self.connections.counts.octets = self.connections.counts.octets.saturating_add(octets);
        self.connections.packet(packet);
    }

    /// Nothing came until this time (nanoseconds since 1970): who listens to a quiet line gives out what has waited long
    /// enough.
    pub fn time_passes(&mut self, now: i64) {
        self.connections.time_is(now);
    }

    /// The handshakes that were completed since the last call.
    pub fn drain(&mut self) -> impl Iterator<Item = CapturedHandshake> {
        self.connections.drain()
    }

    /// The input is over: tells what the file broke off in, and gives out what was waiting for more.
    pub fn finish(&mut self) {
        if self.damage.is_none() {
            let error = match self.to_skip {
                0 => self.file.end(&self.carried),
                _ => Err(FileError::Truncated("a block")),
            };
            self.damage = error.err().map(|error| FileDamage { offset: self.connections.counts.octets, error });
        }
        self.carried.clear();
        self.connections.finish();
    }

    /// The same for packets that do not come from a file.
    pub fn finish_packets(&mut self) {
        self.connections.finish();
    }

    pub fn counts(&self) -> &Counts {
        &self.connections.counts
    }

    /// What ended the reading of the file before its end.
    pub fn damage(&self) -> Option<&FileDamage> {
        self.damage.as_ref()
    }
}
