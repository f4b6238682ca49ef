//! A UDP socket that knows to which of its machine's addresses a datagram came, and answers from there.
//!
//! On a machine with several addresses the system would otherwise choose the one nearest to the peer, and a client that asked
//! another one does not take the answer for its own.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use tokio::io::Interest;

pub(crate) struct Socket {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    address: SocketAddr,
}

/// Where datagrams came from. The kernel may hand over several of one sender at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) sender: SocketAddr,
    /// The address that they were sent to, where the platform says it.
    pub(crate) our: Option<IpAddr>,
}

/// As much as the kernel hands over at once at most.
pub(crate) const BUFFER: usize = 64 << 10;

impl Socket {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { io: tokio::net::UdpSocket::from_std(socket)?, state, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for datagrams; gives where they came from, and each of them.
    pub(crate) async fn receive<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> io::Result<(Source, impl Iterator<Item = &'b [u8]> + use<'b>)> {
        let mut meta = [RecvMeta::default()];
        self.io
            .async_io(Interest::READABLE, || {
                self.state.recv((&self.io).into(), &mut [IoSliceMut::new(buffer)], &mut meta)
            })
            .await?;
        let [RecvMeta { addr, len, stride, dst_ip, .. }] = meta;
        let octets = buffer.get(..len).unwrap_or_default();
        Ok((Source { sender: addr, our: dst_ip }, octets.chunks(stride.max(1))))
    }

    /// Sends at once or not at all: what waits for a full queue comes too late for speech, and a resolver asks again.
    pub(crate) fn answer(&self, to: Source, contents: &[u8]) {
        let transmit = Transmit { destination: to.sender, ecn: None, contents, segment_size: None, src_ip: to.our };
        // A datagram that could not be sent is lost, as on any path.
        let _ = self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), &transmit));
    }
}
