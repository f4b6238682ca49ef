//! `/v1/reflect?challenge=HEX`: what arrived on this connection, signed.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use bytes::Buf;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode, Version, request};
use http_body_util::BodyExt;
use hyper::body::Body;
use model::{Answer, ArrivedHeader, HexBytes, Timestamp};
use tokio::time::timeout;

use crate::session::Busy;
use crate::{Limits, SigningKey};

use super::Site;
use super::body::Content;
use super::problem::Problem;
use super::query::parameter;

/// `headers` are those of an HTTP/1.1 head as they were spelled, where they are known.
pub(super) async fn reflect<B: Body>(
    site: &Site,
    busy: &Busy,
    headers: Option<Vec<ArrivedHeader>>,
    request: Request<B>,
) -> Result<Response<Content>, Problem> {
    let (parts, body) = request.into_parts();
    let challenge = challenge(parts.uri.query().unwrap_or_default())?;
    // What was uploaded is not kept, but an answer before its end would leave the rest of it unread.
    discard(body, busy, &site.limits).await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    seal(&site.signing_key, &answer(busy, parts, headers, challenge, now)?)
}

/// 16 to 64 octets.
fn challenge(query: &str) -> Result<HexBytes, Problem> {
    parameter(query, "challenge")
        .filter(|digits| (32..=128).contains(&digits.len()))
        .and_then(|digits| hex::decode(digits).ok())
        .map(HexBytes)
        .ok_or(Problem::bad_request("challenge: 32 to 128 hexadecimal digits are needed"))
}

async fn discard<B: Body>(body: B, busy: &Busy, limits: &Limits) -> Result<(), Problem> {
    let mut body = pin!(body);
    let mut length = 0_u64;
    loop {
        let frame = match timeout(limits.stall, body.frame()).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Problem::bad_request("the body broke off")),
            Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come to its end")),
        };
        busy.touch();
        let octets = frame.data_ref().map_or(0, Buf::remaining);
        length = length.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
        if length > limits.body {
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than this server takes"));
        }
    }
}

fn answer(
    busy: &Busy,
    parts: request::Parts,
    headers: Option<Vec<ArrivedHeader>>,
    challenge: HexBytes,
    now: Duration,
) -> Result<Answer, Problem> {
    let session = busy.session();
    let from_map = || {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        parts.headers.iter().map(|(name, value)| ArrivedHeader(name.as_str().to_owned(), text(value))).collect()
    };
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
        headers: headers.unwrap_or_else(from_map),
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

fn seal(key: &SigningKey, answer: &Answer) -> Result<Response<Content>, Problem> {
    let sealed = key.seal(answer).and_then(|sealed| serde_json::to_vec(&sealed));
    let json = sealed.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"))?;
    let mut response = Response::new(Content::Whole(Some(json.into())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
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
