//! Keeps the request heads of an HTTP/1.1 connection as they arrived.
//!
//! An intermediary that parses and writes a request again shows in the order, the spelling and the repetition of its
//! headers, which a map of headers no longer has. So the octets that HTTP reads are kept beside it until the request
//! that they make up is served. Bodies are followed to their end, by Content-Length or chunk by chunk, to know where the next
//! head begins, and not kept. HTTP/2 and HTTP/3 have no spelling, and their headers come from the map.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use model::ArrivedHeader;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wire::http::Chunked;

use crate::http::HEAD;

/// The octets of requests that were not served yet. Shared by the stream that fills it and the service that takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads(Arc<Mutex<Buffer>>);

#[derive(Debug, Default)]
struct Buffer {
    octets: Vec<u8>,
    /// The body that is being passed over.
    body: Option<Rest>,
    /// What follows on this connection is no HTTP/1.1, or cannot be followed.
    lost: bool,
}

/// What is left of a request's body.
#[derive(Debug)]
enum Rest {
    Length(u64),
    Chunked(Box<Chunked>),
}

impl Heads {
    /// HTTP reads at most one buffer ahead.
    const LIMIT: usize = 4 * HEAD;

    /// The headers of the next request, or `None` if they were not kept.
    pub(crate) fn take(&self) -> Option<Vec<ArrivedHeader>> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.body.is_some() {
            return None;
        }
        let (headers, length) = parse(&buffer.octets)?;
        let after = buffer.octets.split_off(length);
        buffer.octets.clear();
        buffer.body = body(&headers);
        buffer.push(&after);
        Some(headers)
    }

    /// To be called when another protocol follows the head.
    pub(crate) fn stop(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).give_up();
    }

    pub(super) fn tap<S>(&self, inner: S) -> HeadTap<S> {
        HeadTap { inner, heads: self.clone() }
    }

    fn push(&self, octets: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(octets);
    }
}

impl Buffer {
    fn push(&mut self, octets: &[u8]) {
        if self.lost {
            return;
        }
        let mut kept = octets;
        if let Some(rest) = &mut self.body {
            let Some(passed) = rest.pass(octets) else { return self.give_up() };
            kept = octets.get(passed..).unwrap_or_default();
            if rest.is_over() {
                self.body = None;
            }
        }
        if self.octets.len() + kept.len() > Heads::LIMIT {
            self.give_up();
        } else {
            self.octets.extend_from_slice(kept);
        }
    }

    fn give_up(&mut self) {
        *self = Self { octets: Vec::new(), body: None, lost: true };
    }
}

impl Rest {
    /// How many of these octets belong to the body; `None` where they are none.
    fn pass(&mut self, octets: &[u8]) -> Option<usize> {
        match self {
            Self::Length(left) => {
                let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(octets.len());
                *left = left.saturating_sub(u64::try_from(passed).ok()?);
                Some(passed)
            }
            Self::Chunked(chunked) => chunked.push(octets, |_| {}).ok(),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_done(),
        }
    }
}

/// The body that follows a head (RFC 9112 section 6.3). HTTP has refused heads that say it twice or in another way.
fn body(headers: &[ArrivedHeader]) -> Option<Rest> {
    let value = |name: &str| headers.iter().find(|header| header.0.eq_ignore_ascii_case(name)).map(|header| &header.1);
    if value("transfer-encoding").is_some() {
        return Some(Rest::Chunked(Box::default()));
    }
    let length = value("content-length")?.parse().ok().filter(|length| *length > 0)?;
    Some(Rest::Length(length))
}

/// The headers of the first head and how many octets it takes up. HTTP has parsed these octets already and found them
/// to be a request (RFC 9112 section 2), so the grammar is not checked again.
fn parse(octets: &[u8]) -> Option<(Vec<ArrivedHeader>, usize)> {
    let mut headers = Vec::new();
    let mut read = 0;
    let mut in_head = false;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        read += line.len();
        let text = line.strip_suffix(b"\n")?;
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match (in_head, text.is_empty()) {
            // Empty lines before the request line are to be ignored (RFC 9112 section 2.2).
            (false, true) => {}
            (false, false) => in_head = true,
            (true, true) => return Some((headers, read)),
            (true, false) => {
                let colon = text.iter().position(|octet| *octet == b':')?;
                let (name, value) = text.split_at(colon);
                let value = value.get(1..).unwrap_or_default().trim_ascii();
                let text = |octets| String::from_utf8_lossy(octets).into_owned();
                headers.push(ArrivedHeader(text(name), text(value)));
            }
        }
    }
    None
}

/// The decrypted stream, as HTTP reads it.
#[derive(Debug)]
pub(super) struct HeadTap<S> {
    inner: S,
    heads: Heads,
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTap<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.heads.push(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadTap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, octets)
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
        Pin::new(&mut self.inner).poll_write_vectored(cx, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<ArrivedHeader> {
        pairs.iter().map(|(name, value)| ArrivedHeader((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn order_spelling_and_repetition_are_kept() {
        let heads = Heads::default();
        heads.push(b"\r\nGET / HTTP/1.1\r\nhOST: a\r\nX-One:1\r\nCookie: a\r\nx-ONE:  2 \r\n\r\nGET /b HTTP/1.1\r\nHo");
        assert_eq!(heads.take().unwrap(), headers(&[("hOST", "a"), ("X-One", "1"), ("Cookie", "a"), ("x-ONE", "2")]));
        assert_eq!(heads.take(), None);
        heads.push(b"st: b\n\n");
        assert_eq!(heads.take().unwrap(), headers(&[("Host", "b")]));
    }

    #[test]
    fn bodies_are_passed_over() {
        let heads = Heads::default();
        let long = vec![b'x'; 2 * Heads::LIMIT];
        heads.push(b"POST / HTTP/1.1\r\nContent-Length: ");
        heads.push(format!("{}\r\n\r\nxx", long.len() + 2).as_bytes());
        assert_eq!(heads.take().unwrap().len(), 1);
        heads.push(&long);
        heads.push(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\na: b\r\n");
        assert_eq!(heads.take().unwrap(), headers(&[("Transfer-Encoding", "chunked")]));
        assert_eq!(heads.take(), None, "the body has not ended");
        heads.push(b"\r\nGET / HTTP/1.1\r\nc: d\r\n\r\n");
        assert_eq!(heads.take().unwrap(), headers(&[("c", "d")]));
    }

    #[test]
    fn after_another_protocol_and_beyond_the_limit_nothing_is_kept() {
        let heads = Heads::default();
        heads.push(b"GET / HTTP/1.1\r\n\r\nbo");
        assert_eq!(heads.take().unwrap(), []);
        heads.stop();
        heads.push(b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(heads.take(), None);

        let heads = Heads::default();
        heads.push(&vec![b'a'; Heads::LIMIT]);
        heads.push(b"\r\n\r\n");
        assert_eq!(heads.take(), None);
        assert!(heads.0.lock().unwrap().octets.is_empty());
    }

    proptest! {
        #[test]
        fn heads_are_read_back(
            lines in prop::collection::vec(("[A-Za-z-]{1,20}", "([!-~]([ -~]{0,20}[!-~])?)?"), 0..20),
        ) {
            let mut head = b"GET / HTTP/1.1\r\n".to_vec();
            for (name, value) in &lines {
                head.extend(format!("{name}: {value}\r\n").bytes());
            }
            head.extend(b"\r\n");
            let expected: Vec<_> =
                lines.iter().map(|(name, value)| ArrivedHeader(name.clone(), value.clone())).collect();
            prop_assert_eq!(parse(&head), Some((expected, head.len())));
            for end in 0..head.len() {
                prop_assert_eq!(parse(&head[..end]), None);
            }
        }

        #[test]
        fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some((_, length)) = parse(&octets) {
                prop_assert!(length <= octets.len());
            }
        }
    }
}
