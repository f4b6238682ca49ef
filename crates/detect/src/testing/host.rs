//! One host on an intact path, with everything measured.

use std::net::SocketAddr;

use model::*;

use super::chains::public_chain;
use super::*;

/// Places of connections in a host that [`host`] made.
pub(crate) const HYBRID: usize = 0;
pub(crate) const CLASSIC: usize = 1;
pub(crate) const RESUMED: usize = 2;
pub(crate) const HTTP: usize = 3;
pub(crate) const HTTP1: usize = 4;
pub(crate) const QUIC: usize = 5;
pub(crate) const WEBSOCKET: usize = 6;
pub(crate) const WEBSOCKET_HTTP2: usize = 7;
pub(crate) const IDLE: usize = 8;
pub(crate) const STREAM: usize = 9;

pub(crate) fn host(host: &str) -> HostRecord {
    Host { workload: "Exchange", features: &["mail", "chat", "pages"] }.named(host)
}

pub(super) struct Host {
    pub(super) workload: &'static str,
    pub(super) features: &'static [&'static str],
}

impl Host {
    pub(super) fn named(&self, host: &str) -> HostRecord {
        let address: SocketAddr = "192.0.2.10:443".parse().expect("an address");
        let connection = |check: &str, purpose: &str, alpn: &str| Connection {
            check: check.to_owned(),
            purpose: purpose.to_owned(),
            transport: if alpn == "h3" { Transport::Quic } else { Transport::Tcp },
            address,
            sni: Some(name(host)),
            via_proxy: false,
            connect_ms: (alpn != "h3").then_some(Milliseconds(20.0)),
            mss: None,
            answer_ms: None,
            proxy_ms: None,
            tls: Attempt::Seen(TlsSession {
                version: 0x0304,
                cipher_suite: 0x1301,
                group: Some(if purpose == "classic" { 0x001d } else { 0x11ec }),
                alpn: Some(alpn.to_owned()),
                resumed: purpose == "resumed",
                extended_master_secret: true,
                handshake_ms: Milliseconds(25.0),
                exporter: Some(HexBytes(vec![5; 32])),
            }),
            chain: (purpose != "resumed").then_some(0),
            client_hello: Some(hello(purpose != "classic")),
        };
        let exchange = |connection: usize, version: &str| HttpExchange {
            connection,
            path: "/".to_owned(),
            version: version.to_owned(),
            status: 200,
            headers: vec![
                Header("server".to_owned(), "Microsoft-IIS/10.0".to_owned()),
                Header("alt-svc".to_owned(), "h3=\":443\"; ma=86400".to_owned()),
            ],
            first_byte_ms: Milliseconds(30.0),
            body: Attempt::Seen(Body {
                length: 5,
                complete: true,
                sha256: HexBytes(vec![0; 32]),
                text: Some("hello".to_owned()),
            }),
            date: Some(time("2026-11-23T12:00:01Z")),
        };
        let extensions = "permessage-deflate; client_max_window_bits";
        let session = |connection: usize, status: u16| WebSocketSession {
            connection,
            path: "/v1/websocket".to_owned(),
            status,
            headers: Vec::new(),
            upgrade_ms: Milliseconds(30.0),
            accept_matches: (status == 101).then_some(true),
            extensions_offered: Some(extensions.to_owned()),
            extensions_arrived: Attempt::Seen(Some(extensions.to_owned())),
            extensions_answered: Some("permessage-deflate".to_owned()),
            silent_ms: Attempt::not_tried("not asked for"),
            small_frame_ms: Attempt::Seen(Milliseconds(21.0)),
            large_frame_ms: Attempt::Seen(Milliseconds(40.0)),
            end: WebSocketEnd::ClosedByUs,
            open_ms: Milliseconds(100.0),
        };
        HostRecord {
            target: Target {
                host: name(host),
                port: 443,
                workload: self.workload.to_owned(),
                features: self.features.iter().map(|feature| (*feature).to_owned()).collect(),
                path: "/".to_owned(),
                promises: Promises {
                    issuers: vec!["Microsoft Azure RSA TLS Issuing CA 03".to_owned()],
                    certificate_transparency: true,
                    http3: true,
                    alt_svc: true,
                    tls13: true,
                    http2: true,
                    hybrid_key_exchange: true,
                    websocket: Some(WebSocketPromise {
                        path: "/v1/websocket".to_owned(),
                        answer: WebSocketAnswer::Echo,
                        http2: true,
                    }),
                    stream: Some(StreamPromise {
                        path: "/v1/stream".to_owned(),
                        events: 6,
                        gap_ms: Milliseconds(400.0),
                    }),
                    ..Promises::none_but(Trust::Public)
                },
            },
            dns: Attempt::Seen(Dns {
                system: Attempt::Seen(DnsAnswer {
                    addresses: vec![address.ip()],
                    cnames: Vec::new(),
                    time_ms: Milliseconds(3.0),
                }),
                direct: Attempt::not_tried("no name server is configured"),
                overridden: false,
            }),
            tcp: Attempt::Seen(Tcp { address: address.ip(), connect_ms: vec![Milliseconds(20.0)], failed: Vec::new() }),
            tls: Attempt::Seen(Tls {
                hybrid: HYBRID,
                classic: CLASSIC,
                resumed: Attempt::Seen(RESUMED),
                without_sni: Attempt::not_applicable("the handshake with the name succeeded"),
                timestamps: Attempt::Seen(TimestampsInHandshake { chain: 0, list: None, ocsp: None }),
            }),
            http: Attempt::Seen(Http {
                preferred: Attempt::Seen(exchange(HTTP, "2")),
                http1: Attempt::Seen(exchange(HTTP1, "1.1")),
            }),
            quic: Attempt::Seen(Quic {
                version_negotiation: Attempt::Seen(VersionNegotiation {
                    time_ms: Milliseconds(20.0),
                    versions: vec![1],
                }),
                connection: Some(QUIC),
                handshake_datagrams_received: 4,
                http3: Attempt::Seen(Http3 {
                    exchange: exchange(QUIC, "3"),
                    total_first_byte_ms: Milliseconds(52.0),
                    sustained: Attempt::Seen(200_000),
                }),
            }),
            websocket: Attempt::Seen(WebSocket {
                http1: Attempt::Seen(session(WEBSOCKET, 101)),
                http2: Attempt::Seen(session(WEBSOCKET_HTTP2, 200)),
                idle: Attempt::Seen(WebSocketSession {
                    silent_ms: Attempt::Seen(Milliseconds(120_000.0)),
                    open_ms: Milliseconds(120_020.0),
                    ..session(IDLE, 101)
                }),
            }),
            stream: Attempt::Seen(Stream {
                exchange: exchange(STREAM, "2"),
                event_ms: (0..6u32).map(|n| Milliseconds(31.0 + 400.0 * f64::from(n))).collect(),
                promised_events: 6,
                promised_gap_ms: Milliseconds(400.0),
                complete: true,
                broke: None,
            }),
            destination: later(),
            casb: later(),
            fidelity: later(),
            content: later(),
            media: later(),
            download: later(),
            route: later(),
            connections: vec![
                connection("tls", "hybrid", "h2"),
                connection("tls", "classic", "h2"),
                connection("tls", "resumed", "h2"),
                connection("http", "preferred", "h2"),
                connection("http", "http/1.1", "http/1.1"),
                connection("quic", "h3", "h3"),
                connection("websocket", "http/1.1", "http/1.1"),
                connection("websocket", "h2", "h2"),
                connection("websocket", "idle", "http/1.1"),
                connection("stream", "preferred", "h2"),
            ],
            chains: vec![public_chain(host)],
        }
    }
}

/// A ClientHello of the size that it has with the hybrid key share, or without.
fn hello(large: bool) -> HexBytes {
    HexBytes([[1, 0, 0, 1].as_slice(), &vec![7; if large { 1_700 } else { 300 }]].concat())
}
