//! What was looked at and what was left out. A capture of which little could be read must not look like a quiet network.

use super::packet::Unread;

/// All since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Octets of the file; of the packets, where they do not come from one.
    pub octets: u64,
    pub packets: u64,
    /// Handshakes given out, over TCP and QUIC.
    pub handshakes: u64,
    pub tcp_connections: u64,
    pub quic_connections: u64,

    /// Blocks of the file that should hold a packet and do not.
    pub bad_blocks: u64,
    /// Packets of a link type that is not read here.
    pub other_link_types: u64,
    pub not_ip: u64,
    pub not_tcp_or_udp: u64,
    /// First fragments, of which the start was looked at, and later ones, which were not.
    pub first_fragments: u64,
    pub later_fragments: u64,
    /// Packets whose headers are cut off or contradict themselves.
    pub malformed: u64,
    /// Packets that the capture holds only in part.
    pub cut: u64,
    /// Initial packets of QUIC that did not open.
    pub unopened: u64,

    /// Left because of a limit: connections that had said nothing yet, those that had, QUIC connections.
    pub dropped_half_open: u64,
    pub dropped_connections: u64,
    pub dropped_quic: u64,
    /// ClientHellos that say to be longer than any that is read.
    pub too_large: u64,
}

impl Counts {
    pub(super) fn unread(&mut self, why: Unread) {
        let count = match why {
            Unread::LinkType => &mut self.other_link_types,
            Unread::NotIp => &mut self.not_ip,
            Unread::NotTcpOrUdp => &mut self.not_tcp_or_udp,
            Unread::Fragment => &mut self.later_fragments,
            Unread::Malformed => &mut self.malformed,
        };
        *count = count.saturating_add(1);
    }
}

/// Adds one.
pub(super) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
