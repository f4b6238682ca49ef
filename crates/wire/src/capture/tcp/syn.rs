//! The client's SYN, kept in a few octets until it is clear whether a handshake follows.

use model::Syn;

use crate::capture::packet::transport::Segment;
use crate::tcp::syn_of;

/// Octets of TCP options at most: the header has 60, of which 20 are fixed.
const MAX_OPTIONS: usize = 40;

#[derive(Clone, Copy)]
pub(super) struct SynSeen {
    ttl: u8,
    window: u16,
    length: u8,
    options: [u8; MAX_OPTIONS],
}

impl SynSeen {
    pub(super) fn new(ttl: u8, segment: &Segment<'_>) -> Self {
        let mut options = [0; MAX_OPTIONS];
        options.iter_mut().zip(segment.options).for_each(|(to, from)| *to = *from);
        let length = u8::try_from(segment.options.len().min(MAX_OPTIONS)).unwrap_or_default();
        Self { ttl, window: segment.window, length, options }
    }

    pub(super) fn read(&self) -> Syn {
        syn_of(self.ttl, self.window, self.options.get(..self.length.into()).unwrap_or_default())
    }
}

impl core::fmt::Debug for SynSeen {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.read().fmt(f)
    }
}
