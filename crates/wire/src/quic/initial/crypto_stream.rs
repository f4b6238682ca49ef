//! Puts the CRYPTO frames of one side together (RFC 9000 section 7.5 and 19.6): pieces in any order, twice, overlapping.

use std::collections::BTreeMap;

use crate::reader::Reader;

use super::Error;

/// Octets of the stream that are kept: two hellos of 2 kB are usual, and what is longer is refused as it is over TCP.
pub(super) const MAX_STREAM: usize = 64 * 1024;

/// Pieces that wait for what comes before them. A client that scatters its hello on purpose makes a few dozen.
pub(super) const MAX_PIECES: usize = 256;

#[derive(Debug, Default)]
pub(super) struct CryptoStream {
    /// From the start, without a gap.
    octets: Vec<u8>,
    /// By offset, all of it behind the first gap.
    waiting: BTreeMap<usize, Vec<u8>>,
    /// Octets in [`waiting`](Self::waiting): overlapping pieces could hold more than the stream.
    waiting_octets: usize,
}

impl CryptoStream {
    /// Where octets come twice the first ones stay. That the second ones differ is an error, told after they were passed
    /// over; so is whatever exceeds a limit.
    pub(super) fn insert(&mut self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let too_large = Error::TooLarge { what: "the CRYPTO stream", limit: MAX_STREAM };
        let offset = usize::try_from(offset).ok().filter(|offset| *offset <= MAX_STREAM).ok_or(too_large.clone())?;
        if offset.saturating_add(data.len()) > MAX_STREAM {
            return Err(too_large);
        }
        if offset > self.octets.len() {
            return self.keep(offset, data);
        }
        let mut result = self.append(offset, data);
        while let Some(next) = self.waiting.first_entry().filter(|next| *next.key() <= self.octets.len()) {
            let (offset, piece) = next.remove_entry();
            self.waiting_octets = self.waiting_octets.saturating_sub(piece.len());
            result = result.and(self.append(offset, &piece));
        }
        result
    }

    /// What is there without a gap.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The handshake messages that are whole, their headers included.
    pub(super) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.octets.as_slice();
        core::iter::from_fn(move || {
            let mut reader = Reader::new(rest);
            reader.u8()?;
            reader.vector24()?;
            let (message, after) = rest.split_at_checked(rest.len().checked_sub(reader.rest().len())?)?;
            rest = after;
            Some(message)
        })
    }

    /// Octets in memory, about: a piece costs some beside its content.
    pub(super) fn held(&self) -> usize {
        let pieces = self.waiting.len().saturating_mul(64);
        self.octets.capacity().saturating_add(self.waiting_octets).saturating_add(pieces)
    }

    /// Whether something came that cannot be used before what is missing.
    pub(super) fn has_gap(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn keep(&mut self, offset: usize, data: &[u8]) -> Result<(), Error> {
        let known = self.waiting.get(&offset).map(Vec::as_slice).unwrap_or_default();
        let result = same(known, data);
        let Some(more) = data.get(known.len()..).filter(|more| !more.is_empty()) else { return result };
        let octets = self.waiting_octets.saturating_add(more.len());
        if octets > MAX_STREAM || (known.is_empty() && self.waiting.len() >= MAX_PIECES) {
            return Err(Error::TooScattered);
        }
        self.waiting_octets = octets;
        self.waiting.entry(offset).or_default().extend(more);
        result
    }

    /// `offset` is at most the end of what is there.
    fn append(&mut self, offset: usize, data: &[u8]) -> Result<(), Error> {
        let known = self.octets.get(offset..).unwrap_or_default();
        let result = same(known, data);
        if let Some(more) = data.get(known.len()..) {
            self.octets.extend(more);
        }
        result
    }
}

/// Whether two pieces from the same place agree as far as both go.
fn same(known: &[u8], data: &[u8]) -> Result<(), Error> {
    let agree = known.iter().zip(data).all(|(known, new)| known == new);
    if agree { Ok(()) } else { Err(Error::Contradiction) }
}
