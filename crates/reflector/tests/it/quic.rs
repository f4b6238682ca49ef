//! The same answers over QUIC and HTTP/3.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{Request, Response};
use bytes::{Buf, Bytes};
use h3::client::SendRequest;
use h3_quinn::OpenStreams;
use model::{Answer, ArrivedHeader, HexBytes, Transport};
use reflector::Limits;
use wire::quic::{recorder, version_negotiation};

use crate::harness::*;

struct Client {
    connection: quinn::Connection,
    sender: SendRequest<OpenStreams, Bytes>,
    _endpoint: quinn::Endpoint,
}

async fn connect(server: &Server) -> Result<Client, quinn::ConnectionError> {
    let tls = server.client_config_of(&["h3"], &[&rustls::version::TLS13]);
    let config = quinn::ClientConfig::new(recorder::client(Arc::new(tls)).unwrap());
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let connection = within(10, endpoint.connect_with(config, server.address, NAME).unwrap()).await?;
    let (mut driver, sender) = h3::client::new(h3_quinn::Connection::new(connection.clone())).await.unwrap();
    tokio::spawn(async move { driver.wait_idle().await });
    Ok(Client { connection, sender, _endpoint: endpoint })
}

impl Client {
    async fn send(&mut self, request: Request<()>, upload: Bytes) -> (Response<()>, Vec<(Duration, Bytes)>) {
        let mut stream = self.sender.send_request(request).await.unwrap();
        if !upload.is_empty() {
            // A refusal may come before all is sent.
            let _ = stream.send_data(upload).await;
        }
        let _ = stream.finish().await;
        let asked = Instant::now();
        let response = within(10, stream.recv_response()).await.unwrap();
        let mut pieces = Vec::new();
        while let Some(mut piece) = within(10, stream.recv_data()).await.unwrap() {
            pieces.push((asked.elapsed(), piece.copy_to_bytes(piece.remaining())));
        }
        (response, pieces)
    }

    async fn get(&mut self, path: &str) -> (Response<()>, Vec<u8>) {
        let request = Request::get(format!("https://{NAME}{path}")).header("x-a", "1").body(()).unwrap();
        let (response, pieces) = self.send(request, Bytes::new()).await;
        (response, pieces.into_iter().flat_map(|piece| piece.1).collect())
    }
}

#[tokio::test]
async fn the_answer_is_about_this_quic_connection() {
    let server = start().await;
    let mut client = connect(&server).await.unwrap();
    let record =
        client.connection.handshake_data().unwrap().downcast::<recorder::HandshakeRecord>().expect("our recorder");
    let mut exporter = vec![0; 32];
    client.connection.export_keying_material(&mut exporter, Answer::EXPORTER_LABEL, b"").unwrap();

    let (response, sealed) = client.get(&reflect_path()).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("date") && response.headers()["cache-control"] == "no-store");
    let answer = server.open(&sealed);
    assert_eq!(answer.transport, Transport::Quic);
    assert_eq!(answer.client_hello, Some(HexBytes(record.client_hello)));
    assert!(answer.client_hello.unwrap().0.len() > 1300, "a hybrid key share fills more than one datagram");
    assert_eq!(answer.exporter, Some(HexBytes(exporter)));
    assert_eq!((answer.tls_version, answer.alpn.as_deref(), &*answer.http_version), (0x0304, Some("h3"), "3"));
    assert!((0x1301..=0x1303).contains(&answer.cipher_suite));
    assert!(answer.headers.contains(&ArrivedHeader("x-a".into(), "1".into())));
    server.stop().await;
}

#[tokio::test]
async fn the_other_endpoints_answer_as_over_tcp() {
    let server = start().await;
    let mut client = connect(&server).await.unwrap();
    for (path, status) in [("/", 200), ("/nowhere", 404), ("/v1/reflect", 400), ("/v1/websocket", 501)] {
        let (response, text) = client.get(path).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-length"], text.len().to_string());
    }
    let (_, over_quic) = client.get("/v1/bytes?length=3000000").await;
    let over_tcp = server.http1().await.send_request(get("/v1/bytes?length=3000000")).await.unwrap();
    assert!(over_quic == body(over_tcp).await);

    let head = Request::head(format!("https://{NAME}/v1/bytes?length=5000")).body(()).unwrap();
    let (response, pieces) = client.send(head, Bytes::new()).await;
    assert_eq!(response.headers()["content-length"], "5000");
    assert_eq!(pieces, []);

    let request = Request::get(format!("https://{NAME}/v1/stream?events=3&gap_ms=250")).body(()).unwrap();
    let (_, events) = client.send(request, Bytes::new()).await;
    assert_eq!(events.len(), 3);
    let (first, last) = (events[0].0, events[2].0);
    assert!(last - first > Duration::from_millis(300), "{first:?} to {last:?}");
    server.stop().await;
}

#[tokio::test]
async fn limits_hold_over_quic() {
    let limits = Limits { body: 1000, connections_per_client: 1, connections: 100, ..Limits::default() };
    let server = start_with(limits).await;
    let mut client = connect(&server).await.unwrap();
    let uri = format!("https://{NAME}{}", reflect_path());
    let (response, _) = client.send(Request::post(&uri).body(()).unwrap(), Bytes::from(vec![0; 1000])).await;
    assert_eq!(response.status(), 200);
    let (response, _) = client.send(Request::post(&uri).body(()).unwrap(), Bytes::from(vec![0; 1001])).await;
    assert_eq!(response.status(), 413);
    let large = Request::get(&uri).header("x-large", "a".repeat(70_000)).body(()).unwrap();
    // The client knows the limit from SETTINGS, and does not even send it.
    assert!(client.sender.send_request(large).await.is_err());
    assert!(connect(&server).await.is_err(), "one connection too many is refused");
    client.connection.close(0_u32.into(), b"");
    server.stop().await;
}

#[tokio::test]
async fn a_client_proves_its_address_when_it_is_crowded() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let server = start_with(limits).await;
    let _first = connect(&server).await.unwrap();
    let mut second = connect(&server).await.unwrap();
    // The Retry is invisible but for the longer way: the connection works.
    assert_eq!(second.get("/").await.0.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn unknown_versions_are_answered() {
    let server = start().await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (dcid, scid) = (b"12345678", b"abcdefgh");
    socket.send_to(&version_negotiation::probe(dcid, scid), server.address).await.unwrap();
    let mut datagram = [0; 2000];
    let length = within(5, socket.recv(&mut datagram)).await.unwrap();
    let versions = version_negotiation::parse(&datagram[..length], dcid, scid).unwrap();
    assert!(versions.contains(&1), "{versions:x?}");
    server.stop().await;
}

#[tokio::test]
async fn random_datagrams_do_no_harm() {
    let server = start().await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut number = 1_u64;
    for round in 0..200_usize {
        let datagram: Vec<u8> = (0..round * 7 % 1400 + 1)
            .map(|_| {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (number >> 56) as u8
            })
            .collect();
        socket.send_to(&datagram, server.address).await.unwrap();
    }
    assert_eq!(connect(&server).await.unwrap().get("/").await.0.status(), 200);
    server.stop().await;
}
