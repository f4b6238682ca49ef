//! The connections that the tests of one HTTP version run over: several one after the other over HTTP/1.1, where a device may
//! close one at any time; all of them at once over HTTP/2.

use std::sync::atomic::{AtomicU32, Ordering};

use model::{Attempt, Difference, Failure, FailureKind, HexBytes};

use crate::exact::{Http2, Reconnecting, Request, Response};
use crate::failure::Stopwatch;
use crate::host::Host;
use crate::http_client::authority;
use crate::reflect::Question;

/// After so many requests without any answer the others are left out: each would take as long, and say as much.
pub(super) const SILENCES: u32 = 3;

/// Where a test sends its requests.
pub(super) struct Line<'a> {
    pub(super) host: &'a Host,
    pub(super) key: &'a HexBytes,
    /// The connection that was used last.
    pub(super) connection: usize,
    pub(super) silences: &'a AtomicU32,
    pub(super) link: Link<'a>,
}

pub(super) enum Link<'a> {
    Http1(Reconnecting),
    Http2(&'a Http2),
}

/// Why a test has no differences to tell, and no word on whether there are some.
pub(super) type Ended = Attempt<Vec<Difference>>;

impl<'a> Line<'a> {
    pub(super) fn over_http2(host: &'a Host, key: &'a HexBytes, silences: &'a AtomicU32, client: &'a Http2) -> Self {
        Line { host, key, connection: client.connection, silences, link: Link::Http2(client) }
    }

    pub(super) fn version(&self) -> &'static str {
        if self.is_http2() { "2" } else { "1.1" }
    }

    pub(super) fn is_http2(&self) -> bool {
        matches!(self.link, Link::Http2(_))
    }

    pub(super) fn authority(&self) -> String {
        authority(&self.host.target)
    }

    /// `answer` is how many octets of body are due.
    pub(super) async fn exchange(&mut self, request: &Request, answer: u64) -> Result<Response, Ended> {
        let result = self.try_exchange(request, answer).await;
        if result.as_ref().is_err_and(|failure| failure.kind == FailureKind::Timeout) {
            self.silences.fetch_add(1, Ordering::Relaxed);
        }
        match result.map_err(Attempt::Failed)? {
            // A refusal is one although its page was cut short; anything else has to be whole.
            Response { broke: Some(failure), status: ..400, .. } => Err(Attempt::Failed(failure)),
            response => Ok(response),
        }
    }

    async fn try_exchange(&mut self, request: &Request, answer: u64) -> Result<Response, Failure> {
        match &mut self.link {
            Link::Http2(client) => {
                self.connection = client.connection;
                let limit = request.limit(self.host.settings().timeout, answer);
                client.exchange(request, limit, Stopwatch::start()).await
            }
            Link::Http1(connections) => {
                let result = connections.exchange(self.host, request, answer).await;
                self.connection = connections.connection.unwrap_or(self.connection);
                result
            }
        }
    }

    pub(super) fn question(&self) -> Result<Question, Ended> {
        Question::new(Stopwatch::start()).map_err(Attempt::Failed)
    }
}
