//! Which path is answered by what, and what every response carries.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{ALT_SVC, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, SERVER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use model::ArrivedHeader;

use crate::lifecycle::Tasks;
use crate::session::{Busy, Session};
use crate::tcp::Heads;

use super::body::{Content, ReplyBody};
use super::problem::Problem;
use super::reflect::{Shape, reflect};
use super::{HEADERS, Site, bytes, call, content, events, fidelity, websocket};

const ABOUT: &str = "truepath reflector: tells a client what arrived, so that it can be held against what was sent.\n";

/// One request of an HTTP/1.1 or HTTP/2 connection. `heads` is there for HTTP/1.1.
pub(crate) async fn serve_request(
    site: Arc<Site>,
    session: Arc<Session>,
    heads: Option<Heads>,
    tasks: Tasks,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let busy = session.begin(&site.limits);
    // Whatever was kept is held against what HTTP made of it, and left if the two do not agree.
    let headers = heads.as_ref().and_then(Heads::take).filter(|headers| headers.len() == request.headers().len());

    if request.uri().path() == "/v1/websocket" {
        let opened = websocket::open(&site, &busy, &tasks, request);
        if let (Ok(_), Some(heads)) = (&opened, &heads) {
            heads.stop();
        }
        let response = opened.map(|response| response.map(|()| Content::Whole(None)));
        let response = response.unwrap_or_else(Problem::into_response);
        return Ok(finish(&site, busy, response));
    }

    Ok(respond(&site, busy, headers, request).await)
}

/// One request of any HTTP version, but not for a WebSocket.
pub(crate) async fn respond<B: Body>(
    site: &Site,
    busy: Busy,
    headers: Option<Vec<ArrivedHeader>>,
    request: Request<B>,
) -> Response<ReplyBody> {
    // hyper leaves the content out over HTTP/1.1 alone, and clients of HTTP/2 take it for an error (RFC 9113 section 8.1.1).
    let is_head = request.method() == Method::HEAD && request.version() == Version::HTTP_2;
    let mut response = answer(site, &busy, headers, request).await.unwrap_or_else(Problem::into_response);
    if is_head {
        leave_content_out(&mut response);
    }
    finish(site, busy, response)
}

/// The head of a response, with the length that its content would have.
fn leave_content_out(response: &mut Response<Content>) {
    let length = response.body().length();
    *response.body_mut() = Content::Whole(None);
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

async fn answer<B: Body>(
    site: &Site,
    busy: &Busy,
    headers: Option<Vec<ArrivedHeader>>,
    request: Request<B>,
) -> Result<Response<Content>, Problem> {
    if request.headers().len() > HEADERS {
        return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "there are more than 100 headers"));
    }
    let query = request.uri().query().unwrap_or_default();
    match (request.uri().path(), request.method()) {
        ("/", &Method::GET | &Method::HEAD) => Ok(text(StatusCode::OK, ABOUT)),
        ("/v1/reflect", _) => reflect(site, busy, headers, request, Shape::Plain).await,
        ("/v1/fidelity/headers", _) => reflect(site, busy, headers, request, Shape::Headers).await,
        ("/v1/fidelity/chunked", _) => reflect(site, busy, headers, request, Shape::Pieces).await,
        ("/v1/fidelity/trailers", _) => reflect(site, busy, headers, request, Shape::Trailers).await,
        (path, method) if path.starts_with("/v1/fidelity/") => fidelity::answer(path, method, request.headers(), query),
        (path, method) if path.starts_with("/v1/content/") => content::answer(path, method, query),
        ("/v1/bytes", method @ (&Method::GET | &Method::HEAD)) => {
            bytes::bytes(site, busy, method, query, request.headers())
        }
        ("/v1/stream", &Method::GET) => events::events(site, busy, query),
        ("/v1/call", &Method::GET) => call::call(site, busy, query),
        ("/" | "/v1/bytes", _) => Err(Problem::method_not_allowed("GET, HEAD")),
        ("/v1/stream" | "/v1/call", _) => Err(Problem::method_not_allowed("GET")),
        ("/v1/websocket", _) => {
            Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "WebSockets are served over HTTP/1.1 and HTTP/2"))
        }
        _ => Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing here")),
    }
}

pub(super) fn text(status: StatusCode, text: impl Into<::bytes::Bytes>) -> Response<Content> {
    let mut response = Response::new(Content::Whole(Some(text.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// What every response carries.
fn finish(site: &Site, busy: Busy, mut response: Response<Content>) -> Response<ReplyBody> {
    // What tells its own headers has them already.
    if response.extensions().get::<Told>().is_none() {
        dress(site, &busy, response.headers_mut());
    }
    response.map(|content| ReplyBody::new(content, busy))
}

/// Marks a response whose headers are complete.
#[derive(Clone, Copy)]
pub(super) struct Told;

/// The headers that every response carries.
pub(super) fn dress(site: &Site, busy: &Busy, headers: &mut HeaderMap) {
    headers.insert(SERVER, HeaderValue::from_static(concat!("truepath/", env!("CARGO_PKG_VERSION"))));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(alternative) = &busy.session().alternative {
        headers.insert(ALT_SVC, alternative.clone());
    }
    for (name, value) in &site.extra_headers {
        headers.append(name.clone(), value.clone());
    }
}
