//! A stream that remembers the first TLS handshake message of each direction: the ClientHello as it left us and the
//! ServerHello as it came.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wire::tls::FirstMessage;

use crate::net::ByteStream;

/// What the tap has seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hellos(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    client: Direction,
    server: Direction,
    /// When our hello was handed to the network, and when the first octet of the answer was there.
    asked: Option<Instant>,
    answered: Option<Instant>,
}

#[derive(Debug, Default)]
struct Direction {
    reader: FirstMessage,
    message: Option<Vec<u8>>,
    done: bool,
}

impl Direction {
    fn push(&mut self, octets: &[u8]) {
        if self.done {
            return;
        }
        match self.reader.push(octets) {
            Ok(None) => {}
            Ok(message) => {
                self.message = message;
                self.done = true;
            }
            // What is wrong with the peer's octets is told by the TLS library that reads the same ones.
            Err(_) => self.done = true,
        }
    }
}

impl Hellos {
    pub(crate) fn client(&self) -> Option<Vec<u8>> {
        self.seen().client.message.clone()
    }

    pub(crate) fn server(&self) -> Option<Vec<u8>> {
        self.seen().server.message.clone()
    }

    /// From the first octet of our hello to the first octet of its answer.
    pub(crate) fn answer_after(&self) -> Option<Duration> {
        let seen = self.seen();
        Some(seen.answered?.saturating_duration_since(seen.asked?))
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Tapped {
    stream: Box<dyn ByteStream>,
    hellos: Hellos,
}

impl Tapped {
    pub(crate) fn new(stream: Box<dyn ByteStream>) -> (Self, Hellos) {
        let hellos = Hellos::default();
        (Self { stream, hellos: hellos.clone() }, hellos)
    }
}

impl AsyncRead for Tapped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = poll {
            let octets = buf.filled().get(before..).unwrap_or_default();
            let mut seen = self.hellos.seen();
            if seen.asked.is_some() && seen.answered.is_none() && !octets.is_empty() {
                seen.answered = Some(Instant::now());
            }
            seen.server.push(octets);
        }
        poll
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = poll {
            let mut seen = self.hellos.seen();
            seen.asked.get_or_insert_with(Instant::now);
            seen.client.push(buf.get(..written).unwrap_or_default());
        }
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
