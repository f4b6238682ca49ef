//! `stream`: whether events arrive as they are sent.

use std::time::Duration;

use model::{Attempt, FailureKind, Milliseconds, Operation, Promises, Stream};

use crate::check::{Check, Scope};
use crate::failure::Stopwatch;
use crate::host::{Host, Wanted};
use crate::http_client::{ALPN, Client};
use crate::tls::Hello;

pub(crate) const CHECK: Check = Check {
    name: "stream",
    title: "a server-sent event stream: time to the first event, and the gaps",
    page: "\
Asks for an event stream (WHATWG HTML, server-sent events) whose far end sends a known number of events at a known pace,
and records when each one arrives.

Shows a device that holds a response back until it is complete: all events then come at once, at the end. That is what
makes an answer of Copilot appear after a long silence instead of word by word. Needs a host that promises a stream: the
reflector, or a service of your own.",
    round_trips: 3,
    waits: |promises: &Promises| {
        promises.stream.as_ref().map_or(Duration::ZERO, |stream| {
            Duration::from_secs_f64(stream.gap_ms.0.max(0.0) / 1e3).saturating_mul(stream.events.saturating_sub(1))
        })
    },
    needs_reflector: false,
    octets: |promises| if promises.stream.is_some() { 10_000 } else { 0 },
    scope: Scope::Host,
    by_default: true,
};

/// Octets read of a stream; events are small.
const STREAM_LIMIT: usize = 1024 * 1024;

pub(crate) async fn run(host: &Host) -> Attempt<Stream> {
    let Some(promise) = &host.target.promises.stream else {
        return Attempt::not_applicable("the profile knows no event stream that answers without a sign-in");
    };
    let timeout = host.settings().timeout;
    let wanted =
        Wanted { check: CHECK.name, purpose: "stream", hello: Hello::Hybrid, alpn: ALPN, sni: true, prepared: None };
    let opened = match host.open(wanted).await {
        Ok(opened) => opened,
        Err(not_opened) => return Attempt::Failed(not_opened.failure),
    };
    let stream = async {
        let mut client = Client::start(opened, timeout).await?;
        let asked = Stopwatch::start();
        let whole = (CHECK.waits)(&host.target.promises);
        // A device that holds the stream back holds its head back too, until the far end is done.
        let response = client.get(&host.target, &promise.path, "text/event-stream", timeout + whole).await?;
        let (exchange, mut body) = response.split(client.connection, &promise.path);
        let mut events = Events::default();
        let mut event_ms: Vec<Milliseconds> = Vec::new();
        let mut read = 0;
        let mut complete = false;
        let reading = async {
            while let Some(chunk) = body.chunk(asked).await {
                let chunk = chunk?;
                read += chunk.len();
                for _ in 0..events.push(&chunk) {
                    event_ms.push(asked.elapsed().into());
                }
                if read > STREAM_LIMIT || event_ms.len() > promise.events as usize {
                    let detail = "the stream is longer than was asked for";
                    return Err(asked.failure(Operation::Body, FailureKind::TooLarge, detail));
                }
            }
            complete = true;
            Ok(())
        };
        let limit = (whole + timeout).saturating_sub(asked.elapsed());
        let ended = crate::failure::within(limit, asked, Operation::Body, reading).await;
        let broke = match ended {
            Err(failure) if event_ms.is_empty() => return Err(failure),
            ended => ended.err(),
        };
        let complete = complete && event_ms.len() == promise.events as usize;
        let (promised_events, promised_gap_ms) = (promise.events, promise.gap_ms);
        Ok(Stream { exchange, event_ms, promised_events, promised_gap_ms, complete, broke })
    };
    stream.await.into()
}

/// Counts the events of a stream: blocks that hold a `data` line and end with an empty one.
#[derive(Debug, Default)]
struct Events {
    line: Vec<u8>,
    has_data: bool,
}

impl Events {
    fn push(&mut self, chunk: &[u8]) -> usize {
        let mut events = 0;
        for octet in chunk {
            match octet {
                b'\n' => {
                    if self.line.is_empty() {
                        events += usize::from(std::mem::take(&mut self.has_data));
                    }
                    self.has_data |= self.line.starts_with(b"data");
                    self.line.clear();
                }
                b'\r' => {}
                // Only the field's name matters.
                _ if self.line.len() < 8 => self.line.push(*octet),
                _ => {}
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::Events;

    #[test]
    fn events_are_counted_however_they_are_cut() {
        let text =
            b": hello\n\nid: 1\ndata: {\"n\":0}\n\ndata: a\r\ndata: b\r\n\r\nevent: x\n\ndata: c\n\ndata: unfinished";
        assert_eq!(Events::default().push(text), 3);
        let mut events = Events::default();
        assert_eq!(text.iter().map(|octet| events.push(&[*octet])).sum::<usize>(), 3);
    }
}
