//! The path as a drawing: one lane for each thing that travels, from this machine to the service, whole or broken where it
//! breaks. Colour is never the only sign: each lane has a mark and words.

use maud::{Markup, html};
use model::{Judgement, Leaning, Milliseconds, Record, State};

use crate::report::text::{clean, hosts, solution_name};

const WIDTH: u32 = 960;
const MACHINE: u32 = 150;
const SERVICE: u32 = 780;
const BOX: u32 = 465;
const FIRST_LANE: u32 = 110;
const LANE: u32 = 46;

/// One thing that travels.
struct Lane {
    name: &'static str,
    fate: Fate,
    words: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    /// It arrives, but somebody reads it on the way.
    Opened,
    Altered,
    Blocked,
    /// Nothing is known.
    Untold,
}

impl Fate {
    fn class(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Opened => "opened",
            Self::Altered => "altered",
            Self::Blocked => "blocked",
            Self::Untold => "untold",
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::Whole => "✓",
            Self::Opened => "◉",
            Self::Altered => "≠",
            Self::Blocked => "✕",
            Self::Untold => "?",
        }
    }
}

pub(super) fn draw(record: &Record, judgement: &Judgement, include_personal: bool) -> Markup {
    let lanes = lanes(record, judgement);
    let boxes = boxes(judgement);
    let rows = u32::try_from(lanes.len()).unwrap_or(1);
    let height = FIRST_LANE + rows * LANE + 34;
    let (near, far) = legs(record);
    let described: Vec<String> = lanes.iter().map(|lane| format!("{}: {}", lane.name, lane.words)).collect();
    let on_path =
        if boxes.is_empty() { "nothing known between".to_owned() } else { format!("between: {}", boxes.join(", ")) };
    html! {
        figure.drawing aria-label="Drawing of the path" {
            (upright(record, &lanes, &boxes, (near.as_deref(), far.as_deref()), include_personal))
            svg viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="drawing-title drawing-text" {
                title #drawing-title { "The path from this machine to the service" }
                desc #drawing-text { (on_path) ". " (described.join(". ")) "." }
                (place(20, height, "This machine", &here(record, include_personal)))
                (place(SERVICE, height, &clean(&record.service.name), &there(record)))
                @if !boxes.is_empty() {
                    rect.box x=(BOX - 105) y="20" width="210" height=(height - 40) rx="8" {}
                    @for (n, name) in boxes.iter().enumerate() {
                        text.name x=(BOX) y=(44 + 17 * u32::try_from(n).unwrap_or(0)) text-anchor="middle" { (short(name, 30)) }
                    }
                }
                @if let Some(near) = &near {
                    text.small x=((MACHINE + BOX - 105) / 2) y="70" text-anchor="middle" { (near) }
                }
                @if let Some(far) = &far {
                    text.small x=((SERVICE + BOX + 105) / 2) y="70" text-anchor="middle" { (far) }
                }
                @for (n, lane) in lanes.iter().enumerate() {
                    (lane_line(lane, FIRST_LANE + LANE * u32::try_from(n).unwrap_or(0)))
                }
            }
            figcaption {
                ul.legend {
                    @for (fate, words) in [
                        (Fate::Whole, "arrives whole"),
                        (Fate::Opened, "decrypted on the way"),
                        (Fate::Altered, "altered"),
                        (Fate::Blocked, "blocked or broken"),
                        (Fate::Untold, "not told"),
                    ] {
                        li { span class={ "mark " (fate.class()) } aria-hidden="true" { (fate.mark()) } " " (words) }
                    }
                }
            }
        }
    }
}

/// The same for a screen that is too narrow for the drawing: from top to bottom, in words that wrap. The style sheet shows the
/// one or the other.
fn upright(
    record: &Record,
    lanes: &[Lane],
    boxes: &[String],
    (near, far): (Option<&str>, Option<&str>),
    include_personal: bool,
) -> Markup {
    let end = |name: &str, below: &[String]| {
        html! {
            li.end {
                strong { (name) }
                @for line in below { span.small { (line) } }
            }
        }
    };
    let leg = |time: Option<&str>| html! { li.leg aria-hidden=[time.is_none().then_some("true")] { @if let Some(time) = time { (time) } } };
    html! {
        ol.upright {
            (end("This machine", &here(record, include_personal)))
            (leg(near))
            li.between {
                @if boxes.is_empty() {
                    strong { "Nothing known between" }
                } @else {
                    @for name in boxes { strong { (name) } }
                }
                ul {
                    @for lane in lanes {
                        li class=(lane.fate.class()) {
                            span.mark aria-hidden="true" { (lane.fate.mark()) }
                            span { strong { (lane.name) } " " (lane.words) }
                        }
                    }
                }
            }
            (leg(far))
            (end(&clean(&record.service.name), &there(record)))
        }
    }
}

fn place(x: u32, height: u32, name: &str, below: &[String]) -> Markup {
    let width = if x < 100 { MACHINE - 20 } else { WIDTH - 20 - SERVICE };
    html! {
        rect.place x=(x) y="20" width=(width) height=(height - 40) rx="8" {}
        text.name x=(x + width / 2) y="44" text-anchor="middle" { (short(name, 19)) }
        @for (n, line) in below.iter().take(2).enumerate() {
            text.small x=(x + width / 2) y=(62 + 15 * u32::try_from(n).unwrap_or(0)) text-anchor="middle" { (short(line, 24)) }
        }
    }
}

fn lane_line(lane: &Lane, y: u32) -> Markup {
    let class = lane.fate.class();
    let (start, end) = (MACHINE, SERVICE);
    let stop = BOX;
    html! {
        g class={ "lane " (class) } {
            @match lane.fate {
                Fate::Blocked => {
                    line x1=(start) y1=(y) x2=(stop) y2=(y) {}
                    line.gone x1=(stop) y1=(y) x2=(end) y2=(y) {}
                }
                Fate::Opened | Fate::Altered => {
                    line x1=(start) y1=(y) x2=(stop) y2=(y) {}
                    line.second x1=(stop) y1=(y) x2=(end) y2=(y) {}
                }
                Fate::Whole | Fate::Untold => { line x1=(start) y1=(y) x2=(end) y2=(y) {} }
            }
            circle.mark cx=(stop) cy=(y) r="11" {}
            text.mark x=(stop) y=(y + 5) text-anchor="middle" { (lane.fate.mark()) }
            text.lane x=(start + 10) y=(y - 7) { (lane.name) }
            text.small x=(end - 10) y=(y - 7) text-anchor="end" { (short(&lane.words, 34)) }
        }
    }
}

fn lanes(record: &Record, judgement: &Judgement) -> Vec<Lane> {
    let mut lanes = vec![https(judgement)];
    let promised = |wanted: fn(&model::Promises) -> bool| record.hosts.iter().any(|host| wanted(&host.target.promises));
    if promised(|p| p.http3) {
        let seen = record.hosts.iter().filter(|h| h.quic.seen().is_some_and(|q| q.http3.seen().is_some())).count();
        lanes.push(lane(judgement, "HTTP/3 (UDP)", &["quic-", "alt-svc"], seen, 0));
    }
    if promised(|p| p.websocket.is_some()) {
        let seen = record.hosts.iter().filter(|h| h.websocket.seen().is_some_and(|w| w.http1.seen().is_some())).count();
        let failed = failed(record, judgement, &["websocket-"], |h| {
            h.websocket.seen().is_some_and(|w| w.http1.failure().is_some())
        });
        lanes.push(lane(judgement, "WebSocket", &["websocket-"], seen, failed));
    }
    if promised(|p| p.stream.is_some()) {
        let seen = record.hosts.iter().filter(|h| h.stream.seen().is_some()).count();
        let failed = failed(record, judgement, &["stream-"], |h| h.stream.failure().is_some());
        lanes.push(lane(judgement, "Event stream", &["stream-"], seen, failed));
    }
    let media = |host: &model::HostRecord| host.media.seen().is_some_and(|media| !media.stun.is_empty());
    if record.hosts.iter().any(media) {
        let seen = record.hosts.iter().filter(|host| media(host)).count();
        lanes.push(lane(judgement, "Calls (UDP)", &["media-"], seen, 0));
    }
    lanes
}

fn https(judgement: &Judgement) -> Lane {
    let hosts = || judgement.hosts.iter().filter(|host| !host.is_reflector);
    let all = hosts().count();
    let count = |state: State| hosts().filter(|host| host.state == state).count();
    let unreached = hosts().filter(|host| has(host, &["unreachable", "tls-failed", "sni-"])).count();
    let of = |count: usize| super::share(count, all);
    let (fate, words) = if count(State::Intercepted) > 0 {
        (Fate::Opened, format!("decrypted: {}", of(count(State::Intercepted))))
    } else if count(State::Manipulated) > 0 {
        (Fate::Altered, format!("altered: {}", of(count(State::Manipulated))))
    } else if unreached > 0 {
        (Fate::Blocked, format!("not reached: {}", of(unreached)))
    } else if count(State::Intact) + count(State::Degraded) > 0 {
        (Fate::Whole, format!("whole: {}", of(count(State::Intact) + count(State::Degraded))))
    } else {
        (Fate::Untold, "not judged".to_owned())
    };
    Lane { name: "HTTPS (TCP)", fate, words }
}

/// A lane that is broken where evidence of these rules speaks against it.
fn lane(judgement: &Judgement, name: &'static str, rules: &[&str], seen: usize, failed: usize) -> Lane {
    let over_tcp = !name.contains("UDP");
    let broken = judgement.hosts.iter().filter(|host| !host.is_reflector && has(host, rules)).count() + failed;
    let (fate, words) = match (broken, seen) {
        (0, 0) => (Fate::Untold, "not tried".to_owned()),
        // What is carried over decrypted connections is decrypted with them.
        (0, _) if over_tcp && https(judgement).fate == Fate::Opened => (Fate::Opened, "works, decrypted".to_owned()),
        (0, _) => (Fate::Whole, "works".to_owned()),
        (1, _) => (Fate::Blocked, "broken on 1 host".to_owned()),
        (broken, _) => (Fate::Blocked, format!("broken on {broken} hosts")),
    };
    Lane { name, fate, words }
}

/// Hosts on which it was tried in vain, and nothing else speaks against it.
fn failed(
    record: &Record,
    judgement: &Judgement,
    rules: &[&str],
    in_vain: impl Fn(&model::HostRecord) -> bool,
) -> usize {
    let hosts = record.hosts.iter().zip(&judgement.hosts);
    hosts.filter(|(host, verdict)| in_vain(host) && !has(verdict, rules)).count()
}

fn has(host: &model::HostVerdict, rules: &[&str]) -> bool {
    let against = host.evidence.iter().filter(|evidence| evidence.leaning == Leaning::Against);
    against.into_iter().any(|evidence| rules.iter().any(|rule| evidence.id.starts_with(rule)))
}

/// Who stands between: products where they are known, else the kinds of solution.
fn boxes(judgement: &Judgement) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let products = judgement.findings.iter().filter_map(|finding| finding.who.first());
    for product in products.filter(|who| who.confidence > 0.0).map(|who| clean(&who.product)) {
        if !names.contains(&product) {
            names.push(product);
        }
    }
    for class in judgement.solutions.iter().map(|solution| solution_name(solution.class).to_owned()) {
        if names.len() < 3 && !names.contains(&class) {
            names.push(class);
        }
    }
    let unnamed = judgement.findings.iter().any(|finding| finding.state >= State::Degraded);
    if names.is_empty() && unnamed {
        names.push("unknown device".to_owned());
    }
    names.truncate(3);
    names
}

/// What is known of this end: where it leaves, and how long the first leg takes.
fn here(record: &Record, include_personal: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(egress) = record.egress.seen().and_then(|egress| egress.seen.first()) {
        let cut = match (include_personal, egress.address.is_ipv4()) {
            (true, _) => "",
            (false, true) => "/24",
            (false, false) => "/48",
        };
        lines.push(format!("leaves as {}{cut}", egress.address));
        let place = record.geo.seen().and_then(|geo| geo.places.get(&egress.address));
        lines.extend(place.and_then(|place| place.city.as_deref()).map(clean));
    }
    lines
}

fn there(record: &Record) -> Vec<String> {
    let first_byte = median(record, |host| Some(host.http.seen()?.preferred.seen()?.first_byte_ms));
    let mut lines = vec![hosts(record)];
    lines.extend(first_byte.map(|time| format!("first byte {time}")));
    lines
}

/// What the legs took: to whoever answers the SYN, and beyond, as far as that can be told apart.
fn legs(record: &Record) -> (Option<String>, Option<String>) {
    let connected = |host: &model::HostRecord| {
        let tcp = host.tcp.seen()?;
        tcp.connect_ms.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0))
    };
    let exchange =
        |host: &model::HostRecord| host.connections.get(host.http.seen()?.preferred.seen()?.connection).cloned();
    let tcp = median(record, connected).map(|time| format!("TCP {time}"));
    let beyond = median(record, |host| exchange(host)?.proxy_ms).map(|time| format!("CONNECT {time}"));
    let tls = median(record, |host| Some(exchange(host)?.tls.seen()?.handshake_ms)).map(|time| format!("TLS {time}"));
    (tcp, beyond.or(tls))
}

/// The median over the hosts that have it.
fn median(record: &Record, of: impl Fn(&model::HostRecord) -> Option<Milliseconds>) -> Option<Milliseconds> {
    let mut times: Vec<f64> = record.hosts.iter().filter_map(of).map(|time| time.0).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().map(Milliseconds)
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
