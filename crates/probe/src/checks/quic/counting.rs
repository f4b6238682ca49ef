//! What comes in below QUIC, counted.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

/// Octets of all datagrams of one connection. The HTTP/3 library holds a frame until it is whole, however long it says
/// that it is.
const CONNECTION_LIMIT: u64 = 4 * 1024 * 1024;

/// A socket that counts what came in, so that silence and an unfinished handshake can be told apart, and that fails where
/// it is more than any check asks for.
pub(super) struct Counting {
    socket: Arc<dyn AsyncUdpSocket>,
    received: Arc<AtomicU32>,
    octets: AtomicU64,
}

impl Counting {
    pub(super) fn new(socket: Arc<dyn AsyncUdpSocket>, received: Arc<AtomicU32>) -> Self {
        Self { socket, received, octets: AtomicU64::new(0) }
    }
}

impl fmt::Debug for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counting").finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Counting {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.socket.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let poll = self.socket.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(datagrams)) = &poll {
            self.received.fetch_add(u32::try_from(*datagrams).unwrap_or(u32::MAX), Ordering::Relaxed);
            let octets: usize = meta.iter().take(*datagrams).map(|datagram| datagram.len).sum();
            let before = self.octets.fetch_add(octets as u64, Ordering::Relaxed);
            if before > CONNECTION_LIMIT {
                return Poll::Ready(Err(io::Error::other("more octets than any check asks for")));
            }
        }
        poll
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}
