//! The chunked transfer coding (RFC 9112 section 7.1), read octet by octet so that chunks, their extensions and the
//! trailer section may be cut anywhere.
//!
//! In: the octets after a head. Out: the data, handed on as it comes, and at the end the trailers as they were spelled. What
//! can fail: octets that are not this coding, or a line longer than its limit. Nothing of the data is kept here.

/// Octets of one line: a chunk's size with its extensions, or a trailer field.
const LINE_LIMIT: usize = 8 << 10;
/// Trailer fields, which no honest peer sends more than a few of.
const TRAILERS_LIMIT: usize = 64;
/// Hexadecimal digits of a chunk's size: as many as a number of 64 bits has.
const DIGITS_LIMIT: usize = 16;

/// A chunked body in the reading.
#[derive(Clone, Debug, Default)]
pub struct Chunked {
    state: State,
    line: Vec<u8>,
    trailers: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Data(u64),
    /// The line end after a chunk's data.
    DataEnd,
    Trailers,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkedError {
    #[error("this is not the size of a chunk")]
    Size,
    #[error("a chunk is longer than its size says")]
    DataEnd,
    #[error("this is not a trailer field")]
    Trailer,
    #[error("a line or the trailer section is longer than is accepted")]
    TooLarge,
}

impl Chunked {
    /// Reads on, hands each piece of data to `data`, and gives how many octets belonged to this body: fewer than there were
    /// where it ends among them.
    pub fn push(&mut self, octets: &[u8], mut data: impl FnMut(&[u8])) -> Result<usize, ChunkedError> {
        let mut rest = octets;
        while !rest.is_empty() && self.state != State::Done {
            if let State::Data(remaining) = self.state {
                let take = usize::try_from(remaining).unwrap_or(usize::MAX).min(rest.len());
                let (piece, after) = rest.split_at(take);
                data(piece);
                rest = after;
                let left = remaining.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
                self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                continue;
            }
            let end = rest.iter().position(|octet| *octet == b'\n');
            let (piece, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            if self.line.len() + piece.len() > LINE_LIMIT {
                return Err(ChunkedError::TooLarge);
            }
            self.line.extend_from_slice(piece);
            rest = after;
            if end.is_some() {
                self.line_ended()?;
                self.line.clear();
            }
        }
        Ok(octets.len() - rest.len())
    }

    /// The last chunk and the trailer section have been read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The trailer fields read so far, in their order and spelling.
    pub fn trailers(&self) -> &[(String, String)] {
        &self.trailers
    }

    fn line_ended(&mut self) -> Result<(), ChunkedError> {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.state = match self.state {
            State::Size => match size(line).ok_or(ChunkedError::Size)? {
                0 => State::Trailers,
                size => State::Data(size),
            },
            State::DataEnd if line.is_empty() => State::Size,
            State::DataEnd => return Err(ChunkedError::DataEnd),
            State::Trailers if line.is_empty() => State::Done,
            State::Trailers => {
                if self.trailers.len() >= TRAILERS_LIMIT {
                    return Err(ChunkedError::TooLarge);
                }
                self.trailers.push(super::head::field(line).ok_or(ChunkedError::Trailer)?);
                State::Trailers
            }
            state @ (State::Data(_) | State::Done) => state,
        };
        Ok(())
    }
}

/// The number before a chunk's extensions (section 7.1.1), which say nothing that anybody uses.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|octet| *octet == b';').next()?.trim_ascii();
    if digits.is_empty() || digits.len() > DIGITS_LIMIT || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(octets: &[u8], piece: usize) -> Result<(Vec<u8>, usize, Chunked), ChunkedError> {
        let (mut chunked, mut data, mut read) = (Chunked::default(), Vec::new(), 0);
        for piece in octets.chunks(piece) {
            let taken = chunked.push(piece, |octets| data.extend_from_slice(octets))?;
            read += taken;
            if taken < piece.len() {
                break;
            }
        }
        Ok((data, read, chunked))
    }

    /// The example of RFC 9112 section 7.1.3, with an extension and a trailer.
    #[test]
    fn chunks_extensions_and_trailers_are_read() {
        let body = b"4\r\nWiki\r\n5;name=\"v\"\r\npedia\r\n0\r\nX-Sum: abc \r\nx-sum:\r\n\r\n";
        for piece in 1..body.len() {
            let (data, length, chunked) = read(&[&body[..], b"HTTP/1.1"].concat(), piece).unwrap();
            assert_eq!((&data[..], length, chunked.is_done()), (&b"Wikipedia"[..], body.len(), true), "{piece}");
            let trailers = [("X-Sum".to_owned(), "abc".to_owned()), ("x-sum".to_owned(), String::new())];
            assert_eq!(chunked.trailers(), trailers);
        }
    }

    #[test]
    fn what_is_not_chunked_is_told() {
        for (octets, error) in [
            (&b"\r\n"[..], ChunkedError::Size),
            (b"+4\r\nWiki\r\n", ChunkedError::Size),
            (b"11111111111111111\r\n", ChunkedError::Size),
            (b"4\r\nWikipedia\r\n", ChunkedError::DataEnd),
            (b"0\r\nno colon\r\n\r\n", ChunkedError::Trailer),
        ] {
            assert_eq!(read(octets, octets.len()).unwrap_err(), error);
        }
        assert_eq!(read(&vec![b'0'; LINE_LIMIT + 1], 100).unwrap_err(), ChunkedError::TooLarge);
        let trailers = [&b"0\r\n"[..], &b"a: b\r\n".repeat(TRAILERS_LIMIT + 1)].concat();
        assert_eq!(read(&trailers, 100).unwrap_err(), ChunkedError::TooLarge);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            cut in 1usize..50,
        ) {
            let mut body = Vec::new();
            for piece in &pieces {
                body.extend(format!("{:x}\r\n", piece.len()).bytes());
                body.extend(piece);
                body.extend(b"\r\n");
            }
            body.extend(b"0\r\n\r\n");
            let (data, length, chunked) = read(&body, cut).unwrap();
            prop_assert_eq!((data, length, chunked.is_done()), (pieces.concat(), body.len(), true));
            for end in 0..body.len() {
                prop_assert!(!read(&body[..end], cut).unwrap().2.is_done());
            }
        }

        #[test]
        fn any_octets_are_read_alike_however_they_are_cut(octets in prop::collection::vec(any::<u8>(), 0..200), cut in 1usize..20) {
            let whole = read(&octets, octets.len().max(1)).map(|(data, length, _)| (data, length));
            let pieces = read(&octets, cut).map(|(data, length, _)| (data, length));
            prop_assert_eq!(whole, pieces);
        }
    }
}
