//! Every host with what was tried on it: the matrix.

use maud::{Markup, html};
use model::{Attempt, HostRecord, Judgement, Leaning, Record};

use super::{badge, seen};
use crate::report::text::clean;

/// Columns: what is shown, the rules that speak against it, and whether it was measured.
struct Column {
    title: &'static str,
    rules: &'static [&'static str],
    tried: fn(&HostRecord) -> Option<bool>,
}

const COLUMNS: [Column; 8] = [
    Column { title: "DNS", rules: &["wrong-destination"], tried: |host| tried(&host.dns) },
    Column { title: "TCP", rules: &["unreachable", "proxy-refused"], tried: |host| tried(&host.tcp) },
    Column {
        title: "TLS",
        rules: &[
            "untrusted-chain",
            "private-chain",
            "forged-issuer",
            "no-valid-sct",
            "tls-",
            "sni-",
            "not-tls",
            "hello-",
            "wrong-name",
        ],
        tried: |host| tried(&host.tls),
    },
    Column {
        title: "HTTP",
        rules: &["proxy-status", "block-page", "header-", "http2-lost", "captive-portal"],
        tried: |host| Some(seen(&host.http)?.preferred.seen().is_some()),
    },
    Column {
        title: "HTTP/3",
        rules: &["quic-", "alt-svc"],
        tried: |host| Some(host.quic.seen()?.http3.seen().is_some()).filter(|_| host.target.promises.http3),
    },
    Column {
        title: "WebSocket",
        rules: &["websocket-"],
        tried: |host| Some(host.websocket.seen()?.http1.seen().is_some()),
    },
    Column { title: "Stream", rules: &["stream-"], tried: |host| tried(&host.stream) },
    Column {
        title: "Calls",
        rules: &["media-"],
        tried: |host| host.media.seen().filter(|media| !media.stun.is_empty()).map(|_| true),
    },
];

/// `None` where it was not tried, and otherwise whether something was seen.
fn tried<T>(attempt: &Attempt<T>) -> Option<bool> {
    match attempt {
        Attempt::Seen(_) => Some(true),
        Attempt::Failed(_) => Some(false),
        Attempt::NotTried(_) | Attempt::NotApplicable(_) => None,
    }
}

pub(super) fn section(record: &Record, judgement: &Judgement) -> Markup {
    html! {
        section aria-labelledby="hosts" {
            h2 #hosts { "Every host" }
            div.wide tabindex="0" role="region" aria-label="Table of every host" {
                table.matrix {
                    thead { tr {
                        th scope="col" { "Host" }
                        th scope="col" { "State" }
                        @for column in &COLUMNS { th scope="col" { (column.title) } }
                        th scope="col" { "First byte" }
                    } }
                    tbody {
                        @for host in &record.hosts { (row(host, judgement)) }
                    }
                }
            }
            p.note { "✓ works, ✕ something speaks against it or it failed, · not tried or not promised." }
        }
    }
}

fn row(host: &HostRecord, judgement: &Judgement) -> Markup {
    let verdict = judgement
        .hosts
        .iter()
        .find(|verdict| !verdict.is_reflector && verdict.host == host.target.host && verdict.port == host.target.port);
    let against = |rules: &[&str]| {
        let evidence = verdict.into_iter().flat_map(|verdict| &verdict.evidence);
        let mut against = evidence.filter(|evidence| evidence.leaning == Leaning::Against);
        against.any(|evidence| rules.iter().any(|rule| evidence.id.starts_with(rule)))
    };
    let first_byte = host.http.seen().and_then(|http| http.preferred.seen()).map(|exchange| exchange.first_byte_ms);
    html! {
        tr {
            th scope="row" { (clean(host.target.host.as_str())) @if host.target.port != 443 { ":" (host.target.port) } }
            td { @if let Some(verdict) = verdict { (badge(verdict.state)) } }
            @for column in &COLUMNS {
                @let works = (column.tried)(host).map(|works| works && !against(column.rules));
                @match works {
                    Some(true) => { td.mark.whole { "✓" span.unseen { " works" } } }
                    Some(false) => { td.mark.blocked { "✕" span.unseen { " broken" } } }
                    None => { td.mark { "·" span.unseen { " not tried" } } }
                }
            }
            td.number { @if let Some(time) = first_byte { (time) } }
        }
    }
}
