//! One direction of a connection, back in order (RFC 9293 section 3.4).
//!
//! Segments may come early, late, twice, overlapping or with sequence numbers that wrapped around. Where two segments bring
//! different octets for the same place, the one that was captured first wins, as in most systems for what they have
//! accepted; octets that were given out are never taken back. What comes early is kept within [`MAX_EARLY`] pieces and
//! octets; what goes beyond is dropped, to come again or to leave a gap.

/// Pieces that wait for those before them, and their octets together. A hello of the largest size that is read fits, in
/// segments of full size and in any order.
const MAX_EARLY: (usize, usize) = (128, 96 << 10);
/// How far ahead of the next octet a segment may lie. What lies farther belongs to another connection, or to no honest one.
const WINDOW: u32 = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The sequence number of the next octet due; `None` before the stream has begun.
    next: Option<u32>,
    /// What came before its turn, ordered and without overlaps.
    early: Vec<Early>,
    early_octets: usize,
    fate: Fate,
}

#[derive(Debug)]
struct Early {
    sequence: u32,
    octets: Vec<u8>,
}

/// What could not be put in its place, for the counts and for the damage of a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) outside_window: u32,
    pub(super) too_early: u32,
}

impl Stream {
    pub(super) fn has_begun(&self) -> bool {
        self.next.is_some()
    }

    /// Says where the stream begins; the first word counts.
    pub(super) fn begin(&mut self, sequence: u32) {
        self.next.get_or_insert(sequence);
    }

    /// Whether octets are missing before some that are there.
    pub(super) fn has_gap(&self) -> bool {
        !self.early.is_empty()
    }

    pub(super) fn fate(&self) -> Fate {
        self.fate
    }

    /// Octets in memory.
    pub(super) fn held(&self) -> usize {
        self.early_octets
    }

    /// Whether this sequence number may belong to the stream.
    pub(super) fn is_near(&self, sequence: u32) -> bool {
        self.next.is_none_or(|next| sequence.wrapping_sub(next).cast_signed().unsigned_abs() <= WINDOW)
    }

    /// Takes a segment; `out` gets each octet of the stream once and in order.
    pub(super) fn push(&mut self, sequence: u32, octets: &[u8], mut out: impl FnMut(&[u8])) {
        let next = *self.next.get_or_insert(sequence);
        let distance = sequence.wrapping_sub(next).cast_signed();
        if distance.unsigned_abs() > WINDOW {
            self.fate.outside_window = self.fate.outside_window.saturating_add(1);
            return;
        }
        // What was given out already is passed over.
        let (start, octets) = match usize::try_from(distance) {
            Ok(start) => (start, octets),
            Err(_) => {
                let old = usize::try_from(distance.unsigned_abs()).unwrap_or(usize::MAX);
                match octets.get(old..) {
                    Some(new) if !new.is_empty() => (0, new),
                    _ => return,
                }
            }
        };
        if octets.is_empty() {
            return;
        }
        if start == 0 && self.early.is_empty() {
            out(octets);
            self.next = Some(next.wrapping_add(length(octets)));
            return;
        }
        self.keep(next, start, octets);
        self.give(next, &mut out);
    }

    /// Keeps what no piece covers yet of octets that begin `start` after `next`.
    fn keep(&mut self, next: u32, start: usize, octets: &[u8]) {
        let mut uncovered: Vec<(usize, &[u8])> = Vec::new();
        let mut rest = octets;
        let mut at = start;
        for piece in &self.early {
            let begin = place(next, piece.sequence);
            let end = begin.saturating_add(piece.octets.len());
            let (before, from) = rest.split_at(begin.saturating_sub(at).min(rest.len()));
            uncovered.push((at, before));
            at = at.saturating_add(before.len());
            let covered = end.saturating_sub(at).min(from.len());
            rest = from.get(covered..).unwrap_or_default();
            at = at.saturating_add(covered);
        }
        uncovered.push((at, rest));
        for (at, octets) in uncovered.into_iter().filter(|(_, octets)| !octets.is_empty()) {
            let (pieces, sum) = MAX_EARLY;
            // The octets that are due now are given out at once: they are never too many.
            if at != 0 && (self.early.len() >= pieces || self.early_octets.saturating_add(octets.len()) > sum) {
                self.fate.too_early = self.fate.too_early.saturating_add(1);
                continue;
            }
            let sequence = next.wrapping_add(u32::try_from(at).unwrap_or(u32::MAX));
            let index = self.early.partition_point(|piece| place(next, piece.sequence) < at);
            self.early_octets = self.early_octets.saturating_add(octets.len());
            self.early.insert(index, Early { sequence, octets: octets.to_vec() });
        }
    }

    /// Gives out the pieces whose turn has come.
    fn give(&mut self, mut next: u32, out: &mut impl FnMut(&[u8])) {
        let due = self.early.iter().take_while(|piece| {
            let is_due = piece.sequence == next;
            if is_due {
                next = next.wrapping_add(length(&piece.octets));
            }
            is_due
        });
        let due = due.count();
        for piece in self.early.drain(..due) {
            self.early_octets = self.early_octets.saturating_sub(piece.octets.len());
            out(&piece.octets);
        }
        self.next = Some(next);
    }
}

fn length(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}

/// How far a piece lies behind the next octet.
fn place(next: u32, sequence: u32) -> usize {
    usize::try_from(sequence.wrapping_sub(next)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(base: u32, segments: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut stream = Stream::default();
        stream.begin(base);
        let mut all = Vec::new();
        for (at, octets) in segments {
            stream.push(base.wrapping_add(*at), octets, |octets| all.extend_from_slice(octets));
            let sum: usize = stream.early.iter().map(|piece| piece.octets.len()).sum();
            assert_eq!(stream.held(), sum);
        }
        all
    }

    proptest! {
        /// Cut anywhere, overlapping, in any order and repeated: the stream is the same.
        #[test]
        fn any_segmentation_gives_the_stream(
            octets in prop::collection::vec(any::<u8>(), 1..400),
            base: u32,
            cuts in prop::collection::vec((0_usize..400, 1_usize..60), 0..20),
            seed: u64,
        ) {
            let slice = |from: usize, to: usize| {
                let from = from.min(octets.len());
                (u32::try_from(from).unwrap(), octets[from..to.min(octets.len())].to_vec())
            };
            let mut segments: Vec<_> = cuts.iter().map(|(at, length)| slice(*at, at + length)).collect();
            segments.extend((0..octets.len()).step_by(40).map(|at| slice(at, at + 40)));
            // A shuffle that the seed decides.
            segments.sort_by_key(|(at, octets)| (u64::from(*at) + octets.len() as u64 + 1).wrapping_mul(seed | 1));
            prop_assert_eq!(check(base, &segments), octets);
        }

        /// Contradicting segments, against a map in which the first octet for each place stays.
        #[test]
        fn the_first_octet_for_a_place_wins(
            base: u32,
            segments in prop::collection::vec((0_u32..64, prop::collection::vec(any::<u8>(), 0..24)), 0..24),
        ) {
            let mut first: Vec<Option<u8>> = vec![None; 128];
            for (at, octets) in &segments {
                for (place, octet) in octets.iter().enumerate() {
                    first[*at as usize + place].get_or_insert(*octet);
                }
            }
            let expected: Vec<u8> = first.iter().map_while(|octet| *octet).collect();
            prop_assert_eq!(check(base, &segments), expected);
        }
    }

    #[test]
    fn what_is_far_or_too_much_is_dropped_and_counted() {
        let mut stream = Stream::default();
        stream.begin(10);
        let mut all = Vec::new();
        stream.push(10_u32.wrapping_sub(WINDOW + 1), b"old", |octets| all.extend_from_slice(octets));
        stream.push(10 + WINDOW + 1, b"far", |octets| all.extend_from_slice(octets));
        assert_eq!(stream.fate(), Fate { outside_window: 2, too_early: 0 });
        assert!(!stream.is_near(11 + WINDOW) && stream.is_near(10 + WINDOW));
        for piece in 0..1000_u32 {
            stream.push(12 + piece * 2, b"x", |octets| all.extend_from_slice(octets));
        }
        assert_eq!(stream.early.len(), MAX_EARLY.0);
        assert_eq!(stream.fate().too_early, 1000 - 128);
        stream.push(13, &[7; 100_000], |octets| all.extend_from_slice(octets));
        assert!(stream.held() <= MAX_EARLY.1);
        assert!(stream.has_gap() && all.is_empty());
        // The octets that are due are taken all the same.
        stream.push(10, b"abc", |octets| all.extend_from_slice(octets));
        assert_eq!(all.get(..3), Some(&b"abx"[..]));
    }
}
