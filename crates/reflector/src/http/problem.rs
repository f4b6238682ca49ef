//! Why a request is not answered as it was meant, in one line of text.

use http::header::{ALLOW, CONNECTION, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::admission::Refusal;

use super::body::Content;
use super::route::text;

#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    text: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, text: &'static str) -> Self {
        Self { status, text, headers: Vec::new() }
    }

    pub(super) fn bad_request(text: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub(super) fn method_not_allowed(allowed: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this method is not for this path").with(ALLOW, allowed)
    }

    /// RFC 6455 section 4.4 and RFC 9110 section 15.5.22.
    pub(super) fn upgrade_required(text: &'static str) -> Self {
        Self::new(StatusCode::UPGRADE_REQUIRED, text)
            .with(UPGRADE, "websocket")
            .with(CONNECTION, "Upgrade")
            .with(SEC_WEBSOCKET_VERSION, "13")
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    pub(super) fn into_response(self) -> Response<Content> {
        let mut response = text(self.status, format!("{}\n", self.text));
        response.headers_mut().extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = match refusal {
            Refusal::Total => Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many transfers at a time"),
            Refusal::Client => Self::new(StatusCode::TOO_MANY_REQUESTS, "too many transfers of one client at a time"),
        };
        problem.with(RETRY_AFTER, "10")
    }
}
