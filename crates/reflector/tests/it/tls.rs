//! What the answer says of a TCP connection is what this end of it knows.

use std::sync::Arc;

use model::{Answer, Transport};
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, SupportedProtocolVersion};
use tokio_rustls::client::TlsStream;
use wire::tls::{ClientHello, hello_differences};

use crate::harness::*;

async fn reflect(server: &Server, stream: TlsStream<Sent>) -> Answer {
    let mut sender = http1(stream).await;
    let response = sender.send_request(get(&reflect_path())).await.unwrap();
    assert_eq!(response.status(), 200);
    server.open(&body(response).await)
}

/// Connects, asks, and holds everything in the answer against this end of the connection.
async fn check(server: &Server, config: Arc<rustls::ClientConfig>, piece: usize) -> (Answer, HandshakeKind) {
    let stream = server.connect_in_pieces(config, piece).await.unwrap();
    let (exporter, hello) = (exporter(&stream), client_hello(&stream));
    let tls = stream.get_ref().1;
    let version = u16::from(tls.protocol_version().unwrap());
    let suite = u16::from(tls.negotiated_cipher_suite().unwrap().suite());
    let kind = tls.handshake_kind().unwrap();

    let answer = reflect(server, stream).await;
    assert_eq!(answer.transport, Transport::Tcp);
    assert_eq!(answer.tls_version, version);
    assert_eq!(answer.cipher_suite, suite);
    assert_eq!(answer.alpn.as_deref(), Some("http/1.1"));
    assert_eq!(answer.exporter.as_ref(), Some(&exporter));
    assert_eq!(answer.client_hello.as_ref(), Some(&hello));
    assert_eq!(hello_differences(&hello.0, &answer.client_hello.as_ref().unwrap().0), Vec::<String>::new());
    (answer, kind)
}

fn config(server: &Server, version: &'static SupportedProtocolVersion) -> rustls::ClientConfig {
    server.client_config_of(&["http/1.1"], &[version])
}

#[tokio::test]
async fn a_hybrid_hello_arrives_as_it_left() {
    let server = start().await;
    let (answer, _) = check(&server, Arc::new(server.client_config(&["http/1.1"])), usize::MAX).await;
    let hello = ClientHello::parse(&answer.client_hello.unwrap().0).unwrap();
    assert!(hello.key_share_groups().unwrap().contains(&0x11ec), "X25519MLKEM768");
    assert_eq!(hello.server_name().unwrap().as_str(), NAME);
    server.stop().await;
}

#[tokio::test]
async fn a_hello_in_single_octets_arrives_whole() {
    let server = start().await;
    check(&server, Arc::new(config(&server, &TLS13)), 1).await;
    server.stop().await;
}

#[tokio::test]
async fn a_hello_over_many_records_arrives_whole() {
    let server = start().await;
    let mut config = config(&server, &TLS13);
    config.max_fragment_size = Some(64);
    check(&server, Arc::new(config), 100).await;
    server.stop().await;
}

/// RFC 9266 section 4.1: TLS 1.2 with the extended master secret, which rustls always offers.
#[tokio::test]
async fn the_exporter_is_equal_in_tls_1_2() {
    let server = start().await;
    let (answer, _) = check(&server, Arc::new(config(&server, &TLS12)), usize::MAX).await;
    assert_eq!(answer.tls_version, 0x0303);
    server.stop().await;
}

#[tokio::test]
async fn sessions_are_resumed_and_still_bound() {
    let server = start().await;
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(config(&server, version));
        let (first, kind) = check(&server, config.clone(), usize::MAX).await;
        assert_eq!(kind, HandshakeKind::Full, "{version:?}");
        let (second, kind) = check(&server, config, usize::MAX).await;
        assert_eq!(kind, HandshakeKind::Resumed, "{version:?}");
        assert_ne!(first.exporter, second.exporter, "each connection is bound by itself");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_was_altered_does_not_verify() {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    let server = start().await;
    let response = server.http1().await.send_request(get(&reflect_path())).await.unwrap();
    let mut sealed: model::SealedAnswer = serde_json::from_slice(&body(response).await).unwrap();
    let last = sealed.answer.0.len() - 2;
    sealed.answer.0[last] ^= 1;
    let octets = model::SealedAnswer::signed_octets(&sealed.answer.0);
    assert!(UnparsedPublicKey::new(&ED25519, &server.key.0).verify(&octets, &sealed.signature.0).is_err());
    server.stop().await;
}
