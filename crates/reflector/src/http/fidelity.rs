//! `/v1/fidelity/...`: responses that a client knows beforehand, so that it can tell what became of them.
//!
//! | path | answer |
//! |---|---|
//! | `page?coding=C&transform=T` | the page of [`wire::http::specimen`], as it is or in the content coding `gzip`; with `transform=no` the response forbids to alter it (RFC 9111 section 5.2.2.6) |
//! | `nonce?store=S` | 32 hex digits that no response had before; with `store=yes` a cache may keep it, else not |
//! | `app?id=HEX`, `login?id=HEX` | a sign-in: `app` sends who comes without the cookie to `login`, which sets it and sends them back |
//!
//! `headers`, `chunked` and `trailers` are [reflections](super::reflect) in other shapes. Nothing is kept between requests.

use aws_lc_rs::rand;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, ETAG, LAST_MODIFIED, LOCATION, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use wire::http::specimen;

use super::body::Content;
use super::problem::Problem;
use super::query::parameter;
use super::route::text;

pub(super) fn answer(
    path: &str,
    method: &Method,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response<Content>, Problem> {
    let endpoint = match path.strip_prefix("/v1/fidelity/") {
        Some("page") => page,
        Some("nonce") => nonce,
        Some("app") => app,
        Some("login") => login,
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing here")),
    };
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    endpoint(headers, query)
}

fn page(_: &HeaderMap, query: &str) -> Result<Response<Content>, Problem> {
    let gzip = match parameter(query, "coding") {
        None | Some("identity") => false,
        Some("gzip") => true,
        Some(_) => return Err(Problem::bad_request("coding: identity or gzip is needed")),
    };
    let octets = if gzip { specimen::PAGE_GZIP } else { specimen::PAGE.as_bytes() };
    let mut response = text(StatusCode::OK, octets);
    set(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut response, VARY, "Accept-Encoding");
    set(&mut response, ETAG, if gzip { "\"page-gzip\"" } else { "\"page\"" });
    if gzip {
        set(&mut response, CONTENT_ENCODING, "gzip");
    }
    // Without `no-store`, which would tell some devices to let go of it.
    let transform = parameter(query, "transform") != Some("no");
    set(&mut response, CACHE_CONTROL, if transform { "private, no-cache" } else { "private, no-cache, no-transform" });
    Ok(response)
}

fn nonce(_: &HeaderMap, query: &str) -> Result<Response<Content>, Problem> {
    let mut nonce = [0; 16];
    rand::fill(&mut nonce)
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the system gives no random octets"))?;
    let mut response = text(StatusCode::OK, hex::encode(nonce));
    if parameter(query, "store") == Some("yes") {
        set(&mut response, CACHE_CONTROL, "public, max-age=600");
        set(&mut response, LAST_MODIFIED, "Thu, 01 Jan 2026 00:00:00 GMT");
    }
    Ok(response)
}

const SESSION: &str = "truepath-session";

fn app(headers: &HeaderMap, query: &str) -> Result<Response<Content>, Problem> {
    let id = id(query)?;
    let cookie = format!("{SESSION}={id}");
    let mut cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
    if cookies.any(|pair| pair.trim() == cookie) {
        return Ok(text(StatusCode::OK, "signed in\n"));
    }
    redirect(&format!("/v1/fidelity/login?id={id}"), None)
}

fn login(_: &HeaderMap, query: &str) -> Result<Response<Content>, Problem> {
    let id = id(query)?;
    let cookie = format!("{SESSION}={id}; Path=/v1/fidelity; Secure; HttpOnly; SameSite=Lax");
    redirect(&format!("/v1/fidelity/app?id={id}"), Some(&cookie))
}

fn redirect(location: &str, cookie: Option<&str>) -> Result<Response<Content>, Problem> {
    let mut response = text(StatusCode::FOUND, "");
    for (name, value) in [(LOCATION, Some(location)), (SET_COOKIE, cookie)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// What tells one sign-in from another; it comes back in a header, so it is held to hex digits.
fn id(query: &str) -> Result<&str, Problem> {
    parameter(query, "id")
        .filter(|id| (16..=64).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_hexdigit()))
        .ok_or(Problem::bad_request("id: 16 to 64 hexadecimal digits are needed"))
}

fn set(response: &mut Response<Content>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
