//! Any text is an HTTP/2 preface or none, under the name of each engine.
#![no_main]

use std::sync::LazyLock;

use detect::Classifier;
use model::{Observation, ObservedHttp};

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(Classifier::default);

const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/900.0.0.0 Safari/537.36",
];

libfuzzer_sys::fuzz_target!(|preface: &str| {
    let line = r#"{"v":1,"time":"2026-11-23T12:00:00Z","tenant":"contoso","host":"outlook.office365.com"}"#;
    let mut observation: Observation<'_> = serde_json::from_str(line).unwrap();
    observation.http = Some(ObservedHttp { h2: Some(preface.into()), ..ObservedHttp::default() });
    for browser in BROWSERS {
        observation.user_agent = Some(browser.into());
        let judged = CLASSIFIER.classify(&observation, None, None);
        assert!(judged.evidence.iter().all(|sign| !sign.detail.is_empty()));
    }
});
