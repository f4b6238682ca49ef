//! `/v1/reflect?challenge=HEX`: what arrived on this connection, signed.
//!
//! The body is summed and thrown away, the answer's own headers are told in the answer, and the same answer can be had in
//! other [shapes](Shape): what an intermediary does to a response depends on what the response looks like.

use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::digest;
use bytes::{Buf, Bytes};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, SET_COOKIE, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, request};
use http_body_util::BodyExt;
use hyper::body::Body;
use model::{Answer, ArrivedBody, ArrivedHeader, HexBytes, Timestamp};
use tokio::time::timeout;

use crate::Limits;
use crate::dns::Label;
use crate::session::Busy;

use super::Site;
use super::body::Content;
use super::problem::Problem;
use super::query::parameter;
use super::route::{Told, dress};

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// With a length.
    Plain,
    /// With headers of every kind that the grammar allows and cookies with every attribute.
    Headers,
    /// In pieces, without a length.
    Pieces,
    /// In pieces, and with a trailer field that repeats the challenge.
    Trailers,
}

/// `headers` are those of an HTTP/1.1 head as they were spelled, where they are known.
pub(super) async fn reflect<B: Body>(
    site: &Site,
    busy: &Busy,
    headers: Option<Vec<ArrivedHeader>>,
    request: Request<B>,
    shape: Shape,
) -> Result<Response<Content>, Problem> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let challenge = challenge(query)?;
    let label = label(query)?;
    let without_hello = parameter(query, "client_hello") == Some("no");
    // An answer before the body's end would leave the rest of it unread.
    let body = arrived(&parts, body, busy, &site.limits).await?;
    let now = SystemTime::now();
    let head = head(site, busy, shape, now);
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut answer = answer(busy, parts, headers, challenge, since_epoch)?;
    answer.body = body;
    answer.media_port = site.media.as_ref().map(|media| media.port);
    if let Some(zone) = &site.zone {
        answer.asked_by = label.map(|label| zone.asked_by(label, Instant::now())).unwrap_or_default();
        answer.dns_zone = Some(zone.name().clone());
    }
    answer.place = site.place;
    answer.response_headers = pairs(&head);
    if without_hello {
        answer.client_hello = None;
    }
    let trailers = (shape == Shape::Trailers)
        .then(|| HeaderValue::try_from(answer.challenge.to_string()).ok())
        .flatten()
        .map(|value| HeaderMap::from_iter([(TRAILER_NAME, value)]));
    let sealed = site.signing_key.seal(&answer).and_then(|sealed| serde_json::to_vec(&sealed));
    let json = sealed.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"))?;
    let content = match shape {
        Shape::Plain | Shape::Headers => Content::Whole(Some(json.into())),
        Shape::Pieces | Shape::Trailers => {
            Content::Pieces(json.chunks(PIECE).map(Bytes::copy_from_slice).collect(), trailers)
        }
    };
    let mut response = Response::new(content);
    *response.headers_mut() = head;
    response.extensions_mut().insert(Told);
    Ok(response)
}

/// Octets of one piece of an answer: so few that there are several.
const PIECE: usize = 600;
const TRAILER_NAME: HeaderName = HeaderName::from_static("x-truepath-trailer");

/// The answer's headers, but for those that HTTP itself adds to say where the body ends.
fn head(site: &Site, busy: &Busy, shape: Shape, now: SystemTime) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(now)) {
        headers.insert(DATE, date);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match shape {
        Shape::Plain | Shape::Pieces => {}
        Shape::Trailers => {
            headers.insert(TRAILER, HeaderValue::from(TRAILER_NAME));
        }
        Shape::Headers => {
            for (name, value) in PECULIAR {
                let name = HeaderName::try_from(*name);
                if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                    headers.append(name, value);
                }
            }
            headers.append("x-truepath-long", HeaderValue::from_static(LONG));
            for cookie in COOKIES {
                headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
            }
        }
    }
    dress(site, busy, &mut headers);
    headers
}

/// Headers that are within the grammar (RFC 9110 sections 5.1 and 5.5) and that some devices do not expect, or take away.
const PECULIAR: &[(&str, &[u8])] = &[
    ("x-truepath-first", b"1"),
    ("x-truepath-empty", b""),
    ("x_truepath_underscore", b"kept"),
    ("x-truepath-!#$%&'*+.^`|~", b"kept"),
    ("x-truepath-quoted", br#""a, b"; c="d\"e""#),
    ("x-truepath-tab", b"a\tb"),
    ("x-truepath-octets", "caf\u{e9} \u{1f512}".as_bytes()),
    ("x-truepath-twice", b"1"),
    ("x-truepath-twice", b"2"),
    ("strict-transport-security", b"max-age=31536000"),
    ("content-security-policy", b"default-src 'none'"),
    ("www-authenticate", b"Negotiate"),
    ("link", b"</v1/bytes>; rel=preload; as=fetch"),
    ("x-ms-request-id", b"6e0a2f4c-0000-4000-8000-000000000000"),
];

/// A value of 2 048 octets, as long as those of cookies and policies get.
const LONG: &str = {
    const OCTETS: [u8; 2048] = [b'l'; 2048];
    match std::str::from_utf8(&OCTETS) {
        Ok(text) => text,
        Err(_) => "",
    }
};

/// Every attribute that browsers know (RFC 6265bis section 4.1).
const COOKIES: &[&str] = &[
    "truepath-plain=1; Path=/v1/fidelity; Secure; HttpOnly; SameSite=Lax",
    "__Host-truepath=a%20b=; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=None; Partitioned",
    "truepath-dated=x; Expires=Wed, 21 Oct 2037 07:28:00 GMT; Path=/v1/fidelity; Secure",
];

fn pairs(headers: &HeaderMap) -> Vec<ArrivedHeader> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| ArrivedHeader(name.as_str().to_owned(), text(value))).collect()
}

/// 16 to 64 octets.
pub(super) fn challenge(query: &str) -> Result<HexBytes, Problem> {
    parameter(query, "challenge")
        .filter(|digits| (32..=128).contains(&digits.len()))
        .and_then(|digits| hex::decode(digits).ok())
        .map(HexBytes)
        .ok_or(Problem::bad_request("challenge: 32 to 128 hexadecimal digits are needed"))
}

/// The name that the client let its resolver look for, without our zone.
fn label(query: &str) -> Result<Option<Label>, Problem> {
    let Some(text) = parameter(query, "name") else { return Ok(None) };
    let label = Label::parse(text.as_bytes());
    label.map(Some).ok_or(Problem::bad_request("name: 32 hexadecimal digits are needed"))
}

/// Reads the body to its end and sums it up; `None` where the request has none.
async fn arrived<B: Body>(
    parts: &request::Parts,
    body: B,
    busy: &Busy,
    limits: &Limits,
) -> Result<Option<ArrivedBody>, Problem> {
    let mut body = pin!(body);
    let mut sum = digest::Context::new(&digest::SHA256);
    let mut length = 0_u64;
    let mut trailers = Vec::new();
    loop {
        let frame = match timeout(limits.stall, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Problem::bad_request("the body broke off")),
            Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come to its end")),
        };
        busy.touch();
        match frame.into_data() {
            Ok(mut octets) => {
                length = length.saturating_add(u64::try_from(octets.remaining()).unwrap_or(u64::MAX));
                if length > limits.body {
                    let text = "the body is longer than this server takes";
                    return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
                }
                while octets.has_remaining() {
                    let piece = octets.chunk();
                    sum.update(piece);
                    let read = piece.len();
                    octets.advance(read);
                }
            }
            Err(frame) => trailers = frame.trailers_ref().map(pairs).unwrap_or_default(),
        }
    }
    let framing = if parts.headers.contains_key(TRANSFER_ENCODING) {
        "chunked"
    } else if parts.headers.contains_key(CONTENT_LENGTH) {
        "length"
    } else if length > 0 || !trailers.is_empty() {
        "frames"
    } else {
        return Ok(None);
    };
    let sha256 = HexBytes(sum.finish().as_ref().to_vec());
    Ok(Some(ArrivedBody { length, sha256, framing: framing.to_owned(), trailers }))
}

fn answer(
    busy: &Busy,
    parts: request::Parts,
    headers: Option<Vec<ArrivedHeader>>,
    challenge: HexBytes,
    now: Duration,
) -> Result<Answer, Problem> {
    let session = busy.session();
    let time = i64::try_from(now.as_millis()).ok().and_then(Timestamp::from_unix_milliseconds);
    Ok(Answer {
        v: Answer::VERSION,
        challenge,
        time: time.ok_or(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this server's clock is wrong"))?,
        transport: session.transport,
        client: session.client,
        client_hello: session.client_hello.clone(),
        tls_version: session.tls_version,
        cipher_suite: session.cipher_suite,
        alpn: session.alpn.clone(),
        exporter: session.exporter.clone(),
        http_version: version(parts.version).to_owned(),
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        headers: headers.unwrap_or_else(|| pairs(&parts.headers)),
        body: None,
        response_headers: Vec::new(),
        syn: session.syn.clone(),
        asked_by: Vec::new(),
        dns_zone: None,
        media_port: None,
        place: None,
    })
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_long_enough_and_not_too_long() {
        for (length, accepted) in [(0, false), (30, false), (32, true), (33, false), (128, true), (130, false)] {
            let query = format!("challenge={}", "a".repeat(length));
            assert_eq!(challenge(&query).is_ok(), accepted, "{length}");
        }
        assert!(challenge(&format!("challenge={}", "g".repeat(32))).is_err());
        assert!(challenge("").is_err());
    }
}
