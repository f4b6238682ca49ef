//! What an outsider can do to a reflector, and where it ends.

use std::time::Duration;

use ::http::Request;
use http_body_util::Full;
use reflector::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::*;

const SHORT: Duration = Duration::from_millis(300);

/// The server ended the connection; whether by an end or by a reset is no matter.
async fn is_cut(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut octets = Vec::new();
    let _ = within(10, stream.read_to_end(&mut octets)).await;
    octets
}

async fn works(server: &Server) -> bool {
    let response = server.http1().await.send_request(get("/")).await.unwrap();
    response.status() == 200
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let server = start_with(Limits { handshake: SHORT, ..Limits::default() }).await;
    let mut silent = server.tcp().await;
    assert_eq!(is_cut(&mut silent).await, b"");
    assert!(works(&server).await);
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut() {
    let server = start_with(Limits { head: SHORT, ..Limits::default() }).await;
    let mut stream = server.connect(server.client_config(&["http/1.1"])).await.unwrap();
    let started = std::time::Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let trickle = tokio::spawn(async move {
        while writer.write_all(b"X: y\r\n").await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let answer = is_cut(&mut reader).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(reader);
    within(5, trickle).await.unwrap();
    assert!(works(&server).await);
    server.stop().await;
}

#[tokio::test]
async fn heads_too_large_or_too_many_are_answered_431() {
    let server = start().await;
    let path = reflect_path();
    let mut large = get(&path);
    large.headers_mut().insert("x-large", "a".repeat(70_000).parse().unwrap());
    let mut many = get(&path);
    for n in 0..101 {
        many.headers_mut().append("x-many", n.into());
    }
    for request in [large, many.clone()] {
        let response = server.http1().await.send_request(request).await.unwrap();
        assert_eq!(response.status(), 431);
    }
    let mut over_http2 = get_absolute(&path);
    *over_http2.headers_mut() = many.headers().clone();
    over_http2.headers_mut().remove("host");
    let response = server.http2().await.send_request(over_http2).await.unwrap();
    assert_eq!(response.status(), 431);
    server.stop().await;
}

#[tokio::test]
async fn a_body_too_large_is_answered_413() {
    let server = start_with(Limits { body: 1000, ..Limits::default() }).await;
    let request =
        |length: usize| Request::post(reflect_path()).header("host", NAME).body(Full::from(vec![0; length])).unwrap();
    assert_eq!(server.http1().await.send_request(request(1000)).await.unwrap().status(), 200);
    assert_eq!(server.http1().await.send_request(request(1001)).await.unwrap().status(), 413);
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_stops_coming_is_answered_408() {
    let server = start_with(Limits { stall: SHORT, ..Limits::default() }).await;
    let mut stream = server.connect(server.client_config(&["http/1.1"])).await.unwrap();
    let path = reflect_path();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 10\r\n\r\nbody");
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = is_cut(&mut stream).await;
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_tls_is_closed() {
    let server = start().await;
    let mut plain = server.tcp().await;
    plain.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    // A TLS alert, if anything.
    assert!(is_cut(&mut plain).await.len() <= 7);
    assert!(works(&server).await);
    server.stop().await;
}

#[tokio::test]
async fn random_octets_do_no_harm() {
    let server = start_with(Limits { handshake: SHORT, ..Limits::default() }).await;
    let mut number = 1_u64;
    for round in 0..20 {
        let mut octets: Vec<u8> = (0..10_000)
            .map(|_| {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (number >> 56) as u8
            })
            .collect();
        if round % 2 == 0 {
            // A record header, so that the noise gets further.
            octets.splice(..9, [22, 3, 1, 0x20, 0, 1, 0, 0x1f, 0xfc]);
        }
        let mut stream = server.tcp().await;
        let _ = stream.write_all(&octets).await;
        is_cut(&mut stream).await;
    }
    assert!(works(&server).await);
    server.stop().await;
}

#[tokio::test]
async fn one_client_holds_so_many_connections_and_no_more() {
    let server = start_with(Limits { connections_per_client: 2, ..Limits::default() }).await;
    let config = || server.client_config(&["http/1.1"]);
    let first = server.connect(config()).await.unwrap();
    let _second = server.connect(config()).await.unwrap();
    assert!(server.connect(config()).await.is_err());
    drop(first);
    within(5, async {
        while server.connect(config()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn transfers_too_many_are_told_to_come_back() {
    for (limits, status) in [
        (Limits { transfers_per_client: 1, ..Limits::default() }, 429),
        (Limits { transfers: 1, ..Limits::default() }, 503),
    ] {
        let server = start_with(limits).await;
        let mut sender = server.http2().await;
        let stream = sender.send_request(get_absolute("/v1/stream?events=100&gap_ms=1000")).await.unwrap();
        let refused = sender.send_request(get_absolute("/v1/bytes")).await.unwrap();
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (status, &"10".parse().unwrap()));
        // What is no transfer goes on.
        assert_eq!(sender.send_request(get_absolute(&reflect_path())).await.unwrap().status(), 200);
        drop(stream);
        within(5, async {
            while sender.send_request(get_absolute("/v1/bytes?length=1")).await.unwrap().status() != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_loses_its_transfer() {
    let server = start_with(Limits { transfers_per_client: 1, stall: SHORT, ..Limits::default() }).await;
    let mut stream = server.connect(server.client_config(&["http/1.1"])).await.unwrap();
    stream.write_all(b"GET /v1/bytes?length=16777216 HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut sender = server.http2().await;
    within(10, async {
        while sender.send_request(get_absolute("/v1/bytes?length=1")).await.unwrap().status() != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(is_cut(&mut stream).await.len() < 16 << 20);
    server.stop().await;
}

#[tokio::test]
async fn connections_end_when_they_are_spent_or_idle() {
    let server = start_with(Limits { requests_per_connection: 3, ..Limits::default() }).await;
    let mut over_http1 = server.http1().await;
    let mut over_http2 = server.http2().await;
    for _ in 0..3 {
        body(over_http1.send_request(get("/")).await.unwrap()).await;
        body(over_http2.send_request(get_absolute("/")).await.unwrap()).await;
    }
    within(5, async {
        while !over_http1.is_closed() || over_http2.send_request(get_absolute("/")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    server.stop().await;

    let server = start_with(Limits { idle: SHORT, ..Limits::default() }).await;
    let mut idle = server.http2().await;
    within(5, async {
        while !idle.is_closed() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = idle.ready().await;
        }
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn dropping_the_server_ends_everything() {
    let certificate = reflector::Certificate::self_signed(&[NAME.to_owned()]).unwrap();
    let mut config = reflector::Config::new(certificate, reflector::SigningKey::generate().unwrap());
    config.listen.push("127.0.0.1:0".parse().unwrap());
    let reflector = reflector::bind(config).await.unwrap();
    let address = reflector.addresses()[0];
    let running = tokio::spawn(reflector.run(std::future::pending()));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // Until the connection is accepted there is nothing to end.
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.abort();
    assert_eq!(is_cut(&mut stream).await, b"");
    within(5, async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
