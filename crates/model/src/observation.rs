//! An observation: one connection or request as somebody on its way saw it, one JSON object a line.
//!
//! This is what a service's own edge sends: nginx, HAProxy, Envoy, the log of a CDN. Nobody who records judges.

use core::fmt;
use std::net::IpAddr;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Milliseconds, Text, Timestamp, Transport};

/// One line. `v`, `time`, `tenant` and `host` are always there; unknown fields are left out.
///
/// Texts are borrowed from the line where it holds them without escapes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation<'a> {
    pub v: u32,
    pub time: Timestamp,
    #[serde(borrow)]
    pub tenant: Text<'a>,
    #[serde(borrow)]
    pub host: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vantage: Option<Vantage>,
    /// The office, where the recorder knows it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Text<'a>>,
    /// In hex: the handshake message, or the TLS records that carry it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub client_hello: Option<Text<'a>>,
    /// The text that JA3 hashes, from edges that cannot give the octets.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub ja3_text: Option<Text<'a>>,
    /// Fingerprints alone, from edges that can give nothing else. Nothing is held against them yet.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub ja3: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub ja4: Option<Text<'a>>,
    /// The lists of the ClientHello one by one, from edges that log those.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<ObservedHello<'a>>,
    /// The protocol that was negotiated.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub tls_version: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub http: Option<ObservedHttp<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub websocket: Option<ObservedWebSocket<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<ObservedTcp<'a>>,
}

impl Observation<'_> {
    pub const VERSION: u32 = 1;

    /// Takes out what a front end wrote for something that was not there: empty texts and dashes.
    pub fn drop_blanks(&mut self) {
        fn told(text: &mut Option<Text<'_>>) {
            text.take_if(|text| !is_told(text));
        }
        told(&mut self.location);
        told(&mut self.user_agent);
        told(&mut self.client_hello);
        told(&mut self.ja3_text);
        told(&mut self.ja3);
        told(&mut self.ja4);
        told(&mut self.alpn);
        told(&mut self.tls_version);
        if let Some(hello) = &mut self.hello {
            told(&mut hello.ciphers);
            told(&mut hello.extensions);
            told(&mut hello.groups);
            told(&mut hello.point_formats);
        }
        if let Some(http) = &mut self.http {
            told(&mut http.version);
            told(&mut http.h2);
            http.headers.retain(|(_, value)| is_told(value));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vantage {
    Probe,
    Edge,
    Browser,
    Capture,
}

/// Lists of a ClientHello. Each is text: the octets of the list in hex, as HAProxy logs them, or its members with colons
/// between them, by OpenSSL's name or as `0x1302`, as nginx does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedHello<'a> {
    /// The version field of the message itself, 771 in all of today's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u16>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub ciphers: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub point_formats: Option<Text<'a>>,
}

/// The request, as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObservedHttp<'a> {
    /// "1.1", "2", "3", with or without "HTTP/" before it; see [`Self::major`].
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Those that the edge logs, in order: one that is missing here says nothing.
    #[serde(borrow, default, deserialize_with = "headers", skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(Text<'a>, Text<'a>)>,
    /// The names of all headers, in order and as they were written: one that is missing here was not sent. A list, or one
    /// text with commas between the names.
    #[serde(borrow, default, deserialize_with = "names", skip_serializing_if = "Option::is_none")]
    pub header_names: Option<Vec<Text<'a>>>,
    /// The HTTP/2 connection preface: SETTINGS, WINDOW_UPDATE, PRIORITY and the order of pseudo-headers, as
    /// `1:65536;4:6291456|15663105|0|m,a,s,p`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub h2: Option<Text<'a>>,
}

impl ObservedHttp<'_> {
    /// The major version: 1, 2 or 3.
    pub fn major(&self) -> Option<u8> {
        let version = self.version.as_deref()?;
        let number = version.strip_prefix("HTTP/").unwrap_or(version);
        match number.split_once('.').map_or(number, |(major, _)| major) {
            "1" => Some(1),
            "2" => Some(2),
            "3" => Some(3),
            _ => None,
        }
    }
}

/// Headers, without those that have no value: Envoy writes null for what was not there.
fn headers<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Text<'a>, Text<'a>)>, D::Error> {
    struct Headers;

    impl<'de> Visitor<'de> for Headers {
        type Value = Vec<(Text<'de>, Text<'de>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("headers, each a name and a value")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut headers = Vec::new();
            while let Some((name, value)) = list.next_element::<(Text<'de>, Option<Text<'de>>)>()? {
                headers.extend(value.map(|value| (name, value)));
            }
            Ok(headers)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
    }

    deserializer.deserialize_any(Headers)
}

/// Header names, however they were written.
fn names<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Text<'a>>>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = Option<Vec<Text<'de>>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("header names")
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            let names = || text.split(',').map(str::trim).map(Text::from).collect();
            Ok(is_told(text).then(names))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            let names = || text.split(',').map(|name| Text::from(name.trim().to_owned())).collect();
            Ok(is_told(text).then(names))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::new();
            while let Some(name) = list.next_element()? {
                names.push(name);
            }
            Ok(Some(names))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(Names)
}

/// Front ends write nothing, or a dash, for what was not there.
fn is_told(text: &str) -> bool {
    !matches!(text, "" | "-")
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedWebSocket<'a> {
    /// "open", "refused", "reset", "timeout", "closed".
    #[serde(borrow)]
    pub outcome: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_ms: Option<Milliseconds>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObservedTcp<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<Milliseconds>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub syn: Option<ObservedSyn<'a>>,
}

/// The client's SYN; [`Syn`](crate::Syn) is the same where all of it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedSyn<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mss: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_scale: Option<u8>,
    /// "mss,sok,ts,nop,ws"
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Text<'a>>,
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Observation, Text};

    #[test]
    fn header_names_are_a_list_or_a_text() {
        let line = |names: &str| {
            format!(
                r#"{{"v":1,"time":"2026-11-24T00:00:00Z","tenant":"t","host":"h","http":{{"header_names":{names}}}}}"#
            )
        };
        for (names, read) in [
            (r#"["Host","Via"]"#, Some(vec!["Host", "Via"])),
            (r#""Host, Via""#, Some(vec!["Host", "Via"])),
            (r#""-""#, None),
            ("null", None),
        ] {
            let line = line(names);
            let observation: Observation<'_> = serde_json::from_str(&line).unwrap();
            let http = observation.http.unwrap();
            let found: Option<Vec<&str>> =
                http.header_names.as_ref().map(|names| names.iter().map(|name| &**name).collect());
            assert_eq!(found, read, "{names}");
            if let Some(Text(name)) = http.header_names.and_then(|mut names| names.pop()) {
                assert!(matches!(name, Cow::Borrowed(_)));
            }
        }
    }

    #[test]
    fn what_was_not_there_is_not_taken_for_text() {
        let mut observation: Observation<'_> = serde_json::from_str(
            r#"{"v":1,"time":"2026-11-24T00:00:00+00:00","tenant":"t","host":"h","user_agent":"-","alpn":"",
                "hello":{"ciphers":"-"},"http":{"version":"HTTP/1.1","headers":[["via",""],["age","-"],["date",null],["accept","*/*"]]}}"#,
        )
        .unwrap();
        observation.drop_blanks();
        assert_eq!((&observation.user_agent, &observation.alpn), (&None, &None));
        assert_eq!(observation.hello.unwrap().ciphers, None);
        let http = observation.http.unwrap();
        assert_eq!((http.major(), http.headers.len()), (Some(1), 1));
    }
}
