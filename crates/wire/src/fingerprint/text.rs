//! The text that a fingerprint hashes, made without an allocation and without branches that depend on the numbers: in a
//! hello whose order is shuffled anew for each connection, no processor predicts those.

use super::decimal;

/// Room for the text of a usual hello: the longest of those in the corpus has 470 octets. What is longer goes to the sink
/// in pieces.
const ROOM: usize = 512;

/// Where text goes that does not fit the room, and what makes something of it in the end.
pub(super) trait Sink: Default {
    fn take(&mut self, text: &[u8]);
}

impl Sink for String {
    fn take(&mut self, text: &[u8]) {
        self.extend(text.iter().copied().map(char::from));
    }
}

pub(super) struct Text<S> {
    buffer: [u8; ROOM],
    /// At most `ROOM`.
    length: usize,
    sink: Option<S>,
}

impl<S: Sink> Text<S> {
    pub(super) fn new() -> Self {
        Self { buffer: [0; ROOM], length: 0, sink: None }
    }

    /// A character.
    pub(super) fn put(&mut self, character: u8) {
        self.chunks([(u64::from(character), 1)].into_iter());
    }

    /// A number in decimal digits.
    pub(super) fn decimal(&mut self, number: u16) {
        self.chunks([decimal::digits(number)].into_iter());
    }

    /// A comma, and the numbers in decimal digits with hyphens between them, GREASE (RFC 8701) left out.
    pub(super) fn decimal_list<N: Copy + Into<u16>>(&mut self, numbers: &[N]) {
        let mut before = u64::from(b',');
        self.chunks(numbers.iter().map(|number| {
            let number = (*number).into();
            let Some((digits, length)) = decimal::known(number).or_else(|| decimal::unknown(number)) else {
                return (0, 0);
            };
            let chunk = before | digits << 8;
            before = u64::from(b'-');
            (chunk, length + 1)
        }));
        if before == u64::from(b',') {
            self.put(b',');
        }
    }

    /// Numbers in four hexadecimal digits with commas between them.
    pub(super) fn hexadecimal_list(&mut self, numbers: impl Iterator<Item = u16>) {
        let mut skip = 1;
        self.chunks(numbers.map(|number| {
            let [high, low] = number.to_be_bytes();
            let chunk = u64::from(b',') | u64::from(digits(high)) << 8 | u64::from(digits(low)) << 24;
            let chunk = (chunk >> (8 * skip), 5 - skip);
            skip = 0;
            chunk
        }));
    }

    /// What there is, if all of it is still here; else the sink, which has it all.
    pub(super) fn finish(&mut self) -> Result<&[u8], S> {
        let rest = self.buffer.get(..self.length).unwrap_or_default();
        match self.sink.take() {
            None => Ok(rest),
            Some(mut sink) => {
                sink.take(rest);
                Err(sink)
            }
        }
    }

    /// Of each chunk the lowest octets, the lowest one first, as many as stands beside it, at most eight.
    #[inline(always)]
    fn chunks(&mut self, chunks: impl Iterator<Item = (u64, usize)>) {
        // In a register: what is written to the buffer cannot change it.
        let mut at = self.length;
        chunks.for_each(|(chunk, length)| {
            if at > ROOM - size_of::<u64>() {
                self.length = at;
                self.empty();
                at = 0;
            }
            if let Some(place) = self.buffer.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *place = chunk.to_le_bytes();
                at += length;
            }
        });
        self.length = at;
    }

    #[cold]
    fn empty(&mut self) {
        self.sink.get_or_insert_default().take(self.buffer.get(..self.length).unwrap_or_default());
        self.length = 0;
    }
}

impl Text<String> {
    pub(super) fn into_string(mut self) -> String {
        self.empty();
        self.sink.unwrap_or_default()
    }
}

/// Two hexadecimal digits for each octet.
pub(super) fn hex<const N: usize, const M: usize>(octets: &[u8; N]) -> [u8; M] {
    const { assert!(M == 2 * N) };
    let mut text = [0; M];
    for (pair, octet) in text.as_chunks_mut::<2>().0.iter_mut().zip(octets) {
        *pair = digits(*octet).to_le_bytes();
    }
    text
}

/// The two hexadecimal digits of an octet, the first one in the lower octet.
pub(super) fn digits(octet: u8) -> u16 {
    HEXADECIMAL.get(usize::from(octet)).copied().unwrap_or_default()
}

#[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which refuses an index that is out of range")]
static HEXADECIMAL: [u16; 256] = {
    let mut table = [0; 256];
    let digits = b"0123456789abcdef";
    let mut octet = 0;
    while octet < 256 {
        table[octet] = u16::from_le_bytes([digits[octet >> 4], digits[octet & 15]]);
        octet += 1;
    }
    table
};
