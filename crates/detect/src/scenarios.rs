//! What the project's lab measured of real intermediaries (2026-11), as facts in, verdict out: one case for each
//! product, the clean paths among them.

use model::*;

use crate::testing::{self, CLASSIC, HYBRID, QUIC};
use crate::{Knowledge, judge};

/// The shape of a forged chain, and what the product does to the traffic.
struct Product {
    leaf: CertificateFacts,
    /// How many certificates the chain has, and whether the authority stands in it twice.
    chain: usize,
    repeated: bool,
    alpn: Option<&'static str>,
    version: u16,
    websocket: u16,
    compression: bool,
    held: bool,
    header: Option<(&'static str, &'static str)>,
    /// QUIC is intercepted as well.
    quic: bool,
}

const HOST: &str = "outlook.office365.com";

fn forged(
    hours: i64,
    begins_hours_before: i64,
    serial: usize,
    subject_key_id: bool,
    authority_key_id: bool,
) -> CertificateFacts {
    let now = testing::time("2026-11-23T12:00:00Z").unix_seconds();
    let begins = now - begins_hours_before * 3_600;
    let at = |seconds| Timestamp::from_unix_seconds(seconds).expect("a time");
    CertificateFacts {
        serial: HexBytes(vec![0x21; serial]),
        not_before: at(begins),
        not_after: at(begins + hours * 3_600),
        subject_key_id: subject_key_id.then(|| HexBytes(vec![1; 20])),
        authority_key_id: authority_key_id.then(|| HexBytes(vec![0xd0; 20])),
        ..testing::operator_leaf(HOST)
    }
}

fn issued_by(common_name: &str, organisation: Option<&str>, leaf: CertificateFacts) -> CertificateFacts {
    let issuer = organisation.map_or_else(|| format!("CN={common_name}"), |o| format!("CN={common_name},O={o}"));
    CertificateFacts {
        issuer,
        issuer_common_name: Some(common_name.to_owned()),
        issuer_organisation: organisation.map(str::to_owned),
        ..leaf
    }
}

fn product(leaf: CertificateFacts, chain: usize) -> Product {
    Product {
        leaf,
        chain,
        repeated: false,
        alpn: None,
        version: 0x0304,
        websocket: 101,
        compression: true,
        held: false,
        header: None,
        quic: false,
    }
}

/// A record of one host through a product.
fn through(product: &Product) -> Record {
    let mut record = testing::clean();
    record.hosts.truncate(1);
    let host = &mut record.hosts[0];
    if product.quic {
        testing::intercept(host, &|_| product.leaf.clone());
    } else {
        testing::intercept_tcp(host, &|_| product.leaf.clone());
        testing::quic_fails(host, FailureKind::Timeout, 0, false);
        host.chains.truncate(1);
    }
    let chain = &mut host.chains[0];
    for place in 1..product.chain {
        let authority = CertificateFacts {
            subject: product.leaf.issuer.clone(),
            issuer: product.leaf.issuer.clone(),
            is_authority: true,
            spki_sha256: HexBytes(vec![0xee; 32]),
            subject_key_id: Some(HexBytes(vec![0xd0; 20])),
            ..product.leaf.clone()
        };
        chain
            .certificates
            .push(HexBytes(vec![if product.repeated { 9 } else { u8::try_from(place).expect("few") }; 32]));
        chain.facts.certificates.push(Attempt::Seen(authority));
    }
    for connection in host.connections.iter_mut().filter(|c| c.transport == Transport::Tcp) {
        if let Attempt::Seen(tls) = &mut connection.tls {
            tls.version = product.version;
            tls.group = Some(0x001d);
            if tls.alpn.as_deref() == Some("h2") || product.alpn.is_none() {
                tls.alpn = product.alpn.map(str::to_owned);
            }
        }
    }
    if product.websocket != 101 {
        testing::websocket_refused(host, product.websocket);
    } else if !product.compression {
        testing::websocket(host, |session| session.extensions_arrived = Attempt::Seen(None));
    }
    if product.held {
        testing::stream(host).event_ms = [2031.0, 2031.2, 2031.3, 2031.5, 2031.6, 2031.9].map(Milliseconds).to_vec();
    }
    if let Some((name, value)) = product.header {
        testing::header(host, name, value);
    }
    record
}

/// The verdict over the only host, and who leads with which confidence.
#[track_caller]
fn check(product: &Product, expected: &str, at_least: f64) -> HostVerdict {
    let verdict = judge(&through(product), &Knowledge::builtin()).hosts.swap_remove(0);
    assert_eq!(verdict.state, State::Intercepted);
    assert!(verdict.evidence.iter().any(|e| e.id == "private-chain" && e.confidence == Confidence::Proven));
    let who: Vec<(&str, f64)> = verdict.attribution.iter().map(|a| (a.product.as_str(), a.confidence)).collect();
    let (product, confidence) = *who.first().expect("somebody is named");
    assert!(product == expected && confidence >= at_least, "{who:?}");
    if let Some((_, second)) = who.get(1) {
        assert!(*second < confidence, "an unintended tie: {who:?}");
    }
    assert!(!verdict.attribution[0].because.is_empty());
    verdict
}

fn squid() -> Product {
    let leaf = forged(4_320, 20, 20, false, true);
    Product { repeated: true, websocket: 426, header: Some(("Via", "1.1 gw (squid/5.7)")), ..product(leaf, 3) }
}

#[test]
fn squid_bump() {
    let verdict = check(&squid(), "Squid with SslBump", 0.95);
    for id in ["header-added", "websocket-refused", "http2-lost", "quic-blocked", "hybrid-lost"] {
        assert!(verdict.evidence.iter().any(|e| e.id == id && e.leaning == Leaning::Against), "{id}");
    }
    // Without its header the leaf alone points to it, with no more confidence than a resemblance deserves.
    let verdict = check(&Product { header: None, ..squid() }, "Squid with SslBump", 0.5);
    assert!(verdict.attribution[0].confidence <= 0.5);
}

#[test]
fn mitmproxy_of_three_generations() {
    let own =
        |leaf| Product { alpn: Some("h2"), held: true, ..product(issued_by("mitmproxy", Some("mitmproxy"), leaf), 1) };
    for (hours, authority_key_id) in [(8_808, false), (8_808, true), (4_776, true)] {
        let verdict = check(&own(forged(hours, 48, 20, false, authority_key_id)), "mitmproxy", 0.95);
        assert!(verdict.evidence.iter().any(|e| e.id == "stream-held"));
    }
    let renamed = Product { alpn: Some("h2"), held: true, ..product(forged(4_776, 48, 20, false, true), 1) };
    assert!(check(&renamed, "mitmproxy", 0.5).attribution[0].confidence <= 0.5);
}

#[test]
fn sslsplit() {
    let leaf = forged(8_760, 24, 20, true, true);
    let verdict = check(&Product { websocket: 426, ..product(leaf.clone(), 2) }, "SSLsplit", 0.4);
    assert!(verdict.attribution[0].confidence <= 0.5);
    check(&product(leaf, 2), "SSLsplit", 0.4);
}

#[test]
fn e2guardian() {
    let leaf = forged(87_648, 1_500, 16, false, false);
    check(
        &Product { websocket: 426, held: true, ..product(leaf.clone(), 1) },
        "e2guardian / DansGuardian / squidGuard",
        0.4,
    );
    // By default its certificates ended in 2024, and programs refuse them.
    let mut record = through(&product(leaf, 1));
    let facts = &mut record.hosts[0].chains[0];
    facts.facts.public = Validation::Expired;
    facts.system = Attempt::Seen(Validation::Expired);
    let verdict = judge(&record, &Knowledge::builtin()).hosts.swap_remove(0);
    assert_eq!(verdict.state, State::Intercepted);
    assert!(verdict.evidence.iter().any(|e| e.id == "untrusted-chain"));
}

#[test]
fn privoxy() {
    let leaf =
        CertificateFacts { subject: format!("CN={HOST},O={HOST},OU={HOST},C=CZ"), ..forged(2_880, 720, 9, true, true) };
    let verdict = check(&Product { version: 0x0303, held: true, ..product(leaf, 2) }, "Privoxy HTTPS inspection", 0.5);
    assert!(verdict.evidence.iter().any(|e| e.id == "tls13-lost"));
}

#[test]
fn proxy_py() {
    check(&product(forged(17_520, 0, 7, true, false), 1), "proxy.py with TLS interception", 0.5);
}

#[test]
fn goproxy() {
    let epoch = testing::time("1970-01-01T00:00:00Z");
    let leaf = CertificateFacts {
        subject: format!("CN={HOST},O=GoProxy untrusted MITM proxy Inc"),
        not_before: epoch,
        not_after: testing::time("2049-12-31T00:00:00Z"),
        ..forged(0, 0, 20, false, true)
    };
    let product = Product { websocket: 426, ..product(issued_by("goproxy.github.io", Some("GoProxy"), leaf), 2) };
    check(&product, "goproxy", 0.95);
}

#[test]
fn caddy_that_intercepts_http3_too() {
    let leaf = CertificateFacts {
        subject: String::new(),
        subject_common_name: None,
        key: "ec-p256".to_owned(),
        ..forged(12, 1, 17, true, true)
    };
    let leaf = issued_by("Caddy Local Authority - ECC Intermediate", None, leaf);
    let caddy = Product { alpn: Some("h2"), quic: true, header: Some(("via", "2.0 Caddy")), ..product(leaf, 2) };
    let verdict = check(&caddy, "Caddy as a TLS gateway", 0.95);
    assert!(!verdict.partly);
    assert_eq!(verdict.connections[QUIC].state, State::Intercepted);
}

#[test]
fn proxies_for_developers() {
    let leaf = CertificateFacts { policies: vec!["2.23.140.1.2.1".to_owned()], ..forged(1_080, 24, 17, false, true) };
    let mockttp = issued_by("Mockttp Testing CA - DO NOT TRUST - TESTING ONLY", Some("Mockttp"), leaf);
    check(&Product { alpn: Some("h2"), ..product(mockttp, 2) }, "mockttp", 0.95);
    let node = issued_by("NodeMITMProxyCA", Some("Node MITM Proxy CA"), forged(8_784, 24, 16, true, false));
    let node = Product { alpn: Some("http/1.1"), compression: false, ..product(node, 1) };
    let verdict = check(&node, "http-mitm-proxy", 0.95);
    assert!(verdict.evidence.iter().any(|e| e.id == "websocket-extensions-altered"));
    let any = issued_by("AnyProxy", Some("AnyProxy"), forged(19_800, 24, 16, false, false));
    let any = Product { alpn: Some("http/1.1"), compression: false, held: true, ..product(any, 1) };
    check(&any, "AnyProxy", 0.95);
}

/// nginx and stunnel show one certificate that an operator made: nothing in it names them.
#[test]
fn gateways_with_a_fixed_certificate_are_unknown_until_an_admin_names_their_key() {
    for (product, expected) in [
        (
            Product {
                alpn: Some("h2"),
                version: 0x0303,
                websocket: 426,
                ..product(forged(4_320, 20, 20, true, true), 1)
            },
            426,
        ),
        (product(forged(4_320, 20, 20, true, true), 2), 101),
    ] {
        let record = through(&product);
        assert_eq!(product.websocket, expected);
        let verdict = judge(&record, &Knowledge::builtin()).hosts.swap_remove(0);
        assert_eq!(verdict.state, State::Intercepted);
        assert_eq!(verdict.attribution.len(), 1);
        assert_eq!(
            (verdict.attribution[0].product.as_str(), verdict.attribution[0].confidence),
            ("unknown interceptor", 0.0)
        );
        assert!(verdict.attribution[0].because[0].starts_with("CA CN=Example Corp Inspection CA"));
        let key = product.leaf.spki_sha256.to_string();
        let name = crate::AdminName { product: "Gateway Lisbon".to_owned(), vendor: "own".to_owned() };
        let named = Knowledge::builtin().with_name(&key, name).expect("a hash");
        let verdict = judge(&record, &named).hosts.swap_remove(0);
        assert_eq!(
            (verdict.attribution[0].product.as_str(), verdict.attribution[0].confidence),
            ("Gateway Lisbon", 1.0)
        );
    }
}

#[test]
fn one_header_speaks_for_all_hosts_of_one_authority() {
    let mut record = through(&Product { header: None, repeated: false, chain: 1, ..squid() });
    let mut second = record.hosts[0].clone();
    second.target.host = testing::name("contoso.sharepoint.com");
    testing::header(&mut second, "Via", "1.1 gw (squid/5.7)");
    record.hosts.push(second);
    let judgement = judge(&record, &Knowledge::builtin());
    for verdict in &judgement.hosts {
        assert_eq!(verdict.attribution[0].product, "Squid with SslBump", "{}", verdict.host);
    }
}

/// A Squid that signs people in and passes TLS on decrypts nothing, and is not called after what it does not do. Where another
/// host shows that it does decrypt, it is one product under one name.
#[test]
fn squid_is_called_by_what_it_does() {
    let named = |record: &Record| {
        let judgement = judge(record, &Knowledge::builtin());
        let proxy = judgement.solutions.into_iter().find(|solution| solution.class == SolutionClass::Proxy);
        proxy.into_iter().flat_map(|proxy| proxy.who).map(|who| who.product).collect::<Vec<_>>()
    };
    let mut record = testing::clean();
    record.proxy = testing::proxy_facts("PROXY proxy.contoso.example:8080", 407);
    assert_eq!(named(&record), ["Squid"]);
    let decrypted = through(&squid()).hosts.swap_remove(0);
    record.hosts[0] = decrypted;
    record.hosts[0].connections.iter_mut().for_each(|connection| connection.via_proxy = true);
    assert_eq!(named(&record), ["Squid with SslBump"]);
    // What came back is not the service's, and who ends TLS is not known.
    let mut record = testing::clean();
    let facts = &mut record.hosts[0].chains[0].facts;
    (facts.public, facts.public_ignoring_time) = (Validation::NameMismatch, Validation::NameMismatch);
    testing::header(&mut record.hosts[0], "Via", "1.1 gw (squid/5.7)");
    let verdict = judge(&record, &Knowledge::builtin()).hosts.swap_remove(0);
    assert_eq!(verdict.state, State::Manipulated);
    assert_eq!(verdict.attribution[0].product, "Squid");
}

/// No intermediary, NAT, a relay that only passes on, Squid that splices, a proxy that only tunnels.
#[test]
fn clean_paths_are_intact() {
    let mut relayed = testing::clean();
    relayed.hosts.iter_mut().for_each(|host| host.connections.iter_mut().for_each(|c| c.via_proxy = true));
    let mut cached = testing::clean();
    cached.hosts.iter_mut().for_each(|host| testing::header(host, "X-Cache", "TCP_HIT from a content network"));
    for record in [testing::clean(), testing::with_reflector(), relayed, cached] {
        let judgement = judge(&record, &Knowledge::builtin());
        assert_eq!(judgement.exit, ExitCode::NothingFound);
        for verdict in judgement.hosts {
            assert_eq!(verdict.state, State::Intact, "{}: {:?}", verdict.host, verdict.evidence);
            assert_eq!(verdict.confidence, Confidence::Proven);
            assert!(verdict.attribution.is_empty());
        }
        assert!(judgement.findings.iter().all(|finding| finding.id == "explicit-proxy"));
    }
}

/// A log list that has grown old makes hosts unknown; it must not make the service's own answers suspicious.
#[test]
fn an_old_log_list_never_turns_into_manipulation() {
    let mut record = testing::clean();
    record.trust.ct_logs_made = testing::days_before(&record, 400);
    for host in &mut record.hosts {
        host.chains[0].facts.scts.iter_mut().for_each(|sct| sct.status = SctStatus::UnknownLog);
        testing::header(host, "Via", "1.1 varnish, 1.1 edge (squid/5.7)");
        testing::without_header(host, "alt-svc");
        testing::sessions(host, |tls| tls.group = Some(0x001d));
        testing::websocket_refused(host, 503);
    }
    let judgement = judge(&record, &Knowledge::builtin());
    for verdict in &judgement.hosts {
        assert_eq!(verdict.state, State::Unknown, "{:?}", verdict.evidence);
        assert!(
            verdict.reason.as_deref().is_some_and(|reason| reason.contains("400 days old")),
            "{:?}",
            verdict.reason
        );
    }
    assert_eq!(judgement.exit, ExitCode::NothingFound);
    assert_eq!(judgement.findings[0].id, "expired-log-list");
}

#[test]
fn quic_open_beside_an_intercepting_proxy_is_partly_decrypted() {
    let mut record = testing::clean();
    testing::intercept_tcp(&mut record.hosts[0], &testing::operator_leaf);
    let judgement = judge(&record, &Knowledge::builtin());
    let verdict = &judgement.hosts[0];
    assert_eq!((verdict.state, verdict.partly), (State::Intercepted, true));
    assert_eq!(verdict.connections[QUIC].state, State::Intact);
    assert_eq!(verdict.connections[CLASSIC].state, State::Intercepted);
    let finding = judgement.findings.iter().find(|finding| finding.id == "partly-decrypted").expect("a finding");
    assert_eq!(finding.because, ["outlook.office365.com: TCP is decrypted, QUIC is not"]);
}

#[test]
fn sslsplit_that_passes_large_hellos_on_decrypts_small_ones_only() {
    let mut record = testing::clean();
    let host = &mut record.hosts[0];
    testing::intercept_tcp(host, &testing::operator_leaf);
    host.connections[HYBRID].chain = Some(1);
    let verdict = judge(&record, &Knowledge::builtin()).hosts.swap_remove(0);
    assert!(verdict.partly);
    assert_eq!(verdict.connections[HYBRID].state, State::Intact);
    // And where it resets them instead.
    testing::large_hellos_fail(&mut record.hosts[0], FailureKind::Reset);
    record.hosts[0].connections[QUIC].chain = Some(0);
    let verdict = judge(&record, &Knowledge::builtin()).hosts.swap_remove(0);
    assert_eq!((verdict.state, verdict.partly), (State::Intercepted, false));
    assert!(verdict.evidence.iter().any(|e| e.id == "hello-size" && e.leaning == Leaning::Against));
}

#[test]
fn a_forged_chain_that_only_one_hello_was_shown_still_counts() {
    let mut record = testing::clean();
    let host = &mut record.hosts[0];
    testing::intercept_tcp(host, &testing::operator_leaf);
    host.connections.iter_mut().filter(|c| c.chain.is_some()).for_each(|c| c.chain = Some(1));
    testing::tls(host).timestamps = Attempt::Seen(TimestampsInHandshake { chain: 0, list: None, ocsp: None });
    let verdict = judge(&record, &Knowledge::builtin()).hosts.swap_remove(0);
    assert_eq!((verdict.state, verdict.partly), (State::Intercepted, true));
}

#[test]
fn a_genuine_chain_of_a_handshake_that_failed_proves_nothing() {
    let mut record = testing::clean();
    for host in &mut record.hosts {
        testing::cut_off(host, Operation::Handshake, FailureKind::Alert(40));
        host.chains = vec![testing::host(HOST).chains[0].clone()];
        host.connections.iter_mut().for_each(|c| c.chain = Some(0));
    }
    let judgement = judge(&record, &Knowledge::builtin());
    assert!(judgement.hosts.iter().all(|verdict| verdict.state == State::Unknown));
    assert_eq!(judgement.exit, ExitCode::Unreachable);
}

/// What a person reads, for a run through Squid, a partly open one, one with trouble of other kinds, one where nothing
/// could be judged, and one without a network.
#[test]
fn findings_read_aloud() {
    let mut squid_record = testing::clean();
    let through_squid = through(&squid()).hosts.swap_remove(0);
    for host in squid_record.hosts.iter_mut().take(2) {
        let target = host.target.clone();
        *host = HostRecord { target, ..through_squid.clone() };
    }
    let mut open = testing::clean();
    testing::intercept_tcp(&mut open.hosts[0], &testing::operator_leaf);
    let mut trouble = testing::clean();
    testing::quic_fails(&mut trouble.hosts[0], FailureKind::Timeout, 0, false);
    testing::quic_fails(&mut trouble.hosts[1], FailureKind::Timeout, 0, false);
    testing::idle(&mut trouble.hosts[2], |session| {
        session.end = WebSocketEnd::Cut;
        session.silent_ms = Attempt::Failed(testing::failure(FailureKind::Closed));
    });
    testing::cut_off(&mut trouble.hosts[1], Operation::Handshake, FailureKind::Reset);
    let mut untold = testing::with_clock_off(400 * 86_400);
    untold.trust.ct_logs_made = None;
    let mut offline = testing::clean();
    offline.hosts.iter_mut().for_each(|host| testing::cut_off(host, Operation::Resolve, FailureKind::ResolverError));
    for (name, record) in [
        ("squid", squid_record),
        ("quic-open", open),
        ("trouble", trouble),
        ("wrong-clock", untold),
        ("offline", offline),
        ("captive-portal", testing::behind_portal()),
        ("scanned", scanned()),
        ("detour", detour()),
    ] {
        insta::assert_snapshot!(name, text(&judge(&record, &Knowledge::builtin())));
    }
}

/// Other traffic is decrypted and looked through, the service is not; the line is bad for calls.
fn scanned() -> Record {
    let mut record = testing::with_decrypted_reflector();
    testing::content(&mut record, "payment-cards");
    let host = &mut testing::seen(&mut record.reflector).host;
    for test in testing::seen(&mut host.content).tests.iter_mut().filter(|test| test.pattern == "payment-cards") {
        test.outcome = Attempt::Failed(testing::failure(FailureKind::Reset));
    }
    let reordered = Difference {
        way: Way::Request,
        kind: DifferenceKind::Reordered,
        what: "headers".to_owned(),
        sent: Some("host, x-b, x-a".to_owned()),
        arrived: Some("host, x-a, x-b".to_owned()),
    };
    testing::fidelity(&mut record, "header-order", vec![reordered]);
    let mut media = testing::media();
    testing::seen(&mut media.call).returned = 470;
    testing::seen(&mut record.reflector).host.media = Attempt::Seen(media);
    record
}

/// A tunnel, a proxy that wants a sign-in, an egress in another country, and a host that it cannot reach.
fn detour() -> Record {
    let mut record = testing::clean();
    record.vpn = testing::vpn(&["wg0"]);
    record.proxy = testing::proxy_facts("PROXY proxy.contoso.example:8080", 407);
    record.geo = testing::geo(&[("203.0.113.7", 38.7223, -9.1393, "Lisbon")]);
    record.egress = testing::egress("203.0.113.7");
    record.hosts[2].connections.iter_mut().for_each(|c| c.via_proxy = true);
    testing::cut_off(&mut record.hosts[1], Operation::Connect, FailureKind::Timeout);
    record
}

fn text(judgement: &Judgement) -> String {
    let mut lines = vec![format!("exit {}", judgement.exit.code())];
    for solution in &judgement.solutions {
        lines.push(format!(
            "solution: {:?} {:?}: {} [{}]",
            solution.class,
            solution.confidence,
            solution.because.join("; "),
            solution.evidence.join(", ")
        ));
    }
    lines.extend(judgement.measures.iter().map(|m| format!("{}: {} [{:?}]", m.name, m.text, m.state)));
    for workload in &judgement.workloads {
        lines.push(format!("{}: {:?}: {}", workload.workload, workload.state, workload.summary));
    }
    for finding in &judgement.findings {
        lines.push(String::new());
        lines.push(format!("[{} {:?} {:?}] {}", finding.id, finding.state, finding.confidence, finding.title));
        for who in &finding.who {
            lines.push(format!("  who: {} ({}, {}) {:.2}", who.product, who.vendor, who.class, who.confidence));
            lines.extend(who.because.iter().map(|because| format!("    {because}")));
        }
        lines.extend(finding.because.iter().map(|because| format!("  because: {because}")));
        lines.push(format!("  breaks: {}", finding.breaks.join(", ")));
        lines.push(format!("  hosts: {}", finding.hosts.join(", ")));
        lines.push(format!("  do: {}", finding.action));
    }
    lines.join("\n")
}
