//! `/v1/call`: grants a call on the UDP port for media, and tells what arrived of it.
//!
//! `?challenge=HEX` alone tells the port and the terms. With `&duration_ms=N` a call is granted as well; with `&token=HEX`,
//! which that answer had, it tells what has arrived so far. All three are signed, each over octets that name its kind.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use model::{CallReport, CallTerms, GrantedCall, HexBytes, Milliseconds, SealedAnswer};
use serde_json::Error;
use tokio::time::Instant;
use wire::call::{PACKET, Token};

use crate::media::{INTERVAL, Media, NotGranted};
use crate::session::Busy;

use super::Site;
use super::body::Content;
use super::problem::Problem;
use super::query::{number, parameter};
use super::reflect::challenge;

/// A number beyond the longest call is no mistake: the terms say what was granted.
const MAX_DURATION_MS: u64 = 3_600_000;

pub(super) fn call(site: &Site, busy: &Busy, query: &str) -> Result<Response<Content>, Problem> {
    let challenge = challenge(query)?;
    let media =
        site.media.as_ref().ok_or(Problem::new(StatusCode::NOT_FOUND, "there is no UDP port for calls here"))?;
    let sealed = match parameter(query, "token") {
        Some(token) => report(site, media, challenge, token)?,
        None => terms(site, media, busy, challenge, query)?,
    };
    let json = sealed.and_then(|sealed| serde_json::to_vec(&sealed));
    let json = json.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"))?;
    let mut response = Response::new(Content::Whole(Some(json.into())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn terms(
    site: &Site,
    media: &Media,
    busy: &Busy,
    challenge: HexBytes,
    query: &str,
) -> Result<Result<SealedAnswer, Error>, Problem> {
    let granted = parameter(query, "duration_ms").is_some();
    let text = "duration_ms: a number of milliseconds up to 3600000 is needed";
    let duration_ms = number(query, "duration_ms", 0, MAX_DURATION_MS, text)?;
    let call = if granted {
        let length = std::time::Duration::from_millis(duration_ms);
        let (token, packets) = media.calls.grant(busy.session().client.ip(), length, Instant::now())?;
        Some(GrantedCall { token: HexBytes(token.to_vec()), packets })
    } else {
        None
    };
    let terms = CallTerms {
        v: CallTerms::VERSION,
        challenge,
        media_port: media.port,
        interval_ms: INTERVAL.into(),
        packet_octets: u32::try_from(PACKET).unwrap_or(u32::MAX),
        limit_ms: media.calls.limit().into(),
        call,
    };
    Ok(serde_json::to_vec(&terms).map(|json| {
        let signed = CallTerms::signed_octets(&json);
        site.signing_key.seal_text(json, &signed)
    }))
}

fn report(
    site: &Site,
    media: &Media,
    challenge: HexBytes,
    token: &str,
) -> Result<Result<SealedAnswer, Error>, Problem> {
    let token: Option<Token> = hex::decode(token).ok().and_then(|token| token.try_into().ok());
    let token = token.ok_or(Problem::bad_request("token: 32 hexadecimal digits are needed"))?;
    let arrived = media
        .calls
        .arrived(&token)
        .ok_or(Problem::new(StatusCode::NOT_FOUND, "there is no such call, or it is over"))?;
    let report = CallReport {
        v: CallReport::VERSION,
        challenge,
        token: HexBytes(token.to_vec()),
        arrived: arrived.arrived,
        duplicated: arrived.duplicated,
        reordered: arrived.reordered,
        jitter_ms: Milliseconds(arrived.jitter_ms),
        seen_as: arrived.seen_as,
    };
    Ok(serde_json::to_vec(&report).map(|json| {
        let signed = CallReport::signed_octets(&json);
        site.signing_key.seal_text(json, &signed)
    }))
}

impl From<NotGranted> for Problem {
    fn from(not: NotGranted) -> Self {
        match not {
            NotGranted::Full(refusal) => refusal.into(),
            NotGranted::NoRandomOctets => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "this machine gives no random octets")
            }
        }
    }
}
