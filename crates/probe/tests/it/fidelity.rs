//! `fidelity` and `content`: an intact path shows no difference at all, and one that alters shows just what it altered.

use std::net::SocketAddr;
use std::time::Duration;

use model::{Attempt, DifferenceKind, FidelityTest, HostRecord, Way};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::tls_peer::{Peer, dial, serve};
use crate::world::{World, check, seen, settings};

/// The reflector's record, asked by way of `port`.
async fn asked(world: &World, port: u16, checks: Vec<&'static str>) -> HostRecord {
    let mut settings = settings();
    settings.checks = checks;
    settings.reflector = Some(world.reflector.clone());
    if let Some(reflector) = &mut settings.reflector {
        reflector.port = port;
    }
    settings.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    let record = check(Vec::new(), settings).await;
    let text = serde_json::to_vec(&record).unwrap();
    assert_eq!(model::Record::from_json(&text).unwrap(), record, "a record is read back as it was written");
    seen(&record.reflector).host.clone()
}

fn clean(tests: &[FidelityTest]) {
    for test in tests {
        match &test.outcome {
            Attempt::Seen(differences) => assert_eq!(differences, &[], "{}", test.name),
            Attempt::NotApplicable(_) if test.name == "continue" => {}
            other => panic!("{}: {other:?}", test.name),
        }
        assert_ne!(test.signature_valid, Some(false), "{}", test.name);
    }
}

#[tokio::test]
async fn a_direct_path_alters_nothing() {
    let world = World::start().await;
    let host = asked(&world, world.address.port(), vec!["fidelity"]).await;
    let fidelity = seen(&host.fidelity);
    let (http1, http2) = (seen(&fidelity.http1), seen(&fidelity.http2));
    clean(http1);
    clean(http2);
    let names = |tests: &[FidelityTest]| tests.iter().map(|test| test.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(http1), names(http2));
    for tests in [http1, http2] {
        let signed = tests.iter().filter(|test| test.signature_valid == Some(true)).count();
        assert!(signed >= 17, "the far end's word is in each answer that has one: {signed}");
    }
    // Six connections were enough: bodies did not cost one, and nothing closed any.
    let over = |alpn: &str| host.of(alpn);
    assert_eq!((over("http/1.1"), over("h2")), (6, 1));
}

trait Of {
    fn of(&self, alpn: &str) -> usize;
}

impl Of for HostRecord {
    fn of(&self, alpn: &str) -> usize {
        let sessions = self.connections.iter().filter_map(|connection| connection.tls.seen());
        sessions.filter(|session| session.alpn.as_deref() == Some(alpn)).count()
    }
}

#[tokio::test]
async fn a_direct_path_scans_nothing() {
    let world = World::start().await;
    let host = asked(&world, world.address.port(), vec!["content"]).await;
    let content = seen(&host.content);
    assert_eq!(content.tests.len(), 17);
    for test in &content.tests {
        let outcome = seen(&test.outcome);
        assert!(outcome.arrived && outcome.status == 200 && outcome.text.is_none(), "{test:?}");
        assert_eq!(outcome.signature_valid, (test.way == Way::Request).then_some(true));
    }
    assert_eq!(host.connections.len(), 5);
}

/// Ends TLS and passes each message on after `alter` has had it: one request to a connection.
async fn device(to: SocketAddr, alter: fn(&mut Vec<u8>, bool)) -> u16 {
    serve(move |mut peer| async move {
        let Some(mut request) = message(&mut peer).await else { return };
        alter(&mut request, true);
        let Some(mut response) = passed_on(to, &request).await else { return };
        alter(&mut response, false);
        let _ = peer.write_all(&response).await;
        let _ = peer.shutdown().await;
    })
    .await
}

async fn passed_on(to: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let mut upstream = dial(to).await.ok()?;
    upstream.write_all(request).await.ok()?;
    message(&mut upstream).await
}

/// A head and its body of known length or in chunks.
async fn message<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        if let Some(end) = octets.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&octets[..end]).to_lowercase();
            let length: Option<usize> =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let whole = match length {
                Some(length) => octets.len() >= end + 4 + length,
                None if head.contains("transfer-encoding: chunked") => {
                    octets.ends_with(b"\r\n\r\n") && octets.len() > end + 8
                }
                None => true,
            };
            if whole {
                return Some(octets);
            }
        }
        match tokio::time::timeout(Duration::from_secs(2), stream.read(&mut piece)).await {
            Ok(Ok(length)) if length > 0 => octets.extend_from_slice(&piece[..length]),
            _ => return None,
        }
    }
}

fn replace(octets: &mut Vec<u8>, from: &str, to: &str) {
    if let Some(at) = octets.windows(from.len()).position(|window| window == from.as_bytes()) {
        octets.splice(at..at + from.len(), to.bytes());
    }
}

fn found(host: &HostRecord, name: &str) -> Vec<(Way, DifferenceKind, String)> {
    let fidelity = seen(&host.fidelity);
    assert!(matches!(fidelity.http2, Attempt::NotApplicable(_)));
    let test = seen(&fidelity.http1).iter().find(|test| test.name == name).unwrap();
    let differences = test.outcome.seen().unwrap_or_else(|| panic!("{name}: {:?}", test.outcome));
    differences.iter().map(|difference| (difference.way, difference.kind, difference.what.clone())).collect()
}

#[tokio::test]
async fn what_a_device_does_is_named() {
    let world = World::start().await;
    let port = device(world.address, |octets, is_request| {
        if is_request {
            replace(octets, "\r\nAccept: */*", "\r\nVia: 1.1 box\r\nAccept: */*");
            replace(octets, "DNT: 1\r\n", "");
            replace(octets, "PATCH ", "POST ");
            replace(octets, "Range: ", "X-Range: ");
            replace(octets, "Cookie: truepath-session", "X-Cookie: truepath-session");
            replace(octets, "TE: trailers", "TE: gzip");
        } else {
            replace(octets, "https://outlook.office.com/mail/", "https://outlook.office.com.box.example/mail/");
        }
    })
    .await;
    let host = asked(&world, port, vec!["fidelity"]).await;
    let (up, down) = (Way::Request, Way::Response);
    let named = |way: Way, kind: DifferenceKind, what: &str| (way, kind, what.to_owned());
    assert_eq!(
        found(&host, "headers"),
        [named(up, DifferenceKind::Removed, "dnt"), named(up, DifferenceKind::Added, "via"),]
    );
    assert_eq!(found(&host, "method-patch"), [named(up, DifferenceKind::Changed, "method")]);
    assert_eq!(found(&host, "method-put"), []);
    assert_eq!(found(&host, "range"), [named(down, DifferenceKind::Changed, "status")]);
    assert_eq!(found(&host, "cookie-loop"), [named(up, DifferenceKind::Looped, "cookie")]);
    assert_eq!(
        found(&host, "trailers"),
        [named(up, DifferenceKind::Changed, "te"), named(down, DifferenceKind::Removed, "trailers"),]
    );
    assert_eq!(found(&host, "large-upload"), []);
    assert_eq!(found(&host, "coding-gzip"), []);
}

#[tokio::test]
async fn an_answer_of_another_is_a_refusal() {
    const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\nServer: box\r\nContent-Length: 7\r\n\r\nblocked";
    const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\r\nblocked";
    let world = World::start().await;
    let to = world.address;
    let port = serve(move |mut peer| async move {
        let Some(request) = message(&mut peer).await else { return };
        let answer = match &request[..] {
            request if request.starts_with(b"PROPFIND") => Some(FORBIDDEN.to_vec()),
            request if request.starts_with(b"REPORT") => Some(PAGE.to_vec()),
            request => passed_on(to, request).await,
        };
        let _ = peer.write_all(&answer.unwrap_or_default()).await;
        let _ = peer.shutdown().await;
    })
    .await;
    let host = asked(&world, port, vec!["fidelity"]).await;
    let refused = [(Way::Response, DifferenceKind::Refused, "status".to_owned())];
    assert_eq!(found(&host, "method-propfind"), refused);
    assert_eq!(found(&host, "method-report"), refused);
    assert_eq!(found(&host, "method-put"), []);
    let tests = seen(&seen(&host.fidelity).http1);
    let test = tests.iter().find(|test| test.name == "method-propfind").unwrap();
    assert_eq!(seen(&test.outcome)[0].arrived.as_deref(), Some("403, Server: box: blocked"));
}

#[tokio::test]
async fn content_that_is_scanned_shows() {
    let world = World::start().await;
    let to = world.address;
    let port = serve(move |mut peer| async move {
        let Some(request) = message(&mut peer).await else { return };
        let holds = |octets: &[u8], what: &[u8]| octets.windows(what.len()).any(|window| window == what);
        let eicar = wire::http::specimen::eicar();
        // Cards are refused, the file is cut off on its way up, and its archive is replaced on its way down.
        if holds(&request, b"4111 1111") {
            let _ = peer.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nDLP!").await;
        } else if holds(&request, &eicar) && !holds(&request, b"PK") {
            return;
        } else if let Some(mut response) = passed_on(to, &request).await {
            if holds(&request, b"/v1/content/eicar.zip") {
                response = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nvirus found!".to_vec();
            }
            let _ = peer.write_all(&response).await;
        }
        let _ = peer.shutdown().await;
    })
    .await;
    let host = asked(&world, port, vec!["content"]).await;
    let tests = &seen(&host.content).tests;
    let find = |way: Way, pattern: &str| tests.iter().find(|test| test.way == way && test.pattern == pattern).unwrap();
    let cards = seen(&find(Way::Request, "payment-cards").outcome);
    assert_eq!((cards.status, cards.arrived, cards.text.as_deref()), (403, false, Some("DLP!")));
    assert!(find(Way::Request, "eicar").outcome.failure().is_some());
    let archive = seen(&find(Way::Response, "eicar-zip").outcome);
    assert_eq!((archive.status, archive.arrived, archive.text.as_deref()), (200, false, Some("virus found!")));
    for test in tests.iter().filter(|test| test.pattern.starts_with("control") || test.pattern == "iban") {
        assert!(seen(&test.outcome).arrived, "{test:?}");
    }
}

/// A silent device costs a few timeouts and not one for each test.
#[tokio::test]
async fn silence_ends_the_tests() {
    async fn hold(_peer: Peer) {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let world = World::start().await;
    let port = serve(hold).await;
    let started = std::time::Instant::now();
    let host = asked(&world, port, vec!["fidelity"]).await;
    let tests = seen(&seen(&host.fidelity).http1);
    assert!(tests.iter().filter(|test| test.outcome.failure().is_some()).count() <= 8);
    assert!(tests.iter().any(|test| matches!(test.outcome, Attempt::NotTried(_))));
    // The first requests carry 256 KiB, and their time is longer.
    assert!(started.elapsed() < Duration::from_secs(14), "{:?}", started.elapsed());
}
