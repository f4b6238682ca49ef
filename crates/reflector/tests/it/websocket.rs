//! WebSockets over both HTTP versions, spoken with the project's own codec.

use ::http::{Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use reflector::Limits;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use wire::http::websocket::{
    Close, Codec, DEFLATE_OFFER, Frame, Limits as MessageLimits, Message, Opcode, Role, accept_answer, accept_key,
};

use crate::harness::*;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

struct Client {
    io: Box<dyn Io>,
    codec: Codec,
}

impl Client {
    async fn send(&mut self, message: Message) {
        let octets = self.codec.encode_message(&message).unwrap();
        self.io.write_all(&octets).await.unwrap();
        self.io.flush().await.unwrap();
    }

    async fn next(&mut self) -> Option<Message> {
        let mut piece = vec![0; 64 << 10];
        loop {
            if let Some(message) = self.codec.next_message().unwrap() {
                return Some(message);
            }
            match within(10, self.io.read(&mut piece)).await {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.codec.push(&piece[..length]),
            }
        }
    }
}

fn codec(answered: Option<&str>) -> Codec {
    let deflate = accept_answer(answered).unwrap();
    Codec::new(Role::Client, deflate, MessageLimits::default())
}

/// RFC 6455 section 4.1.
async fn over_http1(server: &Server, offer: Option<&str>) -> Client {
    let mut request = get("/v1/websocket");
    for (name, value) in [
        ("upgrade", "websocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-key", KEY),
        ("sec-websocket-version", "13"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    if let Some(offer) = offer {
        request.headers_mut().insert("sec-websocket-extensions", offer.parse().unwrap());
    }
    let response = server.http1().await.send_request(request).await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-accept"], accept_key(KEY));
    let codec = codec(response.headers().get("sec-websocket-extensions").map(|value| value.to_str().unwrap()));
    Client { io: Box::new(TokioIo::new(hyper::upgrade::on(response).await.unwrap())), codec }
}

/// RFC 8441 section 5.
async fn over_http2(server: &Server, offer: Option<&str>) -> Client {
    let mut sender = server.http2().await;
    // The answer comes after the server's SETTINGS, without which extended CONNECT may not be used.
    body(sender.send_request(get_absolute("/")).await.unwrap()).await;
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("https://{NAME}/v1/websocket"))
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13");
    if let Some(offer) = offer {
        request = request.header("sec-websocket-extensions", offer);
    }
    let response = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    let codec = codec(response.headers().get("sec-websocket-extensions").map(|value| value.to_str().unwrap()));
    Client { io: Box::new(TokioIo::new(hyper::upgrade::on(response).await.unwrap())), codec }
}

async fn check(mut client: Client, offer: Option<&str>) {
    let Some(Message::Text(hello)) = client.next().await else { panic!("no hello") };
    assert_eq!(hello, serde_json::json!({ "extensions": offer }).to_string());

    let large: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    for message in [Message::Text("gr\u{fc}n".into()), Message::Binary(Vec::new()), Message::Binary(large)] {
        client.send(message.clone()).await;
        assert!(client.next().await.unwrap() == message);
    }

    let fragments = [(Opcode::Text, "one ", false), (Opcode::Continuation, "and ", false)];
    for (opcode, text, fin) in fragments {
        let frame = Frame { fin, ..Frame::new(opcode, text.as_bytes().to_vec()) };
        client.io.write_all(&client.codec.encode(&frame).unwrap()).await.unwrap();
    }
    // A control frame may stand between the fragments of a message (RFC 6455 section 5.4).
    client.send(Message::Ping(b"between".to_vec())).await;
    assert_eq!(client.next().await.unwrap(), Message::Pong(b"between".to_vec()));
    let last = Frame::new(Opcode::Continuation, b"two".to_vec());
    client.io.write_all(&client.codec.encode(&last).unwrap()).await.unwrap();
    client.io.flush().await.unwrap();
    assert_eq!(client.next().await.unwrap(), Message::Text("one and two".into()));

    client.send(Message::Close(Some(Close::new(4321, "enough")))).await;
    assert_eq!(client.next().await.unwrap(), Message::Close(Some(Close::new(4321, ""))));
    assert_eq!(client.next().await, None, "the server ends the transport");
}

#[tokio::test]
async fn echo_over_http1() {
    let server = start().await;
    for offer in [None, Some(DEFLATE_OFFER), Some("permessage-deflate; client_max_window_bits"), Some("x-unknown")] {
        check(over_http1(&server, offer).await, offer).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn echo_over_http2() {
    let server = start().await;
    for offer in [None, Some(DEFLATE_OFFER)] {
        check(over_http2(&server, offer).await, offer).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn compression_is_negotiated_and_used() {
    let server = start().await;
    let mut client = over_http1(&server, Some(DEFLATE_OFFER)).await;
    client.next().await.unwrap();
    client.send(Message::Binary(vec![0; 100_000])).await;
    let mut raw = vec![0; 4096];
    let length = within(5, client.io.read(&mut raw)).await.unwrap();
    assert_eq!(raw[0], 0b1100_0010, "FIN, RSV1 and binary (RFC 7692 section 6)");
    assert!(length < 1000, "{length} octets for 100 000 zeros");
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn a_message_too_long_is_refused_with_1009() {
    let server = start().await;
    for (over_http2_, offer) in [(false, None), (true, None), (false, Some(DEFLATE_OFFER))] {
        let mut client = if over_http2_ { over_http2(&server, offer).await } else { over_http1(&server, offer).await };
        client.next().await.unwrap();
        client.send(Message::Binary(vec![0; (1 << 20) + 1])).await;
        assert_eq!(client.next().await, Some(Message::Close(Some(Close::new(1009, "")))), "{over_http2_} {offer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn broken_frames_are_refused_with_1002() {
    let server = start().await;
    let mut client = over_http1(&server, None).await;
    client.next().await.unwrap();
    // A client must mask (RFC 6455 section 5.1).
    client.io.write_all(b"\x81\x02hi").await.unwrap();
    assert_eq!(client.next().await, Some(Message::Close(Some(Close::new(1002, "")))));
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_told_so() {
    let limits = Limits { websocket_idle: std::time::Duration::from_millis(300), ..Limits::default() };
    let server = start_with(limits).await;
    let mut client = over_http1(&server, None).await;
    client.next().await.unwrap();
    assert!(matches!(client.next().await, Some(Message::Close(Some(close))) if close.code == Close::GOING_AWAY));
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn stopping_says_goodbye() {
    let server = start().await;
    let mut clients = [over_http1(&server, None).await, over_http2(&server, None).await];
    for client in &mut clients {
        client.next().await.unwrap();
    }
    let stopping = tokio::spawn(server.stop());
    for client in &mut clients {
        assert!(matches!(client.next().await, Some(Message::Close(Some(close))) if close.code == Close::GOING_AWAY));
    }
    drop(clients);
    within(10, stopping).await.unwrap();
}

#[tokio::test]
async fn wrong_openings_are_refused() {
    let server = start().await;
    let mut sender = server.http1().await;
    for (changed, value, status) in
        [("sec-websocket-version", "12", 426), ("sec-websocket-key", "c2hvcnQ=", 400), ("upgrade", "h2c", 426)]
    {
        let mut request = get("/v1/websocket");
        for (name, value) in [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-key", KEY),
            ("sec-websocket-version", "13"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request.headers_mut().insert(changed, value.parse().unwrap());
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{changed}");
        response.into_body().collect().await.unwrap();
    }
    let mut sender = server.http2().await;
    let response = sender.send_request(get_absolute("/v1/websocket")).await.unwrap();
    assert_eq!(response.status(), 405);
    server.stop().await;
}
