//! The protocol that was spoken, held against the highest that the browser speaks everywhere.

use model::{HelloFacts, HelloSource, Observation};

use super::super::Fit;
use super::super::user_agent::{Browser, Engine};

/// A request over HTTP/1.1 on a connection that offered no HTTP/2, from a browser that always offers it.
///
/// A WebSocket is set up over a connection that offers HTTP/1.1 alone (RFC 6455 section 4.1), so such a one is no sign. Where
/// HTTP/2 was offered, the server chose HTTP/1.1. Servers that authenticate the connection itself make browsers come back
/// without the offer (RFC 9113 section 9.2.3 and the error HTTP_1_1_REQUIRED), which is why this is unlikely and no more.
///
/// The offer is a field of the ClientHello: this is no witness beside one that found the same field missing there.
pub(in crate::client) fn ceiling(browser: &Browser, observation: &Observation<'_>, hello: Option<&HelloFacts>) -> Fit {
    let speaks = match browser.engine {
        // First versions that offer HTTP/2 by ALPN alone, as servers have asked for since.
        Engine::Chromium => 51,
        Engine::Gecko => 45,
        Engine::WebKit => 10,
        Engine::Trident | Engine::Presto => return Fit::Silent("a browser that may lack HTTP/2"),
    };
    if browser.engine_version().is_some_and(|version| version < speaks) {
        return Fit::Silent("a browser older than HTTP/2");
    }
    let Some(http) = &observation.http else { return Fit::Silent("no request was recorded") };
    match http.version.as_deref().or(observation.alpn.as_deref()) {
        Some("1.0" | "1.1" | "http/1.0" | "http/1.1") => {}
        Some(_) => return Fit::Fits,
        None => return Fit::Silent("the protocol of the request was not recorded"),
    }
    let Some(hello) = hello.filter(|hello| hello.source == HelloSource::Octets) else {
        return Fit::Silent("whether HTTP/2 was offered is not known");
    };
    if hello.alpn().any(|protocol| protocol == b"h2") {
        return Fit::Silent("HTTP/2 was offered, and the server chose HTTP/1.1");
    }
    if is_websocket(observation) {
        return Fit::Silent("a WebSocket");
    }
    Fit::Unlikely("a request over HTTP/1.1 on a connection that did not offer HTTP/2".to_owned())
}

/// Whether this request sets up a WebSocket, or set out to before somebody cut its Upgrade header.
pub(in crate::client) fn is_websocket(observation: &Observation<'_>) -> bool {
    let Some(http) = &observation.http else { return observation.websocket.is_some() };
    let mark = |name: &str| name.eq_ignore_ascii_case("sec-websocket-key");
    observation.websocket.is_some()
        || http.headers.iter().any(|(name, _)| mark(name))
        || http.header_names.iter().flatten().any(|name| mark(name))
}

#[cfg(test)]
mod tests {
    use model::{HelloFacts, Observation, ObservedHttp};

    use super::*;
    use crate::client::user_agent::{Claim, read};

    const CHROME: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";

    fn check(version: &str, offer: &[u8], header: Option<&'static str>) -> Fit {
        let line = r#"{"v":1,"time":"2026-11-23T12:00:00Z","tenant":"contoso","host":"outlook.office365.com"}"#;
        let mut observation: Observation<'_> = serde_json::from_str(line).expect("an observation");
        observation.http = Some(ObservedHttp {
            version: Some(version.to_owned().into()),
            header_names: header.map(|name| vec![name.into()]),
            ..ObservedHttp::default()
        });
        let hello = HelloFacts { alpn_octets: offer.to_vec(), ..HelloFacts::default() };
        let Claim::Browser(browser) = read(Some(CHROME)) else { panic!("a browser") };
        ceiling(&browser, &observation, Some(&hello))
    }

    #[test]
    fn a_page_without_an_offer_of_http2_is_unlikely() {
        assert!(matches!(check("1.1", b"", None), Fit::Unlikely(_)));
        assert!(matches!(check("1.1", b"\x08http/1.1", None), Fit::Unlikely(_)));
        assert_eq!(check("2", b"\x02h2", None), Fit::Fits);
    }

    #[test]
    fn websockets_and_servers_without_http2_are_excused() {
        assert_eq!(check("1.1", b"\x08http/1.1", Some("Sec-WebSocket-Key")), Fit::Silent("a WebSocket"));
        let chosen = check("1.1", b"\x02h2\x08http/1.1", None);
        assert_eq!(chosen, Fit::Silent("HTTP/2 was offered, and the server chose HTTP/1.1"));
    }
}
