//! Numbers in the byte order of the machine that wrote the file.

/// What the magic number of a file, or of a section, says about the numbers that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Big,
    Little,
}

impl ByteOrder {
    pub(super) fn u16(self, octets: [u8; 2]) -> u16 {
        match self {
            Self::Big => u16::from_be_bytes(octets),
            Self::Little => u16::from_le_bytes(octets),
        }
    }

    pub(super) fn u32(self, octets: [u8; 4]) -> u32 {
        match self {
            Self::Big => u32::from_be_bytes(octets),
            Self::Little => u32::from_le_bytes(octets),
        }
    }

    pub(super) fn u64(self, octets: [u8; 8]) -> u64 {
        match self {
            Self::Big => u64::from_be_bytes(octets),
            Self::Little => u64::from_le_bytes(octets),
        }
    }
}

/// A cursor as [`Reader`](crate::reader::Reader), for either byte order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    order: ByteOrder,
}

impl<'a> Fields<'a> {
    pub(super) fn new(rest: &'a [u8], order: ByteOrder) -> Self {
        Self { rest, order }
    }

    pub(super) fn order(&self) -> ByteOrder {
        self.order
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(|octets| self.order.u16(octets))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(|octets| self.order.u32(octets))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(|octets| self.order.u64(octets))
    }

    /// A length or count.
    pub(super) fn length(&mut self) -> Option<usize> {
        self.u32().map(|length| usize::try_from(length).unwrap_or(usize::MAX))
    }
}
