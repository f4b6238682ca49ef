//! Peers that misbehave: each ends its own measurement, in time and with its name.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use model::{FailureKind, Operation};

use crate::world::{check, seen, settings, target};

/// A server that does the same to every connection, in threads that end with the test process.
fn server(serve: impl Fn(TcpStream) + Send + Clone + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

async fn handshake_fails_with(port: u16) -> (FailureKind, Duration) {
    let started = Instant::now();
    let mut settings = settings();
    settings.checks = vec!["tcp", "tls", "http"];
    settings.timeout = Duration::from_secs(1);
    settings.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    let record = check(vec![target(port)], settings).await;
    let host = &record.hosts[0];
    let hybrid = &host.connections[seen(&host.tls).hybrid];
    let failure = hybrid.tls.failure().unwrap();
    assert_eq!(failure.operation, Operation::Handshake);
    assert_eq!(seen(&host.http).preferred.failure().map(|failure| &failure.kind), Some(&failure.kind));
    (failure.kind.clone(), started.elapsed())
}

#[tokio::test]
async fn garbage_instead_of_a_server_hello() {
    let port = server(|mut stream| {
        let _ = stream.read(&mut [0; 2048]);
        let _ = stream.write_all(&b"\xff\x00garbage".repeat(10_000));
    });
    let (kind, _) = handshake_fails_with(port).await;
    assert_eq!(kind, FailureKind::Protocol);
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let port = server(|stream| {
        std::thread::sleep(Duration::from_secs(20));
        drop(stream);
    });
    let (kind, took) = handshake_fails_with(port).await;
    assert_eq!(kind, FailureKind::Timeout);
    assert!(took < Duration::from_secs(4), "two handshakes one after the other, and a margin: {took:?}");
}

#[tokio::test]
async fn a_close_after_the_hello() {
    let port = server(|mut stream| {
        let _ = stream.read(&mut [0; 16 * 1024]);
    });
    let (kind, _) = handshake_fails_with(port).await;
    assert!(matches!(kind, FailureKind::Closed | FailureKind::Reset), "{kind:?}");
}

#[tokio::test]
async fn an_alert_keeps_its_number() {
    let port = server(|mut stream| {
        let _ = stream.read(&mut [0; 16 * 1024]);
        // unrecognized_name, RFC 6066 section 3.
        let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 112]);
        std::thread::sleep(Duration::from_millis(200));
    });
    assert_eq!(handshake_fails_with(port).await.0, FailureKind::Alert(112));
}

#[tokio::test]
async fn nobody_listens() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut settings = settings();
    settings.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    let record = check(vec![target(port)], settings).await;
    let host = &record.hosts[0];
    assert_eq!(host.tcp.failure().unwrap().kind, FailureKind::Refused);
    let quic = seen(&host.quic);
    assert_eq!(quic.version_negotiation.failure().unwrap().kind, FailureKind::Refused, "ICMP port unreachable");
    assert_eq!(quic.handshake_datagrams_received, 0);
}

#[tokio::test]
async fn a_name_without_an_address() {
    let mut target = target(443);
    target.host = model::HostName::parse("no-such-name.invalid").unwrap();
    let record = check(vec![target], settings()).await;
    let host = &record.hosts[0];
    assert_eq!(host.tls.failure().unwrap().operation, Operation::Resolve);
    assert!(host.connections.is_empty());
}
