//! Records for tests: a clean one as `check` makes it on an intact path, and small changes to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use model::*;

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

pub(crate) fn time(text: &str) -> Timestamp {
    Timestamp(text.parse().expect("a time"))
}

pub(crate) fn name(text: &str) -> HostName {
    HostName::parse(text).expect("a host name")
}

pub(crate) fn days_before(record: &Record, days: i64) -> Option<Timestamp> {
    Timestamp::from_unix_seconds(record.started.unix_seconds() - days * 86_400)
}

pub(crate) fn failure(kind: FailureKind) -> Failure {
    Failure { operation: Operation::Request, kind, detail: String::new(), after_ms: Milliseconds(5_000.0) }
}

/// Three hosts of two workloads on an intact path, everything measured, no reflector.
pub(crate) fn clean() -> Record {
    let feature = |name: &str, needs: &[&str]| Feature {
        name: name.to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
    };
    Record {
        v: Record::VERSION,
        started: time("2026-11-23T12:00:00Z"),
        took_ms: Milliseconds(3_000.0),
        tool: "truepath 0.1.0".to_owned(),
        service: ServiceRef {
            id: "microsoft-365".to_owned(),
            name: "Microsoft 365".to_owned(),
            profile: "1".to_owned(),
            instance: Some("worldwide".to_owned()),
            catalogue: Some("2025063000".to_owned()),
        },
        options: Options {
            checks: vec!["tls".to_owned()],
            timeout_ms: Milliseconds(5_000.0),
            budget_ms: Milliseconds(30_000.0),
            life_ms: Some(Milliseconds(120_000.0)),
            turns: None,
            interface: None,
        },
        path: PathFacts {
            via: None,
            resolve: Vec::new(),
            name_servers: Vec::new(),
            environment_proxies: BTreeMap::new(),
        },
        trust: TrustFacts {
            public_roots: "Mozilla, 140".to_owned(),
            system_roots: Attempt::Seen(140),
            given_roots: None,
            ct_logs: "80.14".to_owned(),
            ct_logs_made: Some(time("2026-11-01T00:00:00Z")),
        },
        features: BTreeMap::from([
            ("mail".to_owned(), feature("Mail and calendar", &[])),
            ("chat".to_owned(), feature("Copilot chat", &["websocket", "stream"])),
            ("pages".to_owned(), feature("Fast page loads", &["quic"])),
        ]),
        hosts: vec![
            host("outlook.office365.com"),
            host("contoso.sharepoint.com"),
            Host { workload: "Copilot", features: &["chat"] }.named("copilot.cloud.microsoft"),
        ],
        reflector: Attempt::not_tried("no reflector was given"),
        proxy: later(),
        vpn: later(),
        egress: later(),
        resolver: later(),
        endpoints: later(),
        geo: later(),
        certificates: BTreeMap::new(),
    }
}

struct Host {
    workload: &'static str,
    features: &'static [&'static str],
}

pub(crate) fn host(host: &str) -> HostRecord {
    Host { workload: "Exchange", features: &["mail", "chat", "pages"] }.named(host)
}

impl Host {
    fn named(&self, host: &str) -> HostRecord {
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
            client_hello: Some(HexBytes(vec![1, 0, 0, 1, 7])),
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
                    trust: Trust::Public,
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
                    download: None,
                    own_headers: Vec::new(),
                    addresses: Vec::new(),
                    media_ports: Vec::new(),
                    media_host: None,
                    place: None,
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

fn public_chain(host: &str) -> Chain {
    let authority = "Microsoft Azure RSA TLS Issuing CA 03";
    let leaf = CertificateFacts {
        subject: format!("CN={host},O=Microsoft Corporation,C=US"),
        issuer: format!("CN={authority},O=Microsoft Corporation,C=US"),
        subject_common_name: Some(host.to_owned()),
        issuer_common_name: Some(authority.to_owned()),
        issuer_organisation: Some("Microsoft Corporation".to_owned()),
        serial: HexBytes([[0x33].as_slice(), &[7; 18]].concat()),
        not_before: time("2026-09-01T00:00:00Z"),
        not_after: time("2027-03-01T00:00:00Z"),
        subject_alternative_names: Some(vec![host.to_owned()]),
        spki_sha256: HexBytes(vec![0xaa; 32]),
        key: "rsa-2048".to_owned(),
        signature_algorithm: "sha384WithRSAEncryption".to_owned(),
        is_authority: false,
        subject_key_id: Some(HexBytes(vec![1; 20])),
        authority_key_id: Some(HexBytes(vec![2; 20])),
        has_authority_information_access: true,
        has_crl_distribution_points: true,
        policies: vec!["2.23.140.1.2.2".to_owned()],
        version: 3,
    };
    let issuer = CertificateFacts {
        subject: leaf.issuer.clone(),
        issuer: "CN=DigiCert Global Root G2,OU=www.digicert.com,O=DigiCert Inc,C=US".to_owned(),
        subject_common_name: Some(authority.to_owned()),
        issuer_common_name: Some("DigiCert Global Root G2".to_owned()),
        issuer_organisation: Some("DigiCert Inc".to_owned()),
        is_authority: true,
        subject_key_id: Some(HexBytes(vec![2; 20])),
        spki_sha256: HexBytes(vec![0xab; 32]),
        ..leaf.clone()
    };
    Chain {
        certificates: vec![HexBytes([host.as_bytes(), &[1]].concat()), HexBytes(vec![2; 32])],
        at: time("2026-11-23T12:00:02Z"),
        system: Attempt::Seen(Validation::Valid),
        given: Attempt::not_tried("no roots were given"),
        facts: ChainFacts {
            certificates: vec![Attempt::Seen(leaf), Attempt::Seen(issuer)],
            public: Validation::Valid,
            public_ignoring_time: Validation::Valid,
            claims_public_issuer: Some("DigiCert Global Root G2".to_owned()),
            scts: vec![sct("Argon2027h1"), sct("Nimbus2027")],
        },
    }
}

fn sct(log: &str) -> SctFact {
    SctFact {
        source: SctSource::Embedded,
        log_id: HexBytes(vec![3; 32]),
        log: Some(log.to_owned()),
        timestamp: Some(time("2026-09-01T00:00:01Z")),
        status: SctStatus::Valid,
    }
}

/// A leaf that a company's own authority signed, of no known product.
pub(crate) fn operator_leaf(host: &str) -> CertificateFacts {
    CertificateFacts {
        subject: format!("CN={host}"),
        issuer: "CN=Example Corp Inspection CA,OU=Network Security,O=Example Corp IT,C=XX".to_owned(),
        subject_common_name: Some(host.to_owned()),
        issuer_common_name: Some("Example Corp Inspection CA".to_owned()),
        issuer_organisation: Some("Example Corp IT".to_owned()),
        serial: HexBytes(vec![0x11; 12]),
        not_before: time("2026-11-20T00:00:00Z"),
        not_after: time("2027-01-10T00:00:00Z"),
        subject_alternative_names: Some(vec![host.to_owned()]),
        spki_sha256: HexBytes(vec![0xcc; 32]),
        key: "rsa-2048".to_owned(),
        signature_algorithm: "sha256WithRSAEncryption".to_owned(),
        is_authority: false,
        subject_key_id: None,
        authority_key_id: Some(HexBytes(vec![0xd0, 0x0d])),
        has_authority_information_access: false,
        has_crl_distribution_points: false,
        policies: Vec::new(),
        version: 3,
    }
}

/// Puts a forged leaf, alone, in the place of a chain; this machine's store accepts its authority.
pub(crate) fn mint(chain: &mut Chain, leaf: CertificateFacts) {
    chain.certificates = vec![HexBytes([leaf.subject.as_bytes(), leaf.issuer.as_bytes()].concat())];
    chain.system = Attempt::Seen(Validation::Valid);
    chain.facts = ChainFacts {
        certificates: vec![Attempt::Seen(leaf)],
        public: Validation::UnknownIssuer,
        public_ignoring_time: Validation::UnknownIssuer,
        claims_public_issuer: None,
        scts: Vec::new(),
    };
}

/// Every connection of the host, TCP and QUIC, shows a forged chain.
pub(crate) fn intercept(host: &mut HostRecord, leaf: &dyn Fn(&str) -> CertificateFacts) {
    let leaf = leaf(host.target.host.as_str());
    mint(&mut host.chains[0], leaf);
}

/// As [`intercept`], but QUIC goes through untouched.
pub(crate) fn intercept_tcp(host: &mut HostRecord, leaf: &dyn Fn(&str) -> CertificateFacts) {
    host.chains.push(host.chains[0].clone());
    intercept(host, leaf);
    host.connections[QUIC].chain = Some(1);
}

/// No connection over TCP or QUIC comes further than this.
pub(crate) fn cut_off(host: &mut HostRecord, operation: Operation, kind: FailureKind) {
    let failure = Failure { operation, kind, detail: "as tested".to_owned(), after_ms: Milliseconds(5_000.0) };
    for connection in &mut host.connections {
        connection.tls = Attempt::Failed(failure.clone());
        connection.chain = None;
        if operation == Operation::Connect {
            connection.connect_ms = None;
        }
    }
    if matches!(operation, Operation::Resolve) {
        host.dns = Attempt::Failed(failure.clone());
        host.connections.clear();
    }
    if matches!(operation, Operation::Resolve | Operation::Connect | Operation::Proxy) {
        host.tcp = Attempt::Failed(failure.clone());
    }
    host.http = Attempt::Failed(failure.clone());
    host.quic = Attempt::not_tried("nothing over TCP works");
    host.websocket = Attempt::Failed(failure.clone());
    host.stream = Attempt::Failed(failure);
    host.chains.clear();
}

/// Nothing was tried.
pub(crate) fn forget(host: &mut HostRecord) {
    host.dns = Attempt::not_tried("skipped");
    host.tcp = Attempt::not_tried("skipped");
    host.tls = Attempt::not_tried("skipped");
    host.http = Attempt::not_tried("skipped");
    host.quic = Attempt::not_tried("skipped");
    host.websocket = Attempt::not_tried("skipped");
    host.stream = Attempt::not_tried("skipped");
    host.connections.clear();
    host.chains.clear();
}

/// One connection's handshake fails.
pub(crate) fn fail(host: &mut HostRecord, connection: usize, kind: FailureKind) {
    let failure =
        Failure { operation: Operation::Handshake, kind, detail: String::new(), after_ms: Milliseconds(40.0) };
    host.connections[connection].tls = Attempt::Failed(failure);
    host.connections[connection].chain = None;
}

pub(crate) fn sessions(host: &mut HostRecord, mut change: impl FnMut(&mut TlsSession)) {
    for connection in &mut host.connections {
        if let Attempt::Seen(tls) = &mut connection.tls {
            change(tls);
        }
    }
}

pub(crate) fn seen<T>(attempt: &mut Attempt<T>) -> &mut T {
    match attempt {
        Attempt::Seen(seen) => seen,
        _ => panic!("it was not seen"),
    }
}

pub(crate) fn tls(host: &mut HostRecord) -> &mut Tls {
    seen(&mut host.tls)
}

pub(crate) fn exchanges(host: &mut HostRecord, mut change: impl FnMut(&mut HttpExchange)) {
    if let Attempt::Seen(http) = &mut host.http {
        for exchange in [&mut http.preferred, &mut http.http1] {
            change(seen(exchange));
        }
    }
}

/// Adds a header to plain responses over TCP, or replaces it.
pub(crate) fn header(host: &mut HostRecord, name: &str, value: &str) {
    without_header(host, name);
    exchanges(host, |exchange| exchange.headers.push(Header(name.to_owned(), value.to_owned())));
}

pub(crate) fn without_header(host: &mut HostRecord, name: &str) {
    exchanges(host, |exchange| exchange.headers.retain(|header| !header.0.eq_ignore_ascii_case(name)));
}

pub(crate) fn status(host: &mut HostRecord, status: u16) {
    exchanges(host, |exchange| exchange.status = status);
}

pub(crate) fn page(host: &mut HostRecord, text: &str) {
    exchanges(host, |exchange| seen(&mut exchange.body).text = Some(text.to_owned()));
}

pub(crate) fn http3(host: &mut HostRecord) -> &mut Http3 {
    seen(&mut seen(&mut host.quic).http3)
}

pub(crate) fn http3_fails(host: &mut HostRecord, kind: FailureKind) {
    seen(&mut host.quic).http3 = Attempt::Failed(failure(kind));
}

/// The QUIC handshake fails after so many datagrams; version negotiation answers or not.
pub(crate) fn quic_fails(host: &mut HostRecord, kind: FailureKind, datagrams: u32, negotiates: bool) {
    fail(host, QUIC, kind.clone());
    let quic = seen(&mut host.quic);
    quic.handshake_datagrams_received = datagrams;
    quic.http3 = Attempt::Failed(failure(kind.clone()));
    if !negotiates {
        quic.version_negotiation = Attempt::Failed(failure(kind));
    }
}

pub(crate) fn websocket_record(host: &mut HostRecord) -> &mut WebSocket {
    seen(&mut host.websocket)
}

pub(crate) fn websocket(host: &mut HostRecord, change: impl FnOnce(&mut WebSocketSession)) {
    change(seen(&mut websocket_record(host).http1));
}

pub(crate) fn websocket_refused(host: &mut HostRecord, status: u16) {
    let none = || Attempt::not_applicable("the WebSocket did not open");
    let websocket = websocket_record(host);
    for session in [&mut websocket.http1, &mut websocket.idle] {
        let session = seen(session);
        session.status = status;
        session.end = WebSocketEnd::Refused;
        session.accept_matches = None;
        session.extensions_arrived = Attempt::not_applicable("the WebSocket did not open");
        session.small_frame_ms = none();
        session.large_frame_ms = none();
    }
    websocket.http2 = Attempt::not_applicable("HTTP/2 was not negotiated");
}

pub(crate) fn idle(host: &mut HostRecord, change: impl FnOnce(&mut WebSocketSession)) {
    change(seen(&mut websocket_record(host).idle));
}

pub(crate) fn stream(host: &mut HostRecord) -> &mut Stream {
    seen(&mut host.stream)
}

/// A clean record with a reflector that signs its own certificate and answers over TCP and QUIC.
pub(crate) fn with_reflector() -> Record {
    let mut record = clean();
    let mut host = host("reflector.example");
    host.target.workload = "reflector".to_owned();
    host.target.features.clear();
    host.target.promises.trust = Trust::Given;
    host.target.promises.issuers.clear();
    mint(&mut host.chains[0], operator_leaf("reflector.example"));
    host.chains[0].system = Attempt::Seen(Validation::UnknownIssuer);
    let sent = vec![ArrivedHeader("user-agent".to_owned(), "truepath".to_owned())];
    let reflection = |connection: usize, version: &str, alpn: &str| Reflection {
        connection,
        challenge: HexBytes(vec![4; 16]),
        signature_valid: true,
        answer: Answer {
            v: 1,
            challenge: HexBytes(vec![4; 16]),
            time: time("2026-11-23T12:00:01Z"),
            transport: if alpn == "h3" { Transport::Quic } else { Transport::Tcp },
            client: "203.0.113.7:50000".parse().expect("an address"),
            client_hello: host.connections[connection].client_hello.clone(),
            tls_version: 0x0304,
            cipher_suite: 0x1301,
            alpn: Some(alpn.to_owned()),
            exporter: Some(HexBytes(vec![5; 32])),
            http_version: version.to_owned(),
            method: "GET".to_owned(),
            path: "/v1/reflect".to_owned(),
            headers: sent.clone(),
            body: None,
            response_headers: Vec::new(),
            syn: None,
            asked_by: Vec::new(),
            dns_zone: None,
            media_port: None,
            place: None,
        },
        hello_differences: Vec::new(),
        headers_sent: sent.clone(),
    };
    let (hybrid, classic, quic) =
        (reflection(HYBRID, "2", "h2"), reflection(CLASSIC, "2", "h2"), reflection(QUIC, "3", "h3"));
    record.reflector = Attempt::Seen(ReflectorRecord {
        host,
        key: HexBytes(vec![6; 32]),
        hybrid: Attempt::Seen(hybrid),
        classic: Attempt::Seen(classic),
        tls12: Attempt::not_tried("as tested"),
        quic: Attempt::Seen(quic),
    });
    record
}

/// Changes what the reflector answered, over every protocol.
pub(crate) fn reflection(record: &mut Record, change: impl Fn(&mut Reflection)) {
    let reflector = seen(&mut record.reflector);
    for reflection in [&mut reflector.hybrid, &mut reflector.classic, &mut reflector.quic] {
        change(seen(reflection));
    }
}

/// All hosts answer with the portal's own certificate and send requests to it.
pub(crate) fn behind_portal() -> Record {
    let mut record = clean();
    for host in &mut record.hosts {
        mint(&mut host.chains[0], operator_leaf("portal.hotel.example"));
        host.chains[0].system = Attempt::Seen(Validation::UnknownIssuer);
        host.quic = Attempt::not_tried("skipped");
        host.websocket = Attempt::not_tried("skipped");
        host.stream = Attempt::not_tried("skipped");
        status(host, 302);
        sessions(host, |tls| tls.alpn = Some("h2".to_owned()));
        header(host, "location", "http://portal.hotel.example/login");
    }
    record
}

/// A clean path seen by a machine whose clock is off by so many seconds.
pub(crate) fn with_clock_off(seconds: i64) -> Record {
    let mut record = clean();
    record.started = Timestamp::from_unix_seconds(record.started.unix_seconds() + seconds).expect("a time");
    let now = record.started;
    for host in &mut record.hosts {
        let facts = &mut host.chains[0].facts;
        let leaf = seen(&mut facts.certificates[0]).clone();
        if now < leaf.not_before {
            facts.public = Validation::NotYetValid;
            facts.scts.iter_mut().for_each(|sct| sct.status = SctStatus::FromTheFuture);
        } else if now > leaf.not_after {
            facts.public = Validation::Expired;
        }
        host.chains[0].system = Attempt::Seen(facts.public.clone());
    }
    record
}

fn ids(record: &Record, host: usize, leaning: Leaning) -> Vec<String> {
    let judgement = crate::judge(record, &crate::Knowledge::builtin());
    let mut ids: Vec<String> = Vec::new();
    for evidence in judgement.hosts[host].evidence.iter().filter(|evidence| evidence.leaning == leaning) {
        if !ids.contains(&evidence.id) {
            ids.push(evidence.id.clone());
        }
    }
    ids
}

/// Names of the rules that speak against this host's path; the reflector is the last host.
pub(crate) fn against(record: &Record, host: usize) -> Vec<String> {
    ids(record, host, Leaning::Against)
}

pub(crate) fn silent(record: &Record, host: usize) -> Vec<String> {
    ids(record, host, Leaning::Silent)
}

pub(crate) fn supporting(record: &Record, host: usize) -> Vec<String> {
    ids(record, host, Leaning::For)
}

pub(crate) fn state(record: &Record, host: usize) -> State {
    crate::judge(record, &crate::Knowledge::builtin()).hosts[host].state
}

/// A check that a record was made without.
fn later<T>() -> Attempt<T> {
    Attempt::not_tried("not among the checks that were asked for")
}

/// A record whose reflector is reached through somebody who ends TLS; the service's hosts are intact.
pub(crate) fn with_decrypted_reflector() -> Record {
    let mut record = with_reflector();
    reflection(&mut record, |r| {
        r.answer.exporter = Some(HexBytes(vec![9; 32]));
        r.answer.client_hello = Some(HexBytes(vec![9; 32]));
    });
    record
}

/// Puts one test of the `fidelity` check at the reflector, over a connection of its own, with these differences.
pub(crate) fn fidelity(record: &mut Record, name: &str, differences: Vec<Difference>) {
    let host = &mut seen(&mut record.reflector).host;
    let test = FidelityTest {
        name: name.to_owned(),
        connection: HTTP1,
        took_ms: Milliseconds(30.0),
        signature_valid: Some(true),
        outcome: Attempt::Seen(differences),
    };
    let http2 = Attempt::not_tried("as tested");
    host.fidelity = Attempt::Seen(Fidelity { http1: Attempt::Seen(vec![test]), http2 });
}

/// Puts the `content` check at the reflector: the control and one pattern, up and down, all of which passed.
pub(crate) fn content(record: &mut Record, pattern: &str) {
    let test = |pattern: &str, way: Way| ContentTest {
        pattern: pattern.to_owned(),
        way,
        connection: Some(HTTP1),
        length: 1_024,
        outcome: Attempt::Seen(ContentOutcome {
            status: 200,
            headers: Vec::new(),
            arrived: true,
            signature_valid: (way == Way::Request).then_some(true),
            took_ms: Milliseconds(40.0),
            text: None,
        }),
    };
    let mut tests = Vec::new();
    for pattern in ["control", pattern] {
        tests.extend([test(pattern, Way::Request), test(pattern, Way::Response)]);
    }
    seen(&mut record.reflector).host.content = Attempt::Seen(Content { tests });
}

/// Two relay ports that answer, and a call that went well.
pub(crate) fn media() -> Media {
    let stun = |address: &str| StunTry {
        address: address.parse().expect("an address"),
        outcome: Attempt::Seen(StunAnswer {
            mapped: Some("203.0.113.7:50000".parse().expect("an address")),
            time_ms: Milliseconds(20.0),
            tries: 1,
            software: None,
            request: StunRequest::Binding,
            error: None,
        }),
    };
    Media {
        stun: vec![stun("192.0.2.10:3478"), stun("192.0.2.10:3479")],
        tcp: Attempt::Seen(Milliseconds(20.0)),
        call: Attempt::Seen(Call {
            address: "192.0.2.10:3478".parse().expect("an address"),
            duration_ms: Milliseconds(10_000.0),
            interval_ms: Milliseconds(20.0),
            packet_octets: 172,
            sent: 500,
            arrived: Some(500),
            returned: 500,
            duplicated: 0,
            reordered_there: Some(0),
            reordered: 0,
            longest_gap: 0,
            burst_ratio: 1.0,
            least_ms: Milliseconds(19.0),
            median_ms: Milliseconds(20.0),
            p95_ms: Milliseconds(22.0),
            greatest_ms: Milliseconds(30.0),
            jitter_ms: Milliseconds(1.0),
            jitter_there_ms: Some(Milliseconds(1.0)),
            lateness_ms: Milliseconds(1.0),
            seen_as: None,
        }),
    }
}

/// 15 MB in two seconds, and nothing beside it waited.
pub(crate) fn download() -> Download {
    Download {
        connection: HTTP,
        path: "/v1/bytes/15000000".to_owned(),
        octets: 15_000_000,
        complete: true,
        took_ms: Milliseconds(2_000.0),
        quarters: vec![1_875_000; 8],
        idle_ms: vec![Milliseconds(20.0); 5],
        loaded_ms: vec![Milliseconds(40.0); 5],
    }
}

/// This machine is in Berlin; of each address it is known in which city it is: latitude, longitude and name.
pub(crate) fn geo(places: &[(&str, f64, f64, &str)]) -> Attempt<Geo> {
    let place = |latitude: f64, longitude: f64, city: &str| Place {
        at: Coordinates::new(latitude, longitude),
        city: Some(city.to_owned()),
        country: Some("XX".to_owned()),
        asn: Some(64_500),
        network: Some("Example Networks".to_owned()),
    };
    Attempt::Seen(Geo {
        here: Some(Here { at: Coordinates::new(52.52, 13.405).expect("a place"), said_by: "--place".to_owned() }),
        places: places
            .iter()
            .map(|(address, latitude, longitude, city)| {
                (address.parse().expect("an address"), place(*latitude, *longitude, city))
            })
            .collect(),
        sources: Vec::new(),
    })
}

/// A script, found by WPAD, that sends the first host of [`clean`] where `result` says; and the proxy's answer to CONNECT.
pub(crate) fn proxy_facts(result: &str, status: u16) -> Attempt<ProxyFacts> {
    let connect = ProxyConnect {
        status: Some(status),
        schemes: if status == 407 { vec!["Negotiate".to_owned(), "NTLM".to_owned()] } else { Vec::new() },
        server: Some("squid/5.7".to_owned()),
        via: Some("1.1 proxy.contoso.example (squid/5.7)".to_owned()),
        connect_ms: Milliseconds(40.0),
        took_ms: Milliseconds(80.0),
    };
    let answer = ProxyAnswer {
        proxy: "http://proxy.contoso.example:8080".to_owned(),
        address: Some("203.0.113.80".parse().expect("an address")),
        outcome: Attempt::Seen(connect),
    };
    Attempt::Seen(ProxyFacts {
        sources: vec![ProxySource {
            kind: ProxySourceKind::WpadDns,
            name: "http://wpad/wpad.dat".to_owned(),
            setting: Attempt::Seen(ProxySetting::Script(ProxyScript {
                url: "http://wpad/wpad.dat".to_owned(),
                sha256: HexBytes(vec![1; 32]),
                length: 400,
                content_type: None,
                fetched_ms: Milliseconds(5.0),
            })),
        }],
        decisions: vec![ProxyDecision {
            host: name("outlook.office365.com"),
            port: 443,
            source: 0,
            outcome: Attempt::Seen(ProxyRoute {
                result: result.to_owned(),
                rule: Some("line 7: return proxy;".to_owned()),
                line: Some(7),
                took_ms: Milliseconds(1.0),
                resolved: Vec::new(),
            }),
        }],
        proxies: vec![answer],
    })
}

/// A machine with a network adapter and a WireGuard tunnel, and for each prefix of Teams the interface that it leaves by.
pub(crate) fn vpn(interfaces: &[&str]) -> Attempt<Vpn> {
    let interface = |name: &str, kind: InterfaceKind| Interface { name: name.to_owned(), kind, because: String::new() };
    let route = |(n, name): (usize, &&str)| PrefixRoute {
        workload: "Teams".to_owned(),
        prefix: format!("52.{}.0.0/16", 112 + n).parse().expect("a prefix"),
        samples: vec![RouteSample {
            address: format!("52.{}.0.1", 112 + n).parse().expect("an address"),
            interface: Attempt::Seen((*name).to_owned()),
        }],
    };
    Attempt::Seen(Vpn {
        interfaces: vec![
            interface("eth0", InterfaceKind::Adapter),
            interface("wg0", InterfaceKind::Tunnel(Some("WireGuard".to_owned()))),
        ],
        routes: interfaces.iter().enumerate().map(route).collect(),
    })
}

/// Names of the endpoint list, all of which answer.
pub(crate) fn endpoints(names: &[&str]) -> Attempt<Vec<EndpointAnswer>> {
    let answer = |host: &&str| EndpointAnswer {
        host: name(host),
        port: 443,
        set: 1,
        workload: "Exchange".to_owned(),
        category: "Optimize".to_owned(),
        outcome: Attempt::Seen(EndpointStatus { status: 200, server: None, via: None, took_ms: Milliseconds(60.0) }),
    };
    Attempt::Seen(names.iter().map(answer).collect())
}

/// Names of the rules over the whole record that speak against the path.
pub(crate) fn path_against(record: &Record) -> Vec<String> {
    let judgement = crate::judge(record, &crate::Knowledge::builtin());
    let against = judgement.path.iter().filter(|evidence| evidence.leaning == Leaning::Against);
    against.map(|evidence| evidence.id.clone()).collect()
}
