//! Peers that go bad after the handshake: each step has an outcome of its own, in time and within limits.

use std::time::{Duration, Instant};

use model::{Attempt, FailureKind, HostRecord, Operation, WebSocketEnd, WebSocketSession};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::tls_peer::{Peer, open_websocket, request, serve, text_frame};
use crate::world::{check, seen, settings, target};

const GREETING: &str = r#"{"extensions":null}"#;

async fn checked(port: u16, only: &'static str, life: Option<Duration>) -> HostRecord {
    let mut settings = settings();
    settings.checks = vec![only];
    settings.timeout = Duration::from_millis(600);
    settings.life = life;
    settings.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    check(vec![target(port)], settings).await.hosts.remove(0)
}

fn http1(host: &HostRecord) -> &WebSocketSession {
    seen(&seen(&host.websocket).http1)
}

async fn hold(_peer: Peer) {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

#[tokio::test]
async fn a_websocket_that_opens_and_then_says_nothing() {
    let port = serve(|mut peer| async move {
        open_websocket(&mut peer).await;
        hold(peer).await;
    })
    .await;
    let host = checked(port, "websocket", None).await;
    let session = http1(&host);
    assert_eq!((session.status, &session.end), (101, &WebSocketEnd::Stalled));
    assert_eq!(session.small_frame_ms.failure().unwrap().kind, FailureKind::Timeout);
    assert!(matches!(session.large_frame_ms, Attempt::NotTried(_)));
    assert!(matches!(&seen(&host.websocket).http2, Attempt::NotApplicable(why) if why.contains("HTTP/2")));
}

#[tokio::test]
async fn a_websocket_that_loses_large_frames() {
    let port = serve(|mut peer| async move {
        open_websocket(&mut peer).await;
        let _ = peer.write_all(&text_frame(GREETING)).await;
        let mut frame = [0u8; 38];
        if peer.read_exact(&mut frame).await.is_ok() {
            let _ = peer.write_all(&text_frame(&"truepath".repeat(4))).await;
        }
        hold(peer).await;
    })
    .await;
    let host = checked(port, "websocket", None).await;
    let session = http1(&host);
    assert!(session.small_frame_ms.seen().is_some(), "{session:?}");
    assert_eq!(session.large_frame_ms.failure().unwrap().kind, FailureKind::Timeout);
}

#[tokio::test]
async fn a_websocket_that_speaks_something_else() {
    let port = serve(|mut peer| async move {
        open_websocket(&mut peer).await;
        let _ = peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        hold(peer).await;
    })
    .await;
    let host = checked(port, "websocket", None).await;
    let session = http1(&host);
    assert!(matches!(session.end, WebSocketEnd::Broken(_)), "{session:?}");
    assert_eq!(session.small_frame_ms.failure().unwrap().kind, FailureKind::Protocol);
}

#[tokio::test]
async fn silence_is_measured_by_itself() {
    // Cut in the middle of the silence.
    let port = serve(|mut peer| async move {
        open_websocket(&mut peer).await;
        let _ = peer.write_all(&text_frame(GREETING)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    })
    .await;
    let host = checked(port, "websocket", Some(Duration::from_millis(800))).await;
    let idle = seen(&seen(&host.websocket).idle);
    let cut = idle.silent_ms.failure().unwrap();
    assert!(cut.after_ms.0 > 200.0 && cut.after_ms.0 < 700.0, "{cut:?}");
    assert_eq!(cut.kind, FailureKind::Closed);

    // Spoken on: not a silence.
    let port = serve(|mut peer| async move {
        open_websocket(&mut peer).await;
        let _ = peer.write_all(&text_frame(GREETING)).await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if peer.write_all(&text_frame("news")).await.is_err() {
                return;
            }
        }
    })
    .await;
    let host = checked(port, "websocket", Some(Duration::from_millis(500))).await;
    let idle = seen(&seen(&host.websocket).idle);
    assert!(matches!(&idle.silent_ms, Attempt::NotApplicable(_)), "{idle:?}");
}

#[tokio::test]
async fn headers_without_an_end() {
    let port = serve(|mut peer| async move {
        request(&mut peer, "host").await;
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while peer.write_all(&b"x-more: and more\r\n".repeat(1000)).await.is_ok() {}
    })
    .await;
    let host = checked(port, "http", None).await;
    let failure = seen(&host.http).http1.failure().unwrap();
    assert_eq!((failure.operation, &failure.kind), (Operation::Request, &FailureKind::TooLarge));
}

#[tokio::test]
async fn a_body_without_an_end() {
    let port = serve(|mut peer| async move {
        request(&mut peer, "host").await;
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n").await;
        while peer.write_all(&[b'x'; 16 * 1024]).await.is_ok() {}
    })
    .await;
    let started = Instant::now();
    let host = checked(port, "http", None).await;
    let body = seen(&seen(&seen(&host.http).http1).body);
    assert!(!body.complete && body.length >= 256 * 1024 && body.length < 512 * 1024, "{}", body.length);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_stream_that_goes_on_after_its_last_event() {
    let port = serve(|mut peer| async move {
        request(&mut peer, "host").await;
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
        while peer.write_all(b"data: again\n\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let host = checked(port, "stream", None).await;
    let stream = seen(&host.stream);
    assert!(!stream.complete);
    assert_eq!(stream.broke.as_ref().unwrap().kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn a_proxy_that_never_answers_connect() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let mut settings = settings();
    settings.checks = vec!["tls", "quic"];
    settings.timeout = Duration::from_millis(600);
    settings.via = Some(format!("http://{proxy}").parse().unwrap());
    let started = Instant::now();
    let host = check(vec![target(443)], settings).await.hosts.remove(0);
    let failure = host.connections[seen(&host.tls).hybrid].tls.failure().unwrap();
    assert_eq!((failure.operation, &failure.kind), (Operation::Proxy, &FailureKind::Timeout));
    assert!(matches!(host.quic, Attempt::NotApplicable(_)));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_dead_address_before_a_living_one() {
    let world = crate::world::World::start().await;
    let port = world.address.port();
    let mut settings = settings();
    settings.checks = vec!["tcp", "tls", "quic"];
    // Nobody listens on ::1; the other family answers.
    settings.resolve = vec![format!("localhost:{port}:::1,127.0.0.1").parse().unwrap()];
    let host = check(vec![target(port)], settings).await.hosts.remove(0);
    assert!(host.connections[seen(&host.tls).hybrid].tls.seen().is_some());
    assert!(seen(&host.quic).http3.seen().is_some(), "{:?}", host.quic);
    assert_eq!(seen(&host.tcp).failed.len(), 1);
}
