//! `fidelity`: whether methods, headers, cookies, ranges and bodies arrive as they were sent.
//!
//! [`reflected`] has the tests whose far end tells what arrived, [`known`] those whose response is known beforehand, [`compare`]
//! holds the two ends against each other, and [`mod@line`] is the connections they run over.

mod compare;
mod known;
mod line;
mod reflected;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use model::{
    Attempt, Difference, DifferenceKind, Failure, FailureKind, Fidelity, FidelityTest, HexBytes, Operation, Way,
};

use crate::check::{Check, Scope, no_wait};
use crate::exact::{Http2, Reconnecting, Response};
use crate::failure::Stopwatch;
use crate::host::{Host, Wanted};
use crate::http_client::{ALPN, authority};
use crate::tls::Hello;

use line::{Ended, Line, Link, SILENCES};

pub(crate) const CHECK: Check = Check {
    name: "fidelity",
    title: "whether methods, headers, cookies, ranges and bodies arrive as they were sent",
    page: "\
Sends requests of every kind to the reflector, over HTTP/1.1 and over HTTP/2, inside TLS. The reflector tells in a signed
answer what arrived and with which headers it answers; other responses are known beforehand octet for octet. What differs is
recorded, there and back: added, removed, changed, re-ordered, re-cased, recompressed, cached, looped, translated, refused.

Tests: methods (PUT, PATCH, DELETE, OPTIONS, PROPFIND, REPORT, an unknown one); header names, values, order and case; cookies
both ways; a path with everything that a URL may have; 256 KiB up and down; a body in chunks, trailers, 100-continue;
ranges; compression that nobody asked for or that is taken away; answers that come back old; a sign-in that loops because
its cookie is lost. A difference that the test `headers` shows already is not told again by the others.

Shows caches, WAN accelerators, gateways and scanners that write HTTP anew: lost sign-ins, documents that open slowly or not
at all, uploads that fail. Limits: only what this path does to the reflector; a header that the reflector's own front end
adds looks like one of the path. Cost: six connections over HTTP/1.1, as browsers open them, and one over HTTP/2.",
    round_trips: 10,
    waits: no_wait,
    needs_reflector: true,
    octets: |_| 1_350_000,
    scope: Scope::Reflector,
    by_default: true,
};

/// Connections over HTTP/1.1 at one time: as many as browsers open to one host.
const LINES: usize = 6;
/// Its differences are those of every request.
const PLAIN: &str = "headers";

#[derive(Clone, Copy)]
enum Test {
    Reflected(&'static reflected::Reflected),
    Known(&'static known::Known),
}

impl Test {
    /// The longest chains first, so that they do not begin when the others have ended.
    fn all() -> VecDeque<(usize, Self)> {
        let (long, short) = reflected::TESTS.split_at(reflected::TESTS.len().min(2));
        let known = known::TESTS.iter().map(Self::Known);
        let tests = long.iter().map(Self::Reflected).chain(known).chain(short.iter().map(Self::Reflected));
        tests.enumerate().collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Reflected(test) => test.name,
            Self::Known(test) => test.name,
        }
    }

    async fn run(self, line: &mut Line<'_>) -> FidelityTest {
        let watch = Stopwatch::start();
        let result = match self {
            _ if line.silences.load(Ordering::Relaxed) >= SILENCES => {
                Err(Attempt::not_tried("requests before this one were not answered"))
            }
            Self::Reflected(test) => Box::pin(reflected::run(test, line)).await,
            Self::Known(test) => Box::pin(known::run(test, line)).await.map(|differences| (differences, None)),
        };
        let (outcome, signature_valid) = match result {
            Ok((differences, valid)) => (Attempt::Seen(differences), valid),
            Err(ended) => (ended, None),
        };
        let (name, took_ms) = (self.name().to_owned(), watch.elapsed().into());
        FidelityTest { name, connection: line.connection, took_ms, signature_valid, outcome }
    }
}

pub(crate) async fn run(host: &Host, key: &HexBytes) -> Attempt<Fidelity> {
    let (http1, http2) = tokio::join!(Box::pin(over_http1(host, key)), Box::pin(over_http2(host, key)));
    Attempt::Seen(Fidelity { http1, http2 })
}

async fn over_http1(host: &Host, key: &HexBytes) -> Attempt<Vec<FidelityTest>> {
    let mut links: Vec<_> = (0..LINES).map(|_| Reconnecting::new(CHECK.name, "http/1.1", &["http/1.1"])).collect();
    let opened = join_all(links.iter_mut().map(|link| Box::pin(link.open(host)))).await;
    if opened.iter().all(Result::is_err) {
        let failure = opened.into_iter().find_map(Result::err);
        return failure.map_or_else(|| Attempt::not_tried("no connection was tried"), Attempt::Failed);
    }
    let waiting = Mutex::new(Test::all());
    let silences = AtomicU32::new(0);
    let lines = links.into_iter().map(|link| async {
        let connection = link.connection.unwrap_or_default();
        let mut line = Line { host, key, connection, silences: &silences, link: Link::Http1(link) };
        let mut done = Vec::new();
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((place, test)) = next else { return done };
            done.push((place, test.run(&mut line).await));
        }
    });
    Attempt::Seen(sorted(join_all(lines).await.into_iter().flatten().collect()))
}

async fn over_http2(host: &Host, key: &HexBytes) -> Attempt<Vec<FidelityTest>> {
    let client = match open_http2(host).await {
        Ok(Some(client)) => client,
        Ok(None) => return Attempt::not_applicable("HTTP/2 was offered and not chosen"),
        Err(failure) => return Attempt::Failed(failure),
    };
    let silences = AtomicU32::new(0);
    let tests = Test::all().into_iter().map(|(place, test)| {
        let mut line = Line::over_http2(host, key, &silences, &client);
        async move { (place, test, test.run(&mut line).await) }
    });
    let (lost, done): (Vec<_>, Vec<_>) = join_all(tests).await.into_iter().partition(|(_, _, done)| is_lost(done));
    // Some devices end the whole connection for the sake of one request. Which one it was is seen where each has its own.
    let alone = lost.len() > 1;
    let again = lost.into_iter().map(|(place, test, lost)| {
        let silences = &silences;
        async move {
            match if alone { open_http2(host).await } else { Ok(None) } {
                Ok(Some(client)) => {
                    let mut line = Line::over_http2(host, key, silences, &client);
                    (place, test.run(&mut line).await)
                }
                Ok(None) | Err(_) => (place, lost),
            }
        }
    });
    let again: Vec<_> = stream::iter(again).buffer_unordered(LINES).collect().await;
    Attempt::Seen(sorted(done.into_iter().map(|(place, _, done)| (place, done)).chain(again).collect()))
}

/// `None` where ALPN chose another version.
async fn open_http2(host: &Host) -> Result<Option<Http2>, Failure> {
    let wanted =
        Wanted { check: CHECK.name, purpose: "http/2", hello: Hello::Hybrid, alpn: ALPN, sni: true, prepared: None };
    let opened = host.open(wanted).await?;
    if opened.session.alpn.as_deref() != Some("h2") {
        return Ok(None);
    }
    Http2::start(opened, authority(&host.target), host.settings().timeout).await.map(Some)
}

/// It had no answer because its connection ended.
fn is_lost(test: &FidelityTest) -> bool {
    test.outcome
        .failure()
        .is_some_and(|failure| matches!(failure.kind, FailureKind::Closed | FailureKind::Reset | FailureKind::Protocol))
}

fn sorted(mut done: Vec<(usize, FidelityTest)>) -> Vec<FidelityTest> {
    done.sort_by_key(|(place, _)| *place);
    let mut tests: Vec<_> = done.into_iter().map(|(_, test)| test).collect();
    say_once(&mut tests);
    tests
}

/// What befalls every request is told by the plain one.
fn say_once(tests: &mut [FidelityTest]) {
    let plain = tests.iter().find(|test| test.name == PLAIN).and_then(|test| test.outcome.seen()).cloned();
    let plain = plain.unwrap_or_default();
    let known = |difference: &Difference| {
        plain.iter().any(|plain| {
            // Another list of headers is in another order in other words.
            let values = plain.sent == difference.sent && plain.arrived == difference.arrived;
            let same = values || difference.kind == DifferenceKind::Reordered || difference.sent.is_none();
            same && (plain.way, plain.kind, &plain.what) == (difference.way, difference.kind, &difference.what)
        })
    };
    for test in tests.iter_mut().filter(|test| test.name != PLAIN) {
        if let Attempt::Seen(differences) = &mut test.outcome {
            differences.retain(|difference| !known(difference));
        }
    }
}

/// An answer that is not the far end's, and how it reads. What the reflector itself says is no difference: that it has no room,
/// or does not know the endpoint.
fn refusal(response: &Response, due: &str) -> Result<Difference, Ended> {
    let own = response.value("server").is_some_and(|server| server.starts_with("truepath/"));
    match response.status {
        404 | 405 if own => return Err(Attempt::not_applicable("this reflector does not have the test's endpoint")),
        429 | 503 if own => {
            return Err(Attempt::Failed(Failure {
                operation: Operation::Request,
                kind: FailureKind::Status(response.status),
                detail: "the reflector has no room for it now".to_owned(),
                after_ms: response.took_ms,
            }));
        }
        _ => {}
    }
    let server = response.value("server").map_or_else(String::new, |server| format!(", Server: {server}"));
    let text = response
        .text(160)
        .map_or_else(String::new, |text| format!(": {}", text.split_whitespace().collect::<Vec<_>>().join(" ")));
    let arrived = format!("{}{server}{text}", response.status);
    Ok(compare::difference(Way::Response, DifferenceKind::Refused, "status", Some(due), Some(&arrived)))
}
