use model::{HelloFacts, Observation};
use serde_json::{Value, json};

use super::*;
use crate::Classifier;
use crate::client::testing::{CHROME_150, FIREFOX_153, hello};

/// An observation of a request with this User-Agent, and what else there is to it.
fn check(user_agent: &str, hello: Option<&HelloFacts>, more: &Value) -> Classification {
    classify(user_agent, hello, more, None)
}

fn classify(user_agent: &str, hello: Option<&HelloFacts>, more: &Value, network: Option<u32>) -> Classification {
    let mut line = json!({
        "v": 1, "time": "2026-11-23T12:00:00Z", "tenant": "contoso", "host": "outlook.office365.com", "user_agent": user_agent,
    });
    for (name, value) in more.as_object().expect("fields") {
        line[name] = value.clone();
    }
    let text = line.to_string();
    let observation: Observation<'_> = serde_json::from_str(&text).expect("an observation");
    Classifier::default().classify(&observation, hello, network)
}

fn ids(classification: &Classification) -> Vec<&str> {
    classification.evidence.iter().map(|sign| sign.id.as_str()).collect()
}

/// What Chrome 150 sends with a document.
fn like_chrome() -> Value {
    json!({"http": {"version": "1.1", "headers": [
        ["sec-ch-ua", "\"Chromium\";v=\"150\", \"Google Chrome\";v=\"150\", \"Not.A/Brand\";v=\"24\""],
        ["sec-fetch-site", "none"], ["sec-fetch-mode", "navigate"], ["sec-fetch-dest", "document"],
    ]}})
}

fn with(mut base: Value, headers: &[(&str, &str)]) -> Value {
    for (name, value) in headers {
        base["http"]["headers"].as_array_mut().expect("headers").push(json!([name, value]));
    }
    base
}

#[test]
fn a_hello_that_fits_is_intact() {
    let found = check(CHROME_150, Some(&hello("curl-cffi-chrome150")), &json!({}));
    assert_eq!((found.state, found.confidence, found.reason.as_deref()), (State::Intact, Confidence::Strong, None));
    assert_eq!(ids(&found), [signs::HELLO_FITS.id]);
    assert!(found.attribution.is_empty());
    let newer = check(&CHROME_150.replace("150", "190"), Some(&hello("curl-cffi-chrome150")), &json!({}));
    assert_eq!((newer.state, newer.confidence), (State::Intact, Confidence::Weak));
}

#[test]
fn an_impossible_hello_on_a_browsers_request_is_interception() {
    let found = check(CHROME_150, Some(&hello("squid")), &like_chrome());
    assert_eq!((found.state, found.confidence), (State::Intercepted, Confidence::Strong));
    assert!(ids(&found).contains(&signs::HELLO.id));
    assert!(!found.attribution.is_empty());
}

#[test]
fn without_headers_it_is_weak() {
    let found = check(CHROME_150, Some(&hello("squid")), &json!({}));
    assert_eq!((found.state, found.confidence), (State::Intercepted, Confidence::Weak));
}

#[test]
fn on_a_request_that_is_no_browsers_it_is_borrowed() {
    let script = json!({"http": {"version": "1.1", "header_names": ["Host", "User-Agent", "Accept"], "headers": []}});
    let found = check(CHROME_150, Some(&hello("py-requests")), &script);
    assert_eq!(found.state, State::Unknown);
    assert!(found.reason.as_deref().is_some_and(|why| why.starts_with("borrowed user agent")), "{:?}", found.reason);
    assert!(found.attribution.is_empty());
    // Unless a product has written its name into it.
    let mut through = script;
    through["http"]["headers"] = json!([["via", "1.1 proxy (squid/5.7)"]]);
    assert_eq!(check(CHROME_150, Some(&hello("squid")), &through).state, State::Intercepted);
}

/// The policy takes the hybrid group away; the SYN is that of another system.
#[test]
fn two_unlikely_signs_are_interception_and_one_is_not() {
    let mut policy = hello("curl-cffi-chrome146");
    policy.supported_groups.retain(|group| *group != 0x11ec);
    let chrome = CHROME_150.replace("150", "146");
    let linux = json!({"tcp": {"syn": {"ttl": 57, "options": "mss,sok,ts,nop,ws"}}});
    let windows = json!({"tcp": {"syn": {"ttl": 117, "options": "mss,nop,ws,nop,nop,sok"}}});
    let one = check(&chrome, Some(&policy), &windows);
    assert_eq!(
        (one.state, one.reason.as_deref()),
        (State::Unknown, Some("one unlikely sign by itself proves nothing"))
    );
    let two = check(&chrome, Some(&policy), &linux);
    assert_eq!((two.state, two.confidence), (State::Intercepted, Confidence::Weak));
    assert_eq!(ids(&two), [signs::HELLO.id, signs::SYN.id]);
    // Together with the network of a product, one is enough.
    let zscaler = 22_616;
    let there = classify(&chrome, Some(&policy), &windows, Some(zscaler));
    assert_eq!((there.state, there.confidence), (State::Intercepted, Confidence::Strong));
    assert_eq!(there.attribution.first().map(|who| who.vendor.as_str()), Some("Zscaler"));
}

#[test]
fn a_syn_of_another_system_under_a_hello_that_fits_is_no_interception() {
    let linux = json!({"tcp": {"syn": {"ttl": 57, "options": "mss,sok,ts,nop,ws"}}});
    let found = check(CHROME_150, Some(&hello("curl-cffi-chrome150")), &linux);
    assert_eq!((found.state, found.confidence), (State::Intact, Confidence::Weak));
    assert_eq!(ids(&found), [signs::SYN.id, signs::HELLO_FITS.id]);
}

#[test]
fn http2_of_another_library_under_a_copied_hello_is_interception() {
    let mut request = like_chrome();
    request["http"]["version"] = json!("2");
    request["http"]["h2"] = json!("1:4096;2:0;4:2147483647;5:131072;8:0;3:100;6:65536|2147418112|0|m,s,p,a");
    let found = check(CHROME_150, Some(&hello("curl-cffi-chrome150")), &request);
    assert_eq!((found.state, found.confidence), (State::Intercepted, Confidence::Strong));
    assert!(ids(&found).contains(&signs::HTTP2.id));
}

#[test]
fn a_products_field_alone_is_manipulation() {
    let marked = with(like_chrome(), &[("Z-Forwarded-For", "203.0.113.7")]);
    let found = check(CHROME_150, Some(&hello("curl-cffi-chrome150")), &marked);
    assert_eq!(found.state, State::Manipulated);
    assert_eq!(found.attribution.first().map(|who| who.vendor.as_str()), Some("Zscaler"));
    // What every proxy adds may be the service's own.
    let own = with(like_chrome(), &[("X-Forwarded-For", "203.0.113.7")]);
    let found = check(CHROME_150, Some(&hello("curl-cffi-chrome150")), &own);
    assert_eq!(found.state, State::Intact);
    assert!(ids(&found).contains(&signs::INTERMEDIARY_HEADER.id));
}

#[test]
fn a_program_that_is_no_browser_is_never_intercepted_for_that() {
    for (user_agent, name, state) in [
        ("curl/7.88.1", "curl-7.88", State::Unknown),
        ("Wget/1.21.3", "wget-1.21", State::Intact),
        ("Go-http-client/2.0", "go1.19-nethttp", State::Unknown),
        ("frobnicate/1.0", "squid", State::Unknown),
        ("", "squid", State::Unknown),
        ("-", "squid", State::Unknown),
    ] {
        let found = check(user_agent, Some(&hello(name)), &json!({}));
        assert_eq!(found.state, state, "{user_agent} {found:?}");
    }
    let office = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)";
    let found = check(office, Some(&hello("squid")), &json!({}));
    assert_eq!((found.state, found.confidence), (State::Intercepted, Confidence::Weak));
    assert!(ids(&found).contains(&signs::TOOL.id));
    // Scripts write this name into their requests, so a hello of another library is no proof.
    let found = check("Go-http-client/2.0", Some(&hello("stunnel-1")), &json!({}));
    assert_eq!(found.state, State::Unknown);
}

#[test]
fn what_was_not_recorded_is_unknown_and_says_why() {
    let found = check(FIREFOX_153, None, &json!({}));
    assert_eq!((found.state, found.reason.as_deref()), (State::Unknown, Some("no ClientHello was recorded")));
    let found = check("", None, &json!({}));
    assert_eq!(found.reason.as_deref(), Some("the request does not say what sent it"));
}

#[test]
fn a_websocket_that_fails_is_degradation_where_nothing_is_worse() {
    for (websocket, detail) in [
        (json!({"outcome": "refused", "status": 426}), "a WebSocket was refused"),
        (json!({"outcome": "closed", "close_code": 1006}), "a WebSocket ended without a close frame"),
    ] {
        let request = json!({"websocket": websocket});
        let found = check(CHROME_150, Some(&hello("curl-cffi-chrome150")), &request);
        assert_eq!((found.state, found.evidence[0].detail.as_str()), (State::Degraded, detail));
        assert_eq!(check(CHROME_150, Some(&hello("squid")), &request).state, State::Intercepted);
    }
    let closed = json!({"websocket": {"outcome": "closed", "close_code": 1000}});
    assert_eq!(check(CHROME_150, Some(&hello("curl-cffi-chrome150")), &closed).state, State::Intact);
}

#[test]
fn what_others_wrote_is_shown_without_control_characters() {
    let injected = with(like_chrome(), &[("Z-Forwarded-For", "\u{1b}[31m\r\nX: 1")]);
    let found = check(CHROME_150, Some(&hello("squid")), &injected);
    assert!(found.evidence.iter().all(|sign| !sign.detail.contains(char::is_control)), "{:?}", found.evidence);
}
