//! Whether a request is otherwise that of the browser it claims to come from.
//!
//! Intermediaries change the connection and a few fields; a script that borrows a User-Agent has none of what a browser
//! sends with it. Client hints (User-Agent Client Hints, WICG) and fetch metadata (W3C Fetch Metadata Request Headers)
//! survive every product that has been measured, so they tell the two apart.

use model::{Observation, ObservedHttp};

use super::{all_names, has, value};
use crate::client::http2::is_websocket;
use crate::client::user_agent::{Browser, Engine};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Likeness {
    /// And what shows it.
    Like(&'static str),
    /// And what is missing or contradicts.
    Unlike(&'static str),
    /// Too little was recorded.
    Unknown,
}

pub(in crate::client) fn likeness(browser: &Browser, observation: &Observation<'_>) -> Likeness {
    let Some(http) = &observation.http else { return Likeness::Unknown };
    let version = browser.engine_version();
    if browser.engine == Engine::Chromium {
        match client_hints(http, version) {
            Some(true) => return Likeness::Like("its client hints name the same version"),
            Some(false) => return Likeness::Unlike("its client hints name another version than its User-Agent"),
            None => {}
        }
    }
    if fetch_metadata(http) {
        return Likeness::Like("it carries fetch metadata");
    }
    if is_websocket(observation) {
        let offers = value(http, "sec-websocket-extensions").is_some_and(|e| e.starts_with("permessage-deflate"));
        return if offers && has(http, "origin") {
            Likeness::Like("it opens a WebSocket as browsers do")
        } else {
            Likeness::Unknown
        };
    }
    if sends_fetch_metadata(browser.engine, version) {
        let none = all_names(http).is_some_and(|mut names| !names.any(is_metadata));
        return if none { Likeness::Unlike("it has no fetch metadata and no client hints") } else { Likeness::Unknown };
    }
    if older_browser(http) {
        return Likeness::Like("its Accept fields are those of a browser");
    }
    let lacks = |name| all_names(http).is_some() && !has(http, name);
    if lacks("accept") || lacks("accept-language") && lacks("accept-encoding") {
        return Likeness::Unlike("it lacks the Accept fields of a browser");
    }
    Likeness::Unknown
}

fn is_metadata(name: &str) -> bool {
    let begins = |start: &str| name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    begins("sec-fetch-") || begins("sec-ch-ua")
}

/// `Sec-CH-UA` lists brands with their major versions; Chromium 89 and newer send it with every request over TLS. `None`
/// where it was not recorded or the version is not known. A brand that is made up to keep servers tolerant has a version of
/// its own, so one that fits is enough, and only the brand Chromium can contradict.
fn client_hints(http: &ObservedHttp<'_>, version: Option<u16>) -> Option<bool> {
    let brands = value(http, "sec-ch-ua")?;
    let version = version?;
    let named = |brand: &str| -> Option<u16> {
        let (_, after) = brands.split_once(brand)?;
        after.strip_prefix("\";v=\"")?.split('"').next()?.parse().ok()
    };
    let chromium = named("\"Chromium")?;
    Some(chromium == version)
}

/// Two of the four fields, with values that the specification has (Fetch Metadata Request Headers section 2).
fn fetch_metadata(http: &ObservedHttp<'_>) -> bool {
    let good = |name: &str, values: &[&str]| match value(http, name) {
        Some(value) => values.is_empty() && is_token(value) || values.contains(&value),
        None => has(http, name),
    };
    good("sec-fetch-site", &["none", "same-origin", "same-site", "cross-site"])
        && good("sec-fetch-mode", &["navigate", "cors", "no-cors", "same-origin", "websocket"])
        && good("sec-fetch-dest", &[])
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Chrome 80, Firefox 90, Safari 16.4 (browser release notes; the last is taken at its next major version).
fn sends_fetch_metadata(engine: Engine, version: Option<u16>) -> bool {
    let since = match engine {
        Engine::Chromium => 80,
        Engine::Gecko => 90,
        Engine::WebKit => 17,
        Engine::Trident | Engine::Presto => return false,
    };
    version.is_some_and(|version| version >= since)
}

/// Accept for documents, a language, and the encodings in the order that browsers list them in.
fn older_browser(http: &ObservedHttp<'_>) -> bool {
    let document = value(http, "accept").is_some_and(|accept| accept.starts_with("text/html"));
    let script = value(http, "accept").is_some_and(|accept| accept.starts_with("*/*")) && has(http, "referer");
    (document || script) && has(http, "accept-language") && has(http, "accept-encoding")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::user_agent::{Claim, read};

    const CHROME: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
    const OLD: &str =
        "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/48.0.2564.103 Safari/537.36";

    /// `whole`: the names of all fields are known.
    fn check(user_agent: &str, headers: &[(&'static str, &'static str)], whole: bool) -> Likeness {
        let line = r#"{"v":1,"time":"2026-11-23T12:00:00Z","tenant":"contoso","host":"outlook.office365.com"}"#;
        let mut observation: Observation<'_> = serde_json::from_str(line).expect("an observation");
        observation.http = Some(ObservedHttp {
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            header_names: whole.then(|| headers.iter().map(|(name, _)| (*name).into()).collect()),
            ..ObservedHttp::default()
        });
        let Claim::Browser(browser) = read(Some(user_agent)) else { panic!("a browser") };
        likeness(&browser, &observation)
    }

    fn is_like(likeness: Likeness) -> bool {
        matches!(likeness, Likeness::Like(_))
    }

    #[test]
    fn hints_and_metadata_are_what_browsers_send() {
        let hints = [("sec-ch-ua", "\"Not;A=Brand\";v=\"8\", \"Chromium\";v=\"150\", \"Google Chrome\";v=\"150\"")];
        assert!(is_like(check(CHROME, &hints, false)));
        let metadata = [("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
        assert!(is_like(check(FIREFOX, &metadata, false)));
        assert!(!is_like(check(FIREFOX, &[("Sec-Fetch-Mode", "cors")], false)));
        assert!(!is_like(check(FIREFOX, &[("Sec-Fetch-Site", "x y"), metadata[1], metadata[2]], false)));
    }

    #[test]
    fn a_borrowed_user_agent_is_told_by_what_is_missing() {
        let script = [("Host", "a"), ("User-Agent", CHROME), ("Accept-Encoding", "gzip, deflate"), ("Accept", "*/*")];
        assert!(matches!(check(CHROME, &script, true), Likeness::Unlike(_)));
        // The same fields from an edge that logs these alone: nothing can be said.
        assert_eq!(check(CHROME, &script, false), Likeness::Unknown);
        let other = [("sec-ch-ua", "\"Chromium\";v=\"99\"")];
        assert!(matches!(check(CHROME, &other, false), Likeness::Unlike(_)));
        assert!(matches!(check(OLD, &script, true), Likeness::Unknown | Likeness::Unlike(_)));
    }

    #[test]
    fn browsers_older_than_metadata_and_websockets_have_marks_of_their_own() {
        let old = [("Accept", "text/html,*/*;q=0.8"), ("Accept-Language", "en"), ("Accept-Encoding", "gzip")];
        assert!(is_like(check(OLD, &old, false)));
        let socket = [
            ("Origin", "https://a"),
            ("Sec-WebSocket-Key", "x"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
        ];
        assert!(is_like(check(CHROME, &socket, true)));
        assert_eq!(check(CHROME, &socket[1..2], true), Likeness::Unknown);
    }
}
