//! Which path is answered by what, and what every response carries.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{ALT_SVC, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, SERVER};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use model::ArrivedHeader;

use crate::lifecycle::Tasks;
use crate::session::{Busy, Session};
use crate::tcp::Heads;

use super::body::{Content, ReplyBody};
use super::problem::Problem;
use super::reflect::reflect;
use super::{HEADERS, Site, bytes, events, websocket};

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
    let version = request.version();
    let has_body = !request.body().is_end_stream();

    if request.uri().path() == "/v1/websocket" {
        let opened = websocket::open(&site, &busy, &tasks, request);
        if let (Ok(_), Some(heads)) = (&opened, &heads) {
            heads.stop();
        }
        let response = opened.map(|response| response.map(|()| Content::Whole(None)));
        let response = response.unwrap_or_else(Problem::into_response);
        return Ok(finish(&site, busy, response));
    }

    let mut response = respond(&site, busy, headers, request).await;
    if has_body && let Some(heads) = heads {
        // After a body it is not known where the next head begins, so that one comes on a connection of its own.
        heads.stop();
        if version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    Ok(response)
}

/// One request of any HTTP version, but not for a WebSocket.
pub(crate) async fn respond<B: Body>(
    site: &Site,
    busy: Busy,
    headers: Option<Vec<ArrivedHeader>>,
    request: Request<B>,
) -> Response<ReplyBody> {
    let response = answer(site, &busy, headers, request).await.unwrap_or_else(Problem::into_response);
    finish(site, busy, response)
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
        ("/v1/reflect", &Method::GET | &Method::POST) => reflect(site, busy, headers, request).await,
        ("/v1/bytes", &Method::GET | &Method::HEAD) => bytes::bytes(site, busy, query),
        ("/v1/stream", &Method::GET) => events::events(site, busy, query),
        ("/" | "/v1/bytes", _) => Err(Problem::method_not_allowed("GET, HEAD")),
        ("/v1/reflect", _) => Err(Problem::method_not_allowed("GET, POST")),
        ("/v1/stream", _) => Err(Problem::method_not_allowed("GET")),
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
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static(concat!("truepath/", env!("CARGO_PKG_VERSION"))));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(alternative) = &busy.session().alternative {
        headers.insert(ALT_SVC, alternative.clone());
    }
    headers.extend(site.extra_headers.iter().cloned());
    response.map(|content| ReplyBody::new(content, busy))
}
