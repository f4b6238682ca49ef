//! Values of a MaxMind DB: each begins with an octet that holds its type and its size.

use std::io::{self, Read, Seek, SeekFrom};

use serde_json::{Map, Value};

/// Maps in maps, and pointers. An entry has four levels.
const DEPTH_LIMIT: usize = 16;
/// Values of one entry; one of GeoIP2 with names in eight languages has a hundred. Pointers could make more of few octets.
const VALUES_LIMIT: usize = 4096;
/// Octets of a text.
const TEXT_LIMIT: usize = 16 * 1024;

/// A part of the file; pointers count from its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) start: u64,
    pub(super) end: u64,
}

pub(super) fn damaged(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl Section {
    /// The value at this offset, with what it points to.
    pub(super) fn value(self, file: &mut (impl Read + Seek), offset: u64) -> io::Result<Value> {
        let mut reading = Reading { file, section: self, at: self.start, values_left: VALUES_LIMIT };
        reading.go_to(offset)?;
        reading.value(0)
    }
}

struct Reading<'a, F> {
    file: &'a mut F,
    section: Section,
    /// From the start of the file.
    at: u64,
    values_left: usize,
}

impl<F: Read + Seek> Reading<'_, F> {
    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.at = self.section.start.saturating_add(offset);
        self.file.seek(SeekFrom::Start(self.at)).map(drop)
    }

    fn octets(&mut self, count: usize) -> io::Result<Vec<u8>> {
        if count > TEXT_LIMIT || self.at.saturating_add(count as u64) > self.section.end {
            return Err(damaged("a value is longer than what there is"));
        }
        let mut octets = vec![0; count];
        self.file.read_exact(&mut octets)?;
        self.at += count as u64;
        Ok(octets)
    }

    /// A number of up to eight octets, the most significant one first.
    fn number(&mut self, count: usize) -> io::Result<u64> {
        if count > 8 {
            return Err(damaged("a number has too many octets"));
        }
        Ok(self.octets(count)?.into_iter().fold(0, |number, octet| number << 8 | u64::from(octet)))
    }

    fn value(&mut self, depth: usize) -> io::Result<Value> {
        self.values_left = self.values_left.checked_sub(1).ok_or_else(|| damaged("an entry has too many values"))?;
        if depth > DEPTH_LIMIT {
            return Err(damaged("an entry is too deep"));
        }
        let control = self.number(1)?;
        let (mut kind, low) = (control >> 5, control & 0x1f);
        if kind == 1 {
            return self.pointed_to(low, depth);
        }
        if kind == 0 {
            kind = 7 + self.number(1)?;
        }
        let size = match low {
            29 => 29 + self.number(1)?,
            30 => 285 + self.number(2)?,
            31 => 65_821 + self.number(3)?,
            size => size,
        };
        let count = usize::try_from(size).unwrap_or(usize::MAX);
        Ok(match (kind, count) {
            (2, _) => {
                let text = String::from_utf8(self.octets(count)?);
                Value::String(text.map_err(|_| damaged("a text is not UTF-8"))?)
            }
            (3, 8) => f64::from_bits(self.number(8)?).into(),
            (15, 4) => f32::from_bits(u32::try_from(self.number(4)?).unwrap_or(0)).into(),
            // Unsigned numbers of 16, 32 and 64 bits.
            (5 | 6 | 9, _) => self.number(count)?.into(),
            (7, _) => {
                let mut map = Map::new();
                for _ in 0..count {
                    let Value::String(key) = self.value(depth + 1)? else {
                        return Err(damaged("a key is not a text"));
                    };
                    map.insert(key, self.value(depth + 1)?);
                }
                Value::Object(map)
            }
            (11, _) => {
                let mut list = Vec::new();
                for _ in 0..count {
                    list.push(self.value(depth + 1)?);
                }
                Value::Array(list)
            }
            (14, 0 | 1) => Value::Bool(count == 1),
            // Octets, a signed number and one of 128 bits: nothing that a place is told in.
            (4 | 8 | 10, _) => {
                self.octets(count)?;
                Value::Null
            }
            _ => return Err(damaged("there is no such type")),
        })
    }

    /// What stands elsewhere; reading goes on after the pointer.
    fn pointed_to(&mut self, low: u64, depth: usize) -> io::Result<Value> {
        let upper = low & 0x07;
        let offset = match low >> 3 {
            0 => upper << 8 | self.number(1)?,
            1 => 2_048 + (upper << 16 | self.number(2)?),
            2 => 526_336 + (upper << 24 | self.number(3)?),
            _ => self.number(4)?,
        };
        let after = self.at;
        self.go_to(offset)?;
        let value = self.value(depth + 1)?;
        self.go_to(after - self.section.start)?;
        Ok(value)
    }
}
