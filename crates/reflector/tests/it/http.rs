//! The endpoints over HTTP/1.1 and HTTP/2.

use std::time::{Duration, Instant};

use ::http::{Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use model::ArrivedHeader;
use reflector::{Certificate, Config, SigningKey, bind};

use crate::harness::*;

#[tokio::test]
async fn headers_come_back_in_their_order_and_spelling() {
    let server = start().await;
    let mut sender = server.http1().await;
    for round in 0..2 {
        let mut request = get(&reflect_path());
        for (name, value) in [("x-b", "1"), ("user-agent", "test"), ("x-a", "2"), ("x-b", "3")] {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let answer = server.open(&body(sender.send_request(request).await.unwrap()).await);
        let arrived: Vec<_> = answer.headers.iter().map(|ArrivedHeader(name, value)| (&**name, &**value)).collect();
        assert_eq!(
            arrived,
            [("Host", NAME), ("X-B", "1"), ("X-B", "3"), ("User-Agent", "test"), ("X-A", "2")],
            "round {round}"
        );
        assert_eq!((&*answer.http_version, &*answer.method), ("1.1", "GET"));
        assert_eq!(answer.path, reflect_path());
        assert!(answer.client.ip().is_loopback());
    }
    server.stop().await;
}

/// hyper sends repeated headers side by side; an arbitrary client does not.
#[tokio::test]
async fn raw_heads_are_kept_across_pipelined_requests() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = start().await;
    let mut stream = server.connect(server.client_config(&["http/1.1"])).await.unwrap();
    let path = reflect_path();
    let head = format!("GET {path} HTTP/1.1\r\nhOsT: {NAME}\r\nB: 1\r\na: 2\r\nb:3\r\n");
    stream.write_all(format!("{head}\r\n{head}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    within(10, stream.read_to_string(&mut text)).await.unwrap();
    let sealed: Vec<_> = text.lines().filter_map(|line| line.find("{\"v\":").map(|start| &line[start..])).collect();
    assert_eq!(sealed.len(), 2, "{text}");
    for (index, sealed) in sealed.into_iter().enumerate() {
        let json = &sealed[..=sealed.find('}').unwrap()];
        let arrived = server.open(json.as_bytes()).headers;
        let names: Vec<_> = arrived.iter().map(|header| &*header.0).collect();
        assert_eq!(names[..4], ["hOsT", "B", "a", "b"], "{index}");
        assert_eq!(arrived[3].1, "3");
    }
    server.stop().await;
}

#[tokio::test]
async fn reflect_over_http2_takes_a_body() {
    let server = start().await;
    let mut sender = server.http2().await;
    let uri = format!("https://{NAME}{}", reflect_path());
    let request = Request::post(uri).header("x-a", "1").body(Full::from(vec![7; 100_000])).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let answer = server.open(&body(response).await);
    assert_eq!((&*answer.http_version, &*answer.method, answer.alpn.as_deref()), ("2", "POST", Some("h2")));
    assert!(answer.headers.contains(&ArrivedHeader("x-a".into(), "1".into())));
    server.stop().await;
}

/// The heads after a body are told from it, so that the connection goes on and none of them is lost.
#[tokio::test]
async fn bodies_over_http1_keep_the_connection_and_the_heads() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = start().await;
    let mut stream = server.connect(server.client_config(&["http/1.1"])).await.unwrap();
    let path = reflect_path();
    let requests = [
        format!("PATCH {path} HTTP/1.1\r\nhOsT: {NAME}\r\nContent-Length: 5\r\n\r\nhello"),
        format!(
            "TRUEPATH {path} HTTP/1.1\r\nhOsT: {NAME}\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n"
        ),
        format!("DELETE {path} HTTP/1.1\r\nhOsT: {NAME}\r\nConnection: close\r\n\r\n"),
    ];
    stream.write_all(requests.concat().as_bytes()).await.unwrap();
    let mut text = String::new();
    within(10, stream.read_to_string(&mut text)).await.unwrap();
    let sealed: Vec<_> = text.lines().filter_map(|line| line.find("{\"v\":").map(|start| &line[start..])).collect();
    let answers: Vec<_> = sealed.iter().map(|json| server.open(&json.as_bytes()[..=json.find('}').unwrap()])).collect();
    let methods: Vec<_> = answers.iter().map(|answer| &*answer.method).collect();
    assert_eq!(methods, ["PATCH", "TRUEPATH", "DELETE"], "{text}");
    assert!(answers.iter().all(|answer| answer.headers[0].0 == "hOsT"));
    let bodies: Vec<_> = answers
        .iter()
        .map(|answer| answer.body.as_ref().map(|body| (body.length, &*body.framing, body.trailers.clone())))
        .collect();
    let trailers = vec![ArrivedHeader("x-sum".into(), "1".into())];
    assert_eq!(bodies, [Some((5, "length", vec![])), Some((5, "chunked", trailers)), None]);
    // SHA-256 of `hello`.
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert!(answers[..2].iter().all(|answer| answer.body.as_ref().unwrap().sha256.to_string() == sha256));
    server.stop().await;
}

#[tokio::test]
async fn an_answer_tells_its_own_headers_in_every_shape() {
    let server = start().await;
    for is_http2 in [false, true] {
        for path in ["/v1/reflect", "/v1/fidelity/headers", "/v1/fidelity/chunked", "/v1/fidelity/trailers"] {
            let path = format!("{path}?challenge={CHALLENGE}&client_hello=no");
            let response = if is_http2 {
                server.http2().await.send_request(get_absolute(&path)).await.unwrap()
            } else {
                let mut request = get(&path);
                request.headers_mut().insert("te", "trailers".parse().unwrap());
                server.http1().await.send_request(request).await.unwrap()
            };
            let head = response.headers().clone();
            let collected = response.into_body().collect().await.unwrap();
            let trailers = collected.trailers().cloned().unwrap_or_default();
            let answer = server.open(&collected.to_bytes());
            assert_eq!(answer.client_hello, None);
            let framing = ["content-length", "transfer-encoding"];
            let arrived: Vec<_> = head
                .iter()
                .filter(|(name, _)| !framing.contains(&name.as_str()))
                .map(|(name, value)| {
                    ArrivedHeader(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect();
            assert_eq!(arrived, answer.response_headers, "{path}");
            assert_eq!(head.contains_key("content-length"), !path.contains("chunked") && !path.contains("trailers"));
            let due = path.contains("trailers").then_some(CHALLENGE);
            assert_eq!(trailers.get("x-truepath-trailer").map(|value| value.to_str().unwrap()), due);
            assert_eq!(head.get_all("set-cookie").iter().count(), if path.contains("headers") { 3 } else { 0 });
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn known_responses_are_what_both_ends_know() {
    use wire::http::specimen;
    let server = start().await;
    let mut sender = server.http2().await;
    let mut ask = async |path: &str, header: Option<(&'static str, &str)>| {
        let mut request = get_absolute(path);
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let response = sender.send_request(request).await.unwrap();
        let (head, status) = (response.headers().clone(), response.status().as_u16());
        (status, head, body(response).await)
    };
    let (status, head, octets) = ask("/v1/bytes?length=100", Some(("range", "bytes=10-19"))).await;
    assert_eq!((status, head["content-range"].to_str().unwrap()), (206, "bytes 10-19/100"));
    assert_eq!(octets, specimen::octets(10, 10));

    let (_, head, page) = ask("/v1/fidelity/page?transform=no", None).await;
    assert!(head["cache-control"].to_str().unwrap().contains("no-transform") && page == specimen::PAGE);
    let (_, head, page) = ask("/v1/fidelity/page?coding=gzip", None).await;
    assert!(head["content-encoding"] == "gzip" && page == specimen::PAGE_GZIP);

    let (_, head, first) = ask("/v1/fidelity/nonce?store=yes", None).await;
    let (_, _, second) = ask("/v1/fidelity/nonce?store=yes", None).await;
    assert!(head["cache-control"] == "public, max-age=600" && first != second && first.len() == 32);

    let id = "0123456789abcdef";
    let (status, head, _) = ask(&format!("/v1/fidelity/app?id={id}"), None).await;
    assert_eq!((status, head["location"].to_str().unwrap()), (302, &*format!("/v1/fidelity/login?id={id}")));
    let (status, head, _) = ask(&format!("/v1/fidelity/login?id={id}"), None).await;
    assert_eq!((status, head["location"].to_str().unwrap()), (302, &*format!("/v1/fidelity/app?id={id}")));
    let cookie = head["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let (status, _, page) = ask(&format!("/v1/fidelity/app?id={id}"), Some(("cookie", &cookie))).await;
    assert_eq!((status, &page[..]), (200, &b"signed in\n"[..]));

    let eicar = specimen::eicar();
    assert_eq!(ask("/v1/content/eicar", None).await.2, eicar);
    assert_eq!(ask("/v1/content/eicar.zip", None).await.2, specimen::zip("eicar.com", &eicar).unwrap());
    let harmless = ask("/v1/content/harmless.zip", None).await.2;
    assert_eq!(harmless.len(), specimen::zip("eicar.com", &eicar).unwrap().len());
    server.stop().await;
}

#[tokio::test]
async fn every_response_announces_http3() {
    let server = start().await;
    let mut sender = server.http1().await;
    for path in ["/", "/nowhere", "/v1/reflect"] {
        let response = sender.send_request(get(path)).await.unwrap();
        assert_eq!(response.headers()["alt-svc"], format!("h3=\":{}\"; ma=3600", server.address.port()), "{path}");
        body(response).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn wrong_requests_are_told_why() {
    let server = start().await;
    let mut sender = server.http1().await;
    for (method, path, status) in [
        (Method::GET, "/nowhere", 404),
        (Method::DELETE, "/", 405),
        (Method::HEAD, "/v1/stream", 405),
        (Method::GET, "/v1/reflect", 400),
        (Method::GET, "/v1/reflect?challenge=00", 400),
        (Method::GET, "/v1/bytes?length=16777217", 400),
        (Method::GET, "/v1/stream?events=1001", 400),
        (Method::GET, "/v1/stream?gap_ms=60001", 400),
        (Method::GET, "/v1/stream?events=1000&gap_ms=60000", 400),
        (Method::GET, "/v1/websocket", 426),
        (Method::POST, "/v1/fidelity/page", 405),
        (Method::GET, "/v1/fidelity/page?coding=br", 400),
        (Method::GET, "/v1/fidelity/app?id=%0d%0a", 400),
        (Method::GET, "/v1/fidelity/nowhere", 404),
        (Method::POST, "/v1/content/eicar", 405),
        (Method::GET, "/v1/content/harmless?length=65537", 400),
        (Method::GET, "/v1/content/nowhere", 404),
    ] {
        let mut request = get(path);
        *request.method_mut() = method;
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers().contains_key("allow"), status == 405, "{path}");
        assert_eq!(response.headers().contains_key("upgrade"), status == 426, "{path}");
        body(response).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn bytes_are_as_many_as_asked_for() {
    let server = start().await;
    let (mut http1, mut http2) = (server.http1().await, server.http2().await);
    for length in [0, 1, 100_000, 16 << 20] {
        let path = format!("/v1/bytes?length={length}");
        let first = http1.send_request(get(&path)).await.unwrap();
        let second = http2.send_request(get_absolute(&path)).await.unwrap();
        for response in [&first, &second] {
            assert_eq!(response.headers()["content-length"], length.to_string());
        }
        let (first, second) = (body(first).await, body(second).await);
        assert_eq!(first.len(), length);
        assert!(first == second, "the octets are always the same");
    }
    server.stop().await;
}

/// RFC 9110 section 14.2: Range means something with GET alone.
#[tokio::test]
async fn a_head_of_a_range_is_that_of_the_whole() {
    let server = start().await;
    let (mut http1, mut http2) = (server.http1().await, server.http2().await);
    let path = "/v1/bytes?length=100";
    let head = |mut request: Request<Full<Bytes>>| {
        *request.method_mut() = Method::HEAD;
        request.headers_mut().insert("range", "bytes=10-19".parse().unwrap());
        request
    };
    let first = http1.send_request(head(get(path))).await.unwrap();
    let second = http2.send_request(head(get_absolute(path))).await.unwrap();
    for response in [first, second] {
        assert_eq!((response.status().as_u16(), &response.headers()["content-length"]), (200, &"100".parse().unwrap()));
        assert!(!response.headers().contains_key("content-range"));
        assert!(body(response).await.is_empty());
    }
    server.stop().await;
}

#[tokio::test]
async fn events_keep_their_pace() {
    let server = start().await;
    for is_http2 in [false, true] {
        let path = "/v1/stream?events=4&gap_ms=250";
        let asked = Instant::now();
        let response = if is_http2 {
            server.http2().await.send_request(get_absolute(path)).await.unwrap()
        } else {
            server.http1().await.send_request(get(path)).await.unwrap()
        };
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("x-accel-buffering"));
        let mut stream = response.into_body();
        let mut arrivals = Vec::new();
        while let Some(frame) = within(5, stream.frame()).await {
            let event = frame.unwrap().into_data().unwrap();
            arrivals.push(asked.elapsed());
            let text = std::str::from_utf8(&event).unwrap();
            assert!(text.starts_with(&format!("data: {{\"n\":{},", arrivals.len())), "one event at a time: {text}");
        }
        assert_eq!(arrivals.len(), 4);
        for gap in arrivals.windows(2) {
            let gap = gap[1] - gap[0];
            // This machine may be busy; held back until the end would be no gap at all.
            assert!(gap > Duration::from_millis(100) && gap < Duration::from_millis(1500), "{arrivals:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_listened_on_is_named() {
    let config = || Config::new(Certificate::self_signed(&[NAME.into()]).unwrap(), SigningKey::generate().unwrap());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(Config { listen: vec![address], ..config() }).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address} (TCP)"));

    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(Config { listen: vec![address], ..config() }).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address} (UDP)"));

    assert!(matches!(bind(config()).await, Err(reflector::Error::NothingToListenOn)));
}
