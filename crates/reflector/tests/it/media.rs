//! The UDP port for media: STUN, and calls from their grant to their report.

use std::net::SocketAddr;
use std::time::Duration;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use bytes::Bytes;
use model::{CallReport, CallTerms, SealedAnswer};
use reflector::Limits;
use tokio::net::UdpSocket;
use tokio::time::timeout;
use wire::call::{Kind, PACKET, Packet, Token};
use wire::stun::{Class, Message, Request};

use crate::harness::*;

/// A client's UDP socket at an address of its own.
async fn client(server: &Server) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(server.media).await.unwrap();
    socket
}

/// The next datagram, or none for as long as an answer on loopback could take.
async fn received(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 2048];
    let length = timeout(Duration::from_millis(300), socket.recv(&mut buffer)).await.ok()?.unwrap();
    buffer.truncate(length);
    Some(buffer)
}

async fn exchanged(socket: &UdpSocket, packet: Packet) -> Option<Packet> {
    socket.send(&packet.encode()).await.unwrap();
    received(socket).await.map(|datagram| Packet::parse(&datagram).unwrap())
}

async fn ask(server: &Server, parameters: &str) -> (u16, Bytes) {
    let path = format!("/v1/call?challenge={CHALLENGE}{parameters}");
    let response = server.http2().await.send_request(get_absolute(&path)).await.unwrap();
    (response.status().as_u16(), body(response).await)
}

/// The text whose signature verifies.
fn open(server: &Server, sealed: &[u8], signed: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let sealed: SealedAnswer = serde_json::from_slice(sealed).unwrap();
    let key = UnparsedPublicKey::new(&ED25519, &server.key.0);
    key.verify(&signed(&sealed.answer.0), &sealed.signature.0).unwrap();
    sealed.answer.0
}

async fn granted(server: &Server, duration_ms: u64) -> (Token, u32) {
    let (status, sealed) = ask(server, &format!("&duration_ms={duration_ms}")).await;
    assert_eq!(status, 200, "{sealed:?}");
    let terms: CallTerms = serde_json::from_slice(&open(server, &sealed, CallTerms::signed_octets)).unwrap();
    assert_eq!((terms.media_port, terms.challenge.to_string().as_str()), (server.media.port(), CHALLENGE));
    let call = terms.call.unwrap();
    (call.token.0.try_into().unwrap(), call.packets)
}

fn opening(token: Token) -> Packet {
    Packet { kind: Kind::Opening, token, cookie: [0; 8], sequence: 0, sent_us: 0, returned_us: 0 }
}

#[tokio::test]
async fn stun_tells_the_address() {
    let server = start().await;
    let socket = client(&server).await;
    socket.send(&Request::Binding.encode([7; 12])).await.unwrap();
    let answer = Message::parse(&received(&socket).await.unwrap()).unwrap();
    assert_eq!((answer.class, answer.transaction), (Class::Success, [7; 12]));
    assert_eq!(answer.mapped, Some(socket.local_addr().unwrap()));
    for silent in [&Request::Allocate.encode([7; 12])[..], b"", b"noise", &[0; 1400]] {
        socket.send(silent).await.unwrap();
    }
    assert_eq!(received(&socket).await, None);
    server.stop().await;
}

#[tokio::test]
async fn no_answer_is_longer_than_it_must_be() {
    let server = start().await;
    let socket = client(&server).await;
    // The shortest request there is.
    let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    request.extend([7; 12]);
    socket.send(&request).await.unwrap();
    assert_eq!(received(&socket).await.unwrap().len(), 32);
    // One client may ask so often in a second and no more.
    for _ in 0..200 {
        socket.send(&Request::Binding.encode([7; 12])).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answers = 0;
    while received(&socket).await.is_some() {
        answers += 1;
    }
    assert!((60..=128).contains(&answers), "64 a second, in one second or across two: {answers}");
    server.stop().await;
}

#[tokio::test]
async fn a_call_is_granted_made_and_reported() {
    let server = start().await;
    let (token, packets) = granted(&server, 100).await;
    assert_eq!(packets, 5);
    // The address is another than the one that asked, as behind a proxy.
    let socket = client(&server).await;
    let opened = exchanged(&socket, opening(token)).await.unwrap();
    assert_eq!((opened.kind, opened.token), (Kind::Opened, token));
    for sequence in [0, 1, 3, 2] {
        let voice = Packet { kind: Kind::Voice, sequence, sent_us: 20_000 * u64::from(sequence), ..opened };
        let echo = exchanged(&socket, voice).await.unwrap();
        assert_eq!((echo.kind, echo.sequence, echo.sent_us), (Kind::Echo, sequence, voice.sent_us));
        assert!(echo.returned_us >= opened.returned_us);
    }
    let again = Packet { kind: Kind::Voice, sequence: 3, ..opened };
    assert_eq!(exchanged(&socket, again).await, None);

    let (status, sealed) = ask(&server, &format!("&token={}", hex::encode(token))).await;
    assert_eq!(status, 200);
    let report: CallReport = serde_json::from_slice(&open(&server, &sealed, CallReport::signed_octets)).unwrap();
    assert_eq!((report.arrived, report.duplicated, report.reordered), (4, 1, 1));
    assert_eq!((report.seen_as, report.token.0.as_slice()), (Some(socket.local_addr().unwrap()), &token[..]));
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_back_without_a_grant_and_a_proof() {
    let server = start().await;
    let (token, _) = granted(&server, 1000).await;
    let (socket, other) = (client(&server).await, client(&server).await);
    assert_eq!(exchanged(&socket, opening([1; 16])).await, None, "a token of nobody");
    let opened = exchanged(&socket, opening(token)).await.unwrap();
    let voice = Packet { kind: Kind::Voice, ..opened };
    assert_eq!(exchanged(&other, voice).await, None, "another address");
    assert_eq!(exchanged(&socket, Packet { cookie: [0; 8], ..voice }).await, None, "another cookie");
    assert!(exchanged(&socket, voice).await.is_some());
    let longer = [&voice.encode()[..], &[0; 1000]].concat();
    socket.send(&longer).await.unwrap();
    assert_eq!(received(&socket).await, None, "no packet of {PACKET} octets");
    server.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = start_with(Limits { calls_per_client: 1, ..Limits::default() }).await;
    for (parameters, status) in [
        ("&duration_ms=x", 400),
        ("&duration_ms=3600001", 400),
        ("&token=00", 400),
        ("&token=00000000000000000000000000000000", 404),
        ("", 200),
        ("&duration_ms=1000", 200),
        // No second call of this client.
        ("&duration_ms=1000", 429),
    ] {
        assert_eq!(ask(&server, parameters).await.0, status, "{parameters}");
    }
    let path = format!("/v1/call?challenge={CHALLENGE}");
    let mut post = get_absolute(&path);
    *post.method_mut() = http::Method::POST;
    let response = server.http2().await.send_request(post).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"GET".parse().unwrap()));
    assert_eq!(server.http2().await.send_request(get_absolute("/v1/call")).await.unwrap().status(), 400);
    server.stop().await;
}

/// A socket that listens everywhere answers from the address that was asked.
#[tokio::test]
async fn answers_leave_from_where_they_were_asked() {
    use reflector::{Certificate, Config, SigningKey, bind};
    let certificate = Certificate::self_signed(&[NAME.to_owned()]).unwrap();
    let mut config = Config::new(certificate, SigningKey::generate().unwrap());
    config.listen.push("127.0.0.1:0".parse().unwrap());
    config.media.push("0.0.0.0:0".parse().unwrap());
    let reflector = bind(config).await.unwrap();
    let port = reflector.media_addresses()[0].port();
    let running = tokio::spawn(reflector.run(std::future::pending()));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    // A connected socket hears no other address. The way back from here would otherwise be 127.0.0.1.
    socket.connect(SocketAddr::from(([127, 0, 0, 3], port))).await.unwrap();
    socket.send(&Request::Binding.encode([7; 12])).await.unwrap();
    assert!(received(&socket).await.is_some());
    running.abort();
}
