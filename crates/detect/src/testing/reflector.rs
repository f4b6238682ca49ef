//! Records with a reflector, and what its checks saw: fidelity, content.

use model::*;

use super::*;

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

/// A record whose reflector is reached through somebody who ends TLS; the service's hosts are intact.
pub(crate) fn with_decrypted_reflector() -> Record {
    let mut record = with_reflector();
    reflection(&mut record, |r| {
        r.answer.exporter = Some(HexBytes(vec![9; 32]));
        r.answer.client_hello = Some(HexBytes(vec![9; 32]));
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
