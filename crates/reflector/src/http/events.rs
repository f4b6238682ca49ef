//! `/v1/stream?events=N&gap_ms=M`: server-sent events (WHATWG HTML section 9.2) at a pace that the client knows.
//!
//! Each event says when it was sent, so that a client can tell an event that was held back from one that was late.
//! `X-Accel-Buffering: no` is left out on purpose: it would tell some proxies not to hold back this very stream, and so
//! hide the fault that the stream is there to find.

use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use model::Milliseconds;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::session::Busy;

use super::Site;
use super::body::Content;
use super::problem::Problem;
use super::query::number;

const DEFAULT_EVENTS: u64 = 6;
const DEFAULT_GAP_MS: u64 = 400;
const MAX_EVENTS: u64 = 1000;
const MAX_GAP_MS: u64 = 60_000;
pub(crate) const MAX_GAP: Duration = Duration::from_millis(MAX_GAP_MS);

pub(super) fn events(site: &Site, busy: &Busy, query: &str) -> Result<Response<Content>, Problem> {
    let text = "events: a number up to 1000 is needed";
    let count = number(query, "events", DEFAULT_EVENTS, MAX_EVENTS, text)?;
    let text = "gap_ms: a number of milliseconds up to 60000 is needed";
    let gap_ms = number(query, "gap_ms", DEFAULT_GAP_MS, MAX_GAP_MS, text)?;
    if Duration::from_millis(gap_ms.saturating_mul(count)) > site.limits.life {
        return Err(Problem::bad_request("so many events with such a gap take longer than a connection may last"));
    }
    let pass = site.transfers.enter(busy.session().client.ip())?;
    let mut response = Response::new(Content::Events(Events::new(count, Duration::from_millis(gap_ms)), pass));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    Ok(response)
}

/// Events that are due at fixed times after the first, so that a late one does not delay those that follow.
#[derive(Debug)]
pub(super) struct Events {
    sent: u64,
    count: u64,
    gap: Duration,
    started: Instant,
    due: Pin<Box<Sleep>>,
}

impl Events {
    fn new(count: u64, gap: Duration) -> Self {
        let started = Instant::now();
        Self { sent: 0, count, gap, started, due: Box::pin(sleep_until(started)) }
    }

    pub(super) fn is_over(&self) -> bool {
        self.sent >= self.count
    }

    /// One event at a time. HTTP flushes what it has whenever this is pending.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.is_over() {
            return Poll::Ready(None);
        }
        ready!(self.due.as_mut().poll(cx));
        self.sent += 1;
        let due = self.due.deadline() + self.gap;
        self.due.as_mut().reset(due);
        let Milliseconds(sent_ms) = self.started.elapsed().into();
        let mut event = String::new();
        // Writing to a string does not fail.
        let _ = write!(event, "data: {{\"n\":{},\"sent_ms\":{sent_ms}}}\n\n", self.sent);
        Poll::Ready(Some(event.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn events_come_one_by_one_at_their_times() {
        let started = Instant::now();
        let mut events = Events::new(3, Duration::from_millis(400));
        for n in 1..=3 {
            let event = poll_fn(|cx| events.poll_next(cx)).await.unwrap();
            let passed = started.elapsed().as_millis();
            assert!((400 * (n - 1)..400 * (n - 1) + 5).contains(&passed), "{n}: {passed}");
            let text = std::str::from_utf8(&event).unwrap();
            let json = text.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(value["n"], serde_json::json!(n));
            assert!(value["sent_ms"].is_number());
        }
        assert_eq!(poll_fn(|cx| events.poll_next(cx)).await, None);
    }
}
