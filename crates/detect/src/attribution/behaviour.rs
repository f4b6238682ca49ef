//! What a path does to the traffic it has decrypted: support for, or doubt about, a product that something else
//! points to. By itself it names nobody, because many products share each of these traits.

use serde::Deserialize;

use super::{Kind, Signal};
use crate::rules::{cut_idle, held_stream};
use crate::view::{TLS13, View};
use crate::{Knowledge, KnowledgeError};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Behaviour {
    pub(crate) product: String,
    alpn: Option<String>,
    tls: Option<String>,
    websocket: Option<String>,
    stream: Option<String>,
    idle_s: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    behaviour: Vec<Behaviour>,
}

impl Behaviour {
    pub(crate) fn parse(text: &str) -> Result<Vec<Self>, KnowledgeError> {
        let table: Table = toml::from_str(text).map_err(|error| KnowledgeError::Interceptors(error.to_string()))?;
        Ok(table.behaviour)
    }
}

/// What was seen on this host, where it was seen.
struct Traits {
    alpn: Option<String>,
    tls: Option<&'static str>,
    websocket: Option<&'static str>,
    stream: Option<&'static str>,
    idle_s: Option<f64>,
}

const SUPPORT: f64 = 0.3;
const DOUBT: f64 = -0.2;

pub(super) fn signals(view: &View<'_>, knowledge: &Knowledge, pointed: &[String]) -> Vec<Signal> {
    let seen = traits(view);
    knowledge
        .behaviours()
        .iter()
        .filter(|behaviour| pointed.contains(&behaviour.product))
        .filter_map(|behaviour| {
            let interceptor = knowledge.interceptor(&behaviour.product)?;
            let told: Vec<(&str, bool)> = [
                both(seen.alpn.as_deref(), behaviour.alpn.as_deref()).map(|fits| ("ALPN", fits)),
                both(seen.tls, behaviour.tls.as_deref()).map(|fits| ("TLS version", fits)),
                both(seen.websocket, behaviour.websocket.as_deref()).map(|fits| ("WebSocket", fits)),
                both(seen.stream, behaviour.stream.as_deref()).map(|fits| ("event stream", fits)),
                seen.idle_s.zip(behaviour.idle_s).map(|(seen, known)| ("idle time", (seen - known).abs() < 1.0)),
            ]
            .into_iter()
            .flatten()
            .collect();
            if told.iter().any(|(_, fits)| !fits) {
                let odd: Vec<&str> = told.iter().filter(|(_, fits)| !fits).map(|(name, _)| *name).collect();
                let because = format!("but it treats the {} otherwise in our lab", crate::text::listed(&odd));
                return Some(Signal::of(interceptor, Kind::Behaviour, DOUBT, because));
            }
            let names: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
            let because = format!("it treats {} like this in our lab", crate::text::listed(&names));
            (names.len() >= 2).then(|| Signal::of(interceptor, Kind::Behaviour, SUPPORT, because))
        })
        .collect()
}

fn both(seen: Option<&str>, known: Option<&str>) -> Option<bool> {
    Some(seen? == known?)
}

fn traits(view: &View<'_>) -> Traits {
    let ended = view.classic().or_else(|| view.hybrid()).filter(|(index, _)| view.can_be_altered(*index));
    let tls = ended.and_then(|(_, connection)| connection.tls.seen());
    let session = view.host.websocket.seen().and_then(|w| w.http1.seen()).filter(|s| view.can_be_altered(s.connection));
    let websocket = session.and_then(|session| match session.status {
        426 => Some("426"),
        101 => match session.extensions_arrived.seen() {
            Some(None) if session.extensions_offered.is_some() => Some("no-compression"),
            _ => Some("passes"),
        },
        _ => None,
    });
    let stream = view
        .host
        .stream
        .seen()
        .filter(|stream| stream.exchange.status == 200 && view.can_be_altered(stream.exchange.connection))
        .map(|stream| if held_stream(stream).is_some() { "held" } else { "passes" });
    Traits {
        alpn: tls.map(|tls| tls.alpn.clone().unwrap_or_else(|| "none".to_owned())),
        tls: tls.map(|tls| if tls.version >= TLS13 { "1.3" } else { "1.2" }),
        websocket,
        stream,
        idle_s: cut_idle(view).filter(|(s, _)| view.can_be_altered(s.connection)).map(|(_, after)| after.0 / 1e3),
    }
}
