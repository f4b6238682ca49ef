//! A packet socket (packet(7)): a copy of everything that passes an interface, in both directions.
//!
//! Packets are taken in batches with one call of the system each. That is less than a ring in shared memory would give, and
//! it needs no unsafe code; where it is too little the system counts what it dropped (`SO_RXQ_OVFL` in socket(7)). That
//! count comes with the next packet, so drops at the very end are not in it.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::libc;
use nix::sys::socket::{
    self, AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, MultiHeaders, SockFlag, SockProtocol, SockType,
    setsockopt, sockopt,
};
use nix::sys::time::{TimeSpec, TimeVal, TimeValLike};
use wire::capture::{Inspector, LinkType, Packet};

use crate::exit::misuse;
use crate::live::ANY;

/// Packets of one call.
const BATCH: usize = 64;

/// Octets kept of a packet: interfaces hand over several segments as one packet of up to 64 KiB.
const PACKET: usize = (64 << 10) + 64;

/// How long to wait for a packet before looking at everything else: whoever interrupts us waits no longer.
const WAIT_MS: i64 = 100;

/// Octets that the system keeps for us until we take them: about a quarter of a second of a busy line of 1 Gbit/s.
const RECEIVE_BUFFER: usize = 32 << 20;

/// Kinds of interfaces (`linux/if_arp.h`) whose packets begin with an Ethernet header.
const ETHERNET: [u16; 2] = [libc::ARPHRD_ETHER, libc::ARPHRD_LOOPBACK];

/// `linux/if_packet.h`: the copy of a packet that this machine sent.
const OUTGOING: u8 = 4;

pub(super) struct PacketSocket {
    socket: OwnedFd,
    /// Packets of others came in before the socket was bound.
    index: Option<usize>,
    link_type: LinkType,
    buffers: Vec<Vec<u8>>,
    dropped: u64,
    /// The system's counter, which has 32 bits.
    last_counter: u32,
}

impl PacketSocket {
    pub(super) fn open(interface: &str) -> Result<Self> {
        let address = if interface == ANY { None } else { Some(address(interface)?) };
        // Without an Ethernet header the system takes off whatever header there is, and IP is left (packet(7)).
        let is_ethernet = address.is_some_and(|address| ETHERNET.contains(&address.hatype()));
        let (kind, link_type) =
            if is_ethernet { (SockType::Raw, LinkType::ETHERNET) } else { (SockType::Datagram, LinkType::RAW) };
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket::socket(AddressFamily::Packet, kind, flags, SockProtocol::EthAll).map_err(|error| {
            if error == Errno::EPERM || error == Errno::EACCES {
                misuse(format!("--live {interface} needs root, or the capability CAP_NET_RAW"))
            } else {
                anyhow::Error::new(error).context("cannot open a packet socket")
            }
        })?;
        if let Some(address) = &address {
            socket::bind(socket.as_raw_fd(), address).with_context(|| format!("cannot listen on {interface}"))?;
        }
        // Beyond the limit of the system only with CAP_NET_ADMIN; within it always.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER).context("cannot set the receive buffer")?;
        }
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(WAIT_MS))
            .context("cannot set a timeout")?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("cannot have packets stamped")?;
        setsockopt(&socket, sockopt::RxqOvfl, &1).context("cannot have drops counted")?;
        Ok(Self {
            socket,
            index: address.map(|address| address.ifindex()),
            link_type,
            buffers: vec![vec![0; PACKET]; BATCH],
            dropped: 0,
            last_counter: 0,
        })
    }

    /// Packets that the system dropped because they were not taken in time.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Gives the next packets to the inspector; tells whether any came in time.
    pub(super) fn read(&mut self, inspector: &mut Inspector) -> io::Result<bool> {
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            self.buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        // The lengths in it are the system's after a call, so it is made anew for each.
        let mut headers = MultiHeaders::<LinkAddr>::preallocate(BATCH, Some(cmsg_space!(TimeSpec, u32)));
        // With MSG_TRUNC the length told is that of the packet, whatever part of it there was room for.
        let flags = MsgFlags::MSG_WAITFORONE | MsgFlags::MSG_TRUNC;
        let received = match socket::recvmmsg(self.socket.as_raw_fd(), &mut headers, slices.iter_mut(), flags, None) {
            Ok(received) => received,
            // ENETDOWN is told once where the interface goes down; packets come again when it is up.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENETDOWN) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        for message in received {
            let mut time = None;
            for control in message.cmsgs().into_iter().flatten() {
                match control {
                    ControlMessageOwned::ScmTimestampns(stamp) => time = nanoseconds(stamp),
                    ControlMessageOwned::RxqOvfl(counter) => {
                        self.dropped = self.dropped.saturating_add(counter.wrapping_sub(self.last_counter).into());
                        self.last_counter = counter;
                    }
                    _ => {}
                }
            }
            if let Some(address) = &message.address {
                let foreign = self.index.is_some_and(|index| index != address.ifindex());
                // On loopback each packet is seen as it leaves and as it arrives.
                let twice = address.hatype() == libc::ARPHRD_LOOPBACK && address.pkttype() == OUTGOING;
                if foreign || twice {
                    continue;
                }
            }
            let octets = message.iovs().next().unwrap_or_default();
            inspector.packet(Packet { time, link_type: self.link_type, original_length: message.bytes, octets });
        }
        Ok(true)
    }
}

/// The link-layer address of an interface, which names it by number and tells its kind.
fn address(interface: &str) -> Result<LinkAddr> {
    let interfaces = getifaddrs().context("cannot list the interfaces")?;
    let addresses = interfaces.filter(|found| found.interface_name == interface).filter_map(|found| found.address);
    let mut addresses = addresses.filter_map(|address| address.as_link_addr().copied());
    addresses.next().ok_or_else(|| {
        let mut names: Vec<String> = getifaddrs().into_iter().flatten().map(|found| found.interface_name).collect();
        names.sort_unstable();
        names.dedup();
        misuse(format!("no interface {interface}; there are: {}, {ANY}", names.join(", ")))
    })
}

fn nanoseconds(stamp: TimeSpec) -> Option<i64> {
    stamp.tv_sec().checked_mul(1_000_000_000)?.checked_add(stamp.tv_nsec())
}
