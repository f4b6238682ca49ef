//! Names of an endpoint list: whatever answers is told with its status, and what does not with its reason.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use model::{Attempt, Endpoint, EndpointAnswer, FailureKind, HostName, Operation, Record};
use probe::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::tls_peer::{request, serve};
use crate::world::{check_published, seen, settings};

fn endpoint(host: &str, port: u16) -> Endpoint {
    Endpoint {
        host: HostName::parse(host).unwrap(),
        port,
        set: 56,
        workload: "Sign-in".to_owned(),
        category: "Allow".to_owned(),
    }
}

async fn asked(endpoints: Vec<Endpoint>, mut settings: Settings) -> Record {
    settings.checks = vec!["endpoints"];
    settings.timeout = Duration::from_millis(800);
    check_published(Vec::new(), endpoints, settings).await
}

fn answers(record: &Record) -> &[EndpointAnswer] {
    seen::<Vec<EndpointAnswer>>(&record.endpoints)
}

/// Reads the head of a plain request, up to its empty line.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(octet) = stream.read_u8().await else { break };
        head.push(octet);
    }
    String::from_utf8(head).unwrap()
}

/// A proxy that answers each request by its first line.
async fn proxy(answer: impl Fn(&str) -> String + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let head = head(&mut stream).await;
                let _ = stream.write_all(answer(&head).as_bytes()).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            });
        }
    });
    address.to_string()
}

#[tokio::test]
async fn any_status_is_an_answer() {
    let port = serve(|mut peer| async move {
        assert_eq!(request(&mut peer, "host").await, "localhost");
        let head = "HTTP/1.1 503 Service Unavailable\r\nServer: front/1\r\nVia: 1.1 a\r\nVia: 1.1 b\r\nContent-Length: 9\r\n\r\n";
        let _ = peer.write_all(head.as_bytes()).await;
    })
    .await;
    let mut settings = settings();
    settings.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    let record = asked(vec![endpoint("localhost", port)], settings).await;
    let [answer] = answers(&record) else { panic!("{record:?}") };
    let status = seen(&answer.outcome);
    assert_eq!((status.status, status.server.as_deref()), (503, Some("front/1")));
    assert_eq!(status.via.as_deref(), Some("1.1 a, 1.1 b"));
    assert_eq!((answer.set, answer.workload.as_str(), answer.category.as_str()), (56, "Sign-in", "Allow"));
}

#[tokio::test]
async fn a_server_that_knows_no_head_is_asked_with_get() {
    let port = serve(|mut peer| async move {
        let mut method = [0; 4];
        let _ = peer.read_exact(&mut method).await;
        if &method == b"GET " {
            request(&mut peer, "host").await;
            let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        }
    })
    .await;
    let mut settings = settings();
    settings.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    let record = asked(vec![endpoint("localhost", port)], settings).await;
    assert_eq!(seen(&answers(&record)[0].outcome).status, 200);
}

#[tokio::test]
async fn what_does_not_answer_is_told_with_its_reason_and_in_its_place() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let endpoints = vec![
        endpoint("localhost", silent_port),
        endpoint("does-not-exist.invalid", 443),
        endpoint("localhost", closed),
    ];
    let mut settings = settings();
    settings.resolve =
        [silent_port, closed].iter().map(|port| format!("localhost:{port}:127.0.0.1").parse().unwrap()).collect();
    let started = Instant::now();
    let record = asked(endpoints, settings).await;
    let answers = answers(&record);
    let failure = |place: usize| answers[place].outcome.failure().unwrap();
    assert_eq!((failure(0).operation, &failure(0).kind), (Operation::Handshake, &FailureKind::Timeout));
    assert_eq!(failure(1).operation, Operation::Resolve);
    assert_eq!((failure(2).operation, &failure(2).kind), (Operation::Connect, &FailureKind::Refused));
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    drop(silent);
}

#[tokio::test]
async fn those_that_are_late_do_not_lose_the_others() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
    let mut settings = settings();
    settings.budget = Duration::from_millis(900);
    settings.checks = vec!["endpoints"];
    settings.resolve =
        [silent_port, closed].iter().map(|port| format!("localhost:{port}:127.0.0.1").parse().unwrap()).collect();
    let endpoints = vec![endpoint("localhost", silent_port), endpoint("localhost", closed)];
    let record = check_published(Vec::new(), endpoints, settings).await;
    let answers = answers(&record);
    assert!(answers[0].outcome.failure().unwrap().detail.contains("budget"), "{answers:?}");
    assert_eq!(answers[1].outcome.failure().unwrap().kind, FailureKind::Refused);
}

#[tokio::test]
async fn http_goes_to_a_proxy_in_absolute_form_and_https_through_connect() {
    let address = proxy(|head| {
        let signed_in = head.contains("\r\nproxy-authorization: Basic YW5uOnNlY3JldA==\r\n")
            || head.contains("\r\nProxy-Authorization: Basic YW5uOnNlY3JldA==\r\n");
        match head.lines().next().unwrap_or_default() {
            "HEAD http://ocsp.example/ HTTP/1.1" if signed_in && head.contains("\r\nhost: ocsp.example\r\n") => {
                "HTTP/1.1 403 Forbidden\r\nServer: squid/5.7\r\nVia: 1.1 gw (squid/5.7)\r\nContent-Length: 0\r\n\r\n"
            }
            "CONNECT login.example:443 HTTP/1.1" => {
                "HTTP/1.1 407 Proxy Authentication Required\r\nServer: squid/5.7\r\n\r\n"
            }
            other => panic!("{other}: {head}"),
        }
        .to_owned()
    })
    .await;
    let mut settings = settings();
    settings.via = Some(format!("http://ann:secret@{address}").parse().unwrap());
    let record = asked(vec![endpoint("ocsp.example", 80), endpoint("login.example", 443)], settings).await;
    let answers = answers(&record);
    let status = seen(&answers[0].outcome);
    assert_eq!((status.status, status.server.as_deref()), (403, Some("squid/5.7")));
    let refused = answers[1].outcome.failure().unwrap();
    assert_eq!((refused.operation, &refused.kind), (Operation::Proxy, &FailureKind::Status(407)));
}

#[tokio::test]
async fn a_service_without_a_list_has_nothing_to_ask() {
    let record = asked(Vec::new(), settings()).await;
    assert!(matches!(&record.endpoints, Attempt::NotApplicable(_)), "{:?}", record.endpoints);
}
