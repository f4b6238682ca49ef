//! HTTP exchanges of which nothing is lost: the spelling, order and repetition of headers, how the body was delimited, its
//! trailers, and interim responses.
//!
//! HTTP/1.1 is written and read as octets here, because a library would put every head into its own shape, and that shape is
//! what is to be compared. HTTP/2 has no spelling of its own, so there the `h2` library does. In: a request as it is to
//! leave. Out: the response as it arrived, in full. Everything that the peer can make grow has a limit.

mod http1;
mod http2;
mod reconnect;

use std::time::Duration;

use bytes::Bytes;
use model::{Failure, Milliseconds, Target};

use crate::failure::Stopwatch;
use crate::host::Opened;
use crate::http_client::{USER_AGENT, authority};

pub(crate) use http2::Http2;
pub(crate) use reconnect::Reconnecting;

use http1::Http1;

/// Name and value.
pub(crate) type Field = (String, String);

/// Octets of a response's body. No endpoint that is asked sends as many.
pub(crate) const BODY_LIMIT: usize = 1 << 20;
/// What a path is given for a body beyond the time of an answer: 64 KiB/s is a very slow line.
const OCTETS_PER_SECOND: u64 = 64 << 10;

/// A request as it is to leave, but for what the version itself needs: Host or `:authority`, and what says where the body
/// ends.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<Field>,
    pub(crate) body: Option<Body>,
}

#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) octets: Bytes,
    /// In pieces of this many octets and without a length: chunks over HTTP/1.1, DATA frames over HTTP/2.
    pub(crate) piece: Option<usize>,
    /// Only for a body in pieces.
    pub(crate) trailers: Vec<Field>,
    /// Wait for an interim 100 before it is sent, but no longer than this.
    pub(crate) after_continue: Option<Duration>,
}

/// A response as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// "1.0", "1.1" or "2".
    pub(crate) version: &'static str,
    /// Status codes of interim responses.
    pub(crate) interim: Vec<u16>,
    pub(crate) status: u16,
    pub(crate) headers: Vec<Field>,
    /// "length", "chunked", "close", "frames", or "none" where there can be no body.
    pub(crate) framing: &'static str,
    pub(crate) body: Vec<u8>,
    /// Why the body did not come to its end, where it did not.
    pub(crate) broke: Option<Failure>,
    pub(crate) trailers: Vec<Field>,
    /// First octet sent to last octet received.
    pub(crate) took_ms: Milliseconds,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        let headers = [("User-Agent", USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "identity")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { method, path: path.into(), headers, body: None }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// In the place of the header of this name.
    pub(crate) fn instead(mut self, name: &str, value: &str) -> Self {
        for header in self.headers.iter_mut().filter(|header| header.0.eq_ignore_ascii_case(name)) {
            value.clone_into(&mut header.1);
        }
        self
    }

    /// With names as HTTP/2 must have them (RFC 9113 section 8.2.1).
    pub(crate) fn lower_case(mut self) -> Self {
        self.headers.iter_mut().for_each(|header| header.0.make_ascii_lowercase());
        self
    }

    pub(crate) fn body(mut self, octets: impl Into<Bytes>) -> Self {
        self.body = Some(Body { octets: octets.into(), piece: None, trailers: Vec::new(), after_continue: None });
        self
    }

    /// How long the exchange may take on a line where an answer takes `timeout`.
    pub(crate) fn limit(&self, timeout: Duration, answer: u64) -> Duration {
        let body = self.body.as_ref().map_or(0, |body| u64::try_from(body.octets.len()).unwrap_or(u64::MAX));
        timeout.saturating_add(Duration::from_secs(body.saturating_add(answer) / OCTETS_PER_SECOND))
    }
}

impl Response {
    /// The values of all headers of this name, in order.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |header| header.0.eq_ignore_ascii_case(name)).map(|header| header.1.as_str())
    }

    pub(crate) fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// The body's start, where it reads as text.
    pub(crate) fn text(&self, limit: usize) -> Option<String> {
        let start: Vec<u8> = self.body.iter().copied().take(limit.saturating_mul(4)).collect();
        let text = String::from_utf8_lossy(&start);
        let readable = !text.chars().take(64).any(|c| c.is_control() && !c.is_whitespace() || c == '\u{fffd}');
        (readable && !text.is_empty()).then(|| text.chars().take(limit).collect())
    }
}

/// A connection in the version that ALPN chose.
pub(crate) enum Client {
    Http1(Box<Http1>),
    Http2(Http2),
}

impl Client {
    pub(crate) async fn start(opened: Opened, target: &Target, timeout: Duration) -> Result<Self, Failure> {
        let authority = authority(target);
        if opened.session.alpn.as_deref() == Some("h2") {
            return Ok(Self::Http2(Http2::start(opened, authority, timeout).await?));
        }
        Ok(Self::Http1(Box::new(Http1::new(opened, authority))))
    }

    /// Whether another request may be sent.
    fn is_open(&self) -> bool {
        match self {
            Self::Http1(client) => client.is_open(),
            // As far as the peer has said; a close that it has not is seen with the next request.
            Self::Http2(_) => true,
        }
    }

    /// `answer` is how many octets of body are due.
    async fn exchange(&mut self, request: &Request, answer: u64, timeout: Duration) -> Result<Response, Failure> {
        let watch = Stopwatch::start();
        let limit = request.limit(timeout, answer);
        match self {
            Self::Http1(client) => client.exchange(request, limit, watch).await,
            Self::Http2(client) => client.exchange(request, limit, watch).await,
        }
    }
}
