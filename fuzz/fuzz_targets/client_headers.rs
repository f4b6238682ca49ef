//! Any request is judged. The first line is the User-Agent, the second one the layout of the SYN, the third one the HTTP
//! version; then fields, one a line, of which those without a colon are names alone.
#![no_main]

use std::sync::LazyLock;

use detect::Classifier;
use model::{Observation, ObservedHttp, ObservedSyn, ObservedTcp};

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(Classifier::default);

libfuzzer_sys::fuzz_target!(|text: &str| {
    let line = r#"{"v":1,"time":"2026-11-23T12:00:00Z","tenant":"contoso","host":"outlook.office365.com"}"#;
    let mut observation: Observation<'_> = serde_json::from_str(line).unwrap();
    let mut lines = text.lines();
    observation.user_agent = lines.next().map(Into::into);
    let options = lines.next().map(Into::into);
    let ttl = options.as_ref().and_then(|options: &model::Text<'_>| u8::try_from(options.len()).ok());
    let syn = ObservedSyn { ttl, options, ..ObservedSyn::default() };
    observation.tcp = Some(ObservedTcp { rtt_ms: None, syn: Some(syn) });
    let mut http = ObservedHttp { version: lines.next().map(Into::into), ..ObservedHttp::default() };
    let mut names = Vec::new();
    for line in lines {
        match line.split_once(':') {
            Some((name, value)) => http.headers.push((name.into(), value.trim_start().into())),
            None => names.push(line.into()),
        }
    }
    http.header_names = (!names.is_empty()).then_some(names);
    observation.http = Some(http);
    let one = CLASSIFIER.classify(&observation, None, None);
    assert_eq!(one, CLASSIFIER.classify(&observation, None, None));
    assert!(one.attribution.iter().all(|who| (0.0..=1.0).contains(&who.confidence)));
});
