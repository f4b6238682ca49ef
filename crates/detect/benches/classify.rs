//! What one verdict costs: `cargo bench -p detect`. The line of the design is 2 µs for everything in this crate.
//!
//! The hellos are those of `corpus/client-hello`, as the tests read them; reading octets is the business of `wire` and is
//! measured there.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use detect::Classifier;
use model::{HelloFacts, Observation};

const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";

/// A request as an edge logs it, with the fields that browsers send.
fn observation(user_agent: &str) -> String {
    format!(
        r#"{{"v":1,"time":"2026-11-23T12:00:00Z","tenant":"contoso","host":"outlook.office365.com","user_agent":"{user_agent}",
        "http":{{"version":"2","headers":[["sec-ch-ua","\"Chromium\";v=\"150\", \"Not.A/Brand\";v=\"24\""],
        ["sec-fetch-site","none"],["sec-fetch-mode","navigate"],["sec-fetch-dest","document"],
        ["accept-encoding","gzip, deflate, br, zstd"]],"h2":"1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p"}},
        "tcp":{{"syn":{{"ttl":117,"mss":1460,"options":"mss,nop,ws,nop,nop,sok"}}}}}}"#
    )
}

/// Chromium 150 over TCP, one of its orders.
fn chromium() -> HelloFacts {
    HelloFacts {
        legacy_version: 0x0303,
        session_id_length: 32,
        cipher_suites: vec![
            0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
            0x009d, 0x002f, 0x0035,
        ],
        compression_methods: vec![0],
        extensions: vec![0x6a6a, 18, 0xfe0d, 45, 13, 51, 0, 43, 0xff01, 11, 0x44cd, 16, 35, 23, 5, 27, 10, 0xdada],
        supported_groups: vec![0x4a4a, 0x11ec, 29, 23, 24],
        point_formats: vec![0],
        signature_algorithms: vec![
            0x0904, 0x0905, 0x0906, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
        ],
        supported_versions: vec![0x3a3a, 0x0304, 0x0303],
        key_shares: vec![0x4a4a, 0x11ec, 29],
        psk_key_exchange_modes: vec![1],
        certificate_compression: vec![2],
        alpn_octets: b"\x02h2\x08http/1.1".to_vec(),
        length: 1_790,
        ..HelloFacts::default()
    }
}

/// OpenSSL 3.0 as a proxy leaves it.
fn openssl() -> HelloFacts {
    HelloFacts {
        cipher_suites: vec![
            0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b, 0xc02f, 0x009e, 0xc024,
            0xc028, 0x006b, 0xc023, 0xc027, 0x0067, 0xc00a, 0xc014, 0x0039, 0xc009, 0xc013, 0x0033, 0x009d, 0x009c,
            0x003d, 0x003c, 0x0035, 0x002f, 0x00ff,
        ],
        extensions: vec![0, 11, 10, 35, 22, 23, 13, 43, 45, 51, 21],
        supported_groups: vec![29, 23, 30, 25, 24, 256, 257, 258, 259, 260],
        point_formats: vec![0, 1, 2],
        supported_versions: vec![0x0304, 0x0303],
        key_shares: vec![29],
        alpn_octets: Vec::new(),
        certificate_compression: Vec::new(),
        ..chromium()
    }
}

fn classify(c: &mut Criterion) {
    let classifier = Classifier::default();
    let mut group = c.benchmark_group("classify");
    for (name, user_agent, hello) in [
        ("genuine browser", CHROME, chromium()),
        ("intercepted browser", CHROME, openssl()),
        ("honest tool", "curl/8.5.0", openssl()),
    ] {
        let line = observation(user_agent);
        let Ok(observation) = serde_json::from_str::<Observation<'_>>(&line) else { continue };
        group.bench_function(name, |b| {
            b.iter(|| classifier.classify(black_box(&observation), Some(black_box(&hello)), None))
        });
    }
    group.finish();
}

criterion_group!(benches, classify);
criterion_main!(benches);
