//! `/v1/bytes?length=N`: octets to download, whole or a range of them.
//!
//! They look random, so that nothing on the path can compress them, and are always the same, so that whoever reads them
//! can tell whether they were altered: see [`wire::http::specimen`].

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use wire::http::specimen;

use crate::session::Busy;

use super::Site;
use super::body::Content;
use super::problem::Problem;
use super::query::number;

const DEFAULT_LENGTH: u64 = 1 << 20;
const MAX_LENGTH: u64 = 16 << 20;
/// As much as one TLS record holds.
const PIECE: u64 = 16 << 10;

pub(super) fn bytes(
    site: &Site,
    busy: &Busy,
    method: &Method,
    query: &str,
    headers: &HeaderMap,
) -> Result<Response<Content>, Problem> {
    let text = "length: a number of octets up to 16777216 is needed";
    let length = number(query, "length", DEFAULT_LENGTH, MAX_LENGTH, text)?;
    let pass = site.transfers.enter(busy.session().client.ip())?;
    // The same for ever, so a strong validator (RFC 9110 section 8.8.1).
    let tag = format!("\"splitmix64-{length}\"");
    let range = range(method, headers, &tag, length);
    let octets = range.map_or(Octets { next: 0, end: length }, |(first, last)| Octets { next: first, end: last + 1 });
    let sent = octets.remaining();
    let mut response = Response::new(Content::Octets(octets, pass));
    if let Some((first, last)) = range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        if let Ok(value) = HeaderValue::try_from(format!("bytes {first}-{last}/{length}")) {
            response.headers_mut().insert(CONTENT_RANGE, value);
        }
    }
    let headers = response.headers_mut();
    // HTTP/2 would leave out a length of 0.
    headers.insert(CONTENT_LENGTH, sent.into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}

/// First and last octet of the one range asked for (RFC 9110 section 14.1.2). A server may ignore Range, and this one does
/// where it holds several ranges, one that cannot be had, or a validator that is not ours (section 13.1.5). With any method but
/// GET a server has to ignore it (section 14.2).
fn range(method: &Method, headers: &HeaderMap, tag: &str, length: u64) -> Option<(u64, u64)> {
    if method != Method::GET {
        return None;
    }
    if headers.get(IF_RANGE).is_some_and(|validator| validator != tag) {
        return None;
    }
    let (first, last) = headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let number = |digits: &str| digits.parse::<u64>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    let end = length.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", suffix) => (length.saturating_sub(number(suffix).filter(|suffix| *suffix > 0)?), end),
        (first, "") => (number(first)?, end),
        (first, last) => (number(first)?, number(last)?.min(end)),
    };
    (first <= last).then_some((first, last))
}

#[derive(Debug)]
pub(super) struct Octets {
    next: u64,
    end: u64,
}

impl Octets {
    pub(super) fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.next)
    }

    pub(super) fn next(&mut self) -> Option<Bytes> {
        let length = self.remaining().min(PIECE);
        if length == 0 {
            return None;
        }
        let piece = specimen::octets(self.next, usize::try_from(length).unwrap_or_default());
        self.next = self.next.saturating_add(length);
        Some(piece.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_to_the_octets_asked_for() {
        let (next, end) = (3, 3 * PIECE + 8);
        let mut octets = Octets { next, end };
        let read = std::iter::from_fn(|| octets.next()).collect::<Vec<_>>().concat();
        assert_eq!(read, specimen::octets(next, usize::try_from(end - next).unwrap()));
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (range, if_range, expected) in [
            ("bytes=0-0", None, Some((0, 0))),
            ("bytes=10-19", None, Some((10, 19))),
            ("bytes=90-1000", None, Some((90, 99))),
            ("bytes=90-", None, Some((90, 99))),
            ("bytes=-5", None, Some((95, 99))),
            ("bytes=-500", None, Some((0, 99))),
            ("bytes=10-19", Some("\"tag\""), Some((10, 19))),
            ("bytes=10-19", Some("\"other\""), None),
            ("bytes=10-19", Some("Wed, 21 Oct 2037 07:28:00 GMT"), None),
            ("bytes=0-1,5-6", None, None),
            ("bytes=-0", None, None),
            ("bytes=100-", None, None),
            ("bytes=9-8", None, None),
            ("bytes=+1-2", None, None),
            ("lines=1-2", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static(range));
            if let Some(if_range) = if_range {
                headers.insert(IF_RANGE, HeaderValue::from_static(if_range));
            }
            assert_eq!(super::range(&Method::GET, &headers, "\"tag\"", 100), expected, "{range} {if_range:?}");
        }
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
        assert_eq!(range(&Method::GET, &headers, "\"tag\"", 0), None);
        assert_eq!(range(&Method::HEAD, &headers, "\"tag\"", 100), None);
    }
}
