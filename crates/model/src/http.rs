//! What the `http` check saw.

use serde::{Deserialize, Serialize};

use crate::{Attempt, HexBytes, Milliseconds, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Http {
    /// With the protocol that ALPN chose out of h2 and http/1.1.
    pub preferred: Attempt<HttpExchange>,
    /// With http/1.1 alone.
    pub http1: Attempt<HttpExchange>,
}

/// One request and its response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpExchange {
    /// Index into [`HostRecord::connections`](crate::HostRecord::connections).
    pub connection: usize,
    pub path: String,
    /// "1.0", "1.1", "2" or "3".
    pub version: String,
    pub status: u16,
    /// Names in lower case, in the order in which each name was first received.
    pub headers: Vec<Header>,
    /// Request written to response head read.
    pub first_byte_ms: Milliseconds,
    pub body: Attempt<Body>,
    /// The Date header, parsed: what the peer holds to be the time.
    pub date: Option<Timestamp>,
}

impl HttpExchange {
    /// The values of all headers of this name, in order.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |h| h.0.eq_ignore_ascii_case(name)).map(|h| h.1.as_str())
    }
}

/// Name and value. Octets that are not UTF-8 are replaced, and the value is cut at 1 024 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header(pub String, pub String);

/// The start of a response's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Octets read; reading stops at the limit.
    pub length: u64,
    pub complete: bool,
    pub sha256: HexBytes,
    /// The first 4 096 characters where the content is text: block pages are recognised by their words.
    pub text: Option<String>,
}
