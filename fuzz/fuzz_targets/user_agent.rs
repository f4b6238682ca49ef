#![no_main]

use std::borrow::Cow;
use std::sync::LazyLock;

use detect::Classifier;
use libfuzzer_sys::fuzz_target;
use model::{HelloFacts, HelloSource, Observation};

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(Classifier::default);

// A User-Agent up to the first line feed, and a ClientHello's lists behind it.
fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|octet| *octet == b'\n').unwrap_or(data.len());
    let (text, lists) = data.split_at(end);
    let user_agent = String::from_utf8_lossy(text);
    let Ok(mut observation) = serde_json::from_str::<Observation<'_>>(
        r#"{"v":1,"time":"2026-11-23T12:00:00Z","tenant":"t","host":"h","user_agent":""}"#,
    ) else {
        return;
    };
    observation.user_agent = Some(model::Text(Cow::Borrowed(&user_agent)));
    let codes = |n: usize| -> Vec<u16> {
        let third = lists.len() / 3;
        let part = lists.get(n * third..(n + 1) * third).unwrap_or_default();
        part.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
    };
    let source = match lists.get(1) {
        Some(0) => HelloSource::Ja3Text,
        Some(1) => HelloSource::SuitesAndGroups,
        _ => HelloSource::Octets,
    };
    let hello = HelloFacts {
        source,
        cipher_suites: codes(0),
        extensions: codes(1),
        supported_groups: codes(2),
        alpn_octets: lists.to_vec(),
        ..HelloFacts::default()
    };
    for hello in [None, Some(&hello)] {
        let verdict = CLASSIFIER.classify(&observation, hello, None);
        // What others wrote is shown to people: no control characters.
        assert!(verdict.evidence.iter().all(|sign| !sign.detail.contains(char::is_control)));
    }
});
