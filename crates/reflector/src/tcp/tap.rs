//! Stands between the socket and TLS: keeps the ClientHello as it arrived, and gives up on a peer that does not read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use wire::tls::FirstMessage;

#[derive(Debug)]
pub(super) struct Tap<S> {
    inner: S,
    hello: Hello,
    /// How long a write may wait for the peer.
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Hello {
    Reading(Box<FirstMessage>),
    Read(Vec<u8>),
    /// What came first is no handshake message; TLS will say so to the peer.
    Unreadable,
}

impl<S> Tap<S> {
    pub(super) fn new(inner: S, stall: Duration) -> Self {
        Self { inner, hello: Hello::Reading(Box::default()), stall, stalled: None }
    }

    /// The ClientHello handshake message, its four octets of header included, however many records and segments it
    /// came in.
    pub(super) fn client_hello(&self) -> Option<&[u8]> {
        match &self.hello {
            Hello::Read(message) => Some(message),
            Hello::Reading(_) | Hello::Unreadable => None,
        }
    }

    fn in_time<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + stall)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        if let Hello::Reading(first) = &mut self.hello {
            match first.push(buffer.filled().get(before..).unwrap_or_default()) {
                Ok(None) => {}
                Ok(Some(message)) => self.hello = Hello::Read(message),
                Err(_) => self.hello = Hello::Unreadable,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, octets);
        self.in_time(cx, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, octets);
        self.in_time(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_given_up() {
        let (ours, _theirs) = duplex(16);
        let mut tap = Tap::new(ours, Duration::from_secs(30));
        let error = tap.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
