//! Blocks of whole lines, cut out of a stream.

use std::io::{self, Read};

/// What is read before a block goes out: large enough that handing it over costs nothing, and small enough for caches.
const BLOCK: usize = 256 * 1024;
/// The longest line. A ClientHello has 64 KiB at most, twice that in hex; an edge's headers have less.
pub(super) const LONGEST_LINE: usize = 512 * 1024;

/// Lines of the input, the last of which may lack its end.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) place: u64,
    first_line: u64,
    octets: Vec<u8>,
}

impl Block {
    /// Each line with its number, from 1, and without its end.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let octets = self.octets.strip_suffix(b"\n").unwrap_or(&self.octets);
        (self.first_line..).zip(octets.split(|octet| *octet == b'\n'))
    }
}

/// Cuts a stream into blocks. A line that is too long is cut off one octet beyond the limit, which tells that it was.
pub(super) struct Blocks<R> {
    input: R,
    /// The start of a line whose end has not been read.
    rest: Vec<u8>,
    place: u64,
    line: u64,
    /// To be told when what was read before is on its way.
    failed: Option<io::Error>,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, rest: Vec::new(), place: 0, line: 1, failed: None, ended: false }
    }

    /// The next block, in `room` that is free to use. An error of the input is given after the lines that came before it.
    pub(super) fn next(&mut self, mut room: Vec<u8>) -> io::Result<Option<Block>> {
        room.clear();
        room.append(&mut self.rest);
        let mut whole = 0;
        while whole == 0 && !self.ended {
            if let Some(error) = self.failed.take() {
                self.ended = true;
                return Err(error);
            }
            let before = room.len();
            let limit = BLOCK.saturating_sub(before).max(BLOCK / 4);
            match (&mut self.input).take(limit as u64).read_to_end(&mut room) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) => self.failed = Some(error),
            }
            let fresh = room.get(before..).unwrap_or_default();
            whole = fresh.iter().rposition(|octet| *octet == b'\n').map_or(0, |place| before + place + 1);
            if whole == 0 && room.len() > LONGEST_LINE {
                room.truncate(LONGEST_LINE + 1);
            }
        }
        if self.ended {
            whole = room.len();
        }
        self.rest.extend_from_slice(room.get(whole..).unwrap_or_default());
        room.truncate(whole);
        if room.is_empty() {
            return Ok(None);
        }
        let block = Block { place: self.place, first_line: self.line, octets: room };
        self.place += 1;
        self.line += block.octets.iter().filter(|octet| **octet == b'\n').count() as u64;
        Ok(Some(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut blocks = Blocks::new(input);
        let mut lines = Vec::new();
        while let Some(block) = blocks.next(Vec::new()).unwrap() {
            assert_eq!(block.place, blocks.place - 1);
            lines.extend(block.lines().map(|(number, line)| (number, line.to_vec())));
        }
        lines
    }

    #[test]
    fn every_line_comes_once_with_its_number() {
        let input: Vec<u8> = (1..200_000u32).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
        let read = lines(&input);
        assert_eq!(read.len(), 199_999);
        assert!(read.iter().all(|(number, line)| *line == format!("line {number}").into_bytes()));
        assert_eq!(lines(b"one\n\nthree"), [(1, b"one".to_vec()), (2, vec![]), (3, b"three".to_vec())]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_without_end_is_cut_off() {
        let mut input = vec![b'x'; 5 * LONGEST_LINE];
        input.extend(b"\nnext\n");
        let read = lines(&input);
        assert_eq!(read.len(), 2);
        assert!(read[0].1.len() > LONGEST_LINE && read[0].1.len() <= LONGEST_LINE + BLOCK + 1, "{}", read[0].1.len());
        assert_eq!(read[1], (2, b"next".to_vec()));
    }

    #[test]
    fn what_was_read_before_an_error_is_not_lost() {
        struct Breaks(&'static [u8]);
        impl Read for Breaks {
            fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
                if self.0.is_empty() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "damaged"));
                }
                self.0.read(room)
            }
        }
        let mut blocks = Blocks::new(Breaks(b"one\ntwo\nthr"));
        let block = blocks.next(Vec::new()).unwrap().unwrap();
        assert_eq!(block.lines().count(), 2);
        assert!(blocks.next(Vec::new()).is_err());
    }
}
