//! One packet of a capture: the link layer, the IP header and the start of what it carries, read in place.

pub(super) mod ip;
pub(super) mod link;
pub(super) mod transport;

/// A packet as the file holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Nanoseconds since 1970; `None` where the file does not say.
    pub time: Option<i64>,
    pub link_type: LinkType,
    /// Octets that it had on the wire, of which the capture may hold fewer.
    pub original_length: usize,
    pub octets: &'a [u8],
}

/// What a packet begins with: a code point of the registry of link types (draft-ietf-opsawg-pcaplinktype).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// Loopback of the BSDs and of macOS: the address family in four octets, in the order of the machine.
    pub const NULL: Self = Self(0);
    pub const ETHERNET: Self = Self(1);
    pub const RAW: Self = Self(101);
    /// As `NULL`, in network byte order.
    pub const LOOP: Self = Self(108);
    /// "Linux cooked": what the device `any` gives.
    pub const LINUX_SLL: Self = Self(113);
    pub const IPV4: Self = Self(228);
    pub const IPV6: Self = Self(229);
    pub const LINUX_SLL2: Self = Self(276);
    /// Raw IP under the numbers that some systems wrote into files.
    const RAW_OF_SOME: [Self; 2] = [Self(12), Self(14)];

    fn is_raw(self) -> bool {
        [Self::RAW, Self::IPV4, Self::IPV6].contains(&self) || Self::RAW_OF_SOME.contains(&self)
    }
}

/// Why a packet has nothing to look at. These are counted, not told one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The link type is not one of ours.
    LinkType,
    /// ARP and everything else that is not IP.
    NotIp,
    /// IP, and something else than TCP or UDP in it.
    NotTcpOrUdp,
    /// A later fragment of a packet: it has no ports.
    Fragment,
    /// The headers are cut off or contradict themselves.
    Malformed,
}
