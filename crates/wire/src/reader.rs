//! The cheap level of every parser here: a cursor over borrowed bytes that cannot run past their end.

/// Big-endian numbers and length-prefixed vectors (RFC 8446 section 3.4). Each method takes what it names from the
/// front, or takes nothing and gives `None`.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self) -> Option<u32> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A vector with its length in one octet in front.
    pub(crate) fn vector8(&mut self) -> Option<&'a [u8]> {
        self.vector(|reader| reader.u8().map(usize::from))
    }

    /// A vector with its length in two octets in front.
    pub(crate) fn vector16(&mut self) -> Option<&'a [u8]> {
        self.vector(|reader| reader.u16().map(usize::from))
    }

    /// A vector with its length in three octets in front.
    pub(crate) fn vector24(&mut self) -> Option<&'a [u8]> {
        self.vector(|reader| reader.u24().and_then(|length| usize::try_from(length).ok()))
    }

    fn vector(&mut self, length: impl FnOnce(&mut Self) -> Option<usize>) -> Option<&'a [u8]> {
        let mut ahead = self.clone();
        let length = length(&mut ahead)?;
        let taken = ahead.take(length)?;
        *self = ahead;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::Reader;

    #[test]
    fn what_is_not_whole_is_not_taken() {
        let mut reader = Reader::new(&[0, 3, 1, 2]);
        assert_eq!(reader.vector16(), None);
        assert_eq!(reader.rest(), [0, 3, 1, 2]);
        assert_eq!(reader.u24(), Some(0x301));
        assert_eq!(reader.vector8(), None);
        assert_eq!(reader.u8(), Some(2));
        assert!(reader.is_empty());
        assert_eq!(reader.take(0), Some(&[][..]));
        assert_eq!(reader.u8(), None);
    }
}
