//! The evidence itself: chains as PEM, the ClientHello that left and the one that arrived, headers sent and arrived.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};
use model::{Attempt, Chain, Judgement, Record, Reflection, ReflectorRecord, State};

use super::list;
use crate::report::text::clean;

/// Chains of hosts that are not intact, each once; more are in the JSON.
const CHAINS: usize = 6;
/// Columns of PEM (RFC 7468 section 2).
const PEM_WIDTH: usize = 64;

pub(super) fn section(record: &Record, judgement: &Judgement) -> Markup {
    html! {
        section.evidence aria-labelledby="evidence" {
            h2 #evidence { "Evidence" }
            (chains(record, judgement))
            @if let Attempt::Seen(reflector) = &record.reflector { (reflected(reflector)) }
        }
    }
}

fn chains(record: &Record, judgement: &Judgement) -> Markup {
    let reflector = record.reflector.seen().map(|reflector| &reflector.host);
    let mut shown: BTreeMap<Vec<String>, (&Chain, Vec<String>)> = BTreeMap::new();
    for (host, verdict) in record.hosts.iter().chain(reflector).zip(&judgement.hosts) {
        if verdict.state == State::Intact {
            continue;
        }
        for chain in &host.chains {
            let key = chain.certificates.iter().map(ToString::to_string).collect();
            let entry = shown.entry(key).or_insert((chain, Vec::new()));
            let name = format!("{}:{}", host.target.host, host.target.port);
            if !entry.1.contains(&name) {
                entry.1.push(name);
            }
        }
    }
    let left = shown.len().saturating_sub(CHAINS);
    html! {
        h3 { "Certificates as they were presented" }
        @if shown.is_empty() { p { "Only chains of intact hosts were seen; " code { "--json" } " has them." } }
        @for (hashes, (chain, hosts)) in shown.iter().take(CHAINS) {
            article.chain {
                h4 { "Shown for " (list(&hosts.iter().take(4).cloned().collect::<Vec<_>>())) @if hosts.len() > 4 { " and " (hosts.len() - 4) " more" } }
                ol {
                    @for certificate in &chain.facts.certificates {
                        li {
                            @match certificate {
                                Attempt::Seen(facts) => {
                                    (clean(&facts.subject)) br;
                                    span.small {
                                        "issued by " (clean(&facts.issuer)) ", valid from " (facts.not_before) " to "
                                        (facts.not_after) ", key " code { (start(&facts.spki_sha256.to_string())) }
                                    }
                                }
                                Attempt::Failed(failure) => { "not readable: " (clean(&failure.detail)) }
                                Attempt::NotTried(why) | Attempt::NotApplicable(why) => { (clean(why)) }
                            }
                        }
                    }
                }
                pre.pem tabindex="0" aria-label="The chain as PEM" {
                    @for hash in hashes {
                        @if let Some(der) = record.certificates.get(hash) { (pem(&der.0)) }
                    }
                }
            }
        }
        @if left > 0 { p { (left) " more chains are in the JSON." } }
    }
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for (n, c) in text.chars().enumerate() {
        if n > 0 && n % PEM_WIDTH == 0 {
            pem.push('\n');
        }
        pem.push(c);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}

fn reflected(reflector: &ReflectorRecord) -> Markup {
    let all = [
        ("TLS 1.3, hybrid key exchange", &reflector.hybrid),
        ("TLS 1.3, classic key exchange", &reflector.classic),
        ("TLS 1.2", &reflector.tls12),
        ("QUIC", &reflector.quic),
    ];
    let seen: Vec<(&str, &Reflection)> = all.iter().filter_map(|(name, r)| Some((*name, r.seen()?))).collect();
    html! {
        h3 { "What left, and what arrived at the reflector" }
        @if seen.is_empty() { p { "The reflector gave no answer." } }
        @for (name, reflection) in &seen {
            @let ours = reflector.host.connections.get(reflection.connection);
            @let exporter = ours.and_then(|connection| connection.tls.seen()?.exporter.as_ref());
            article.reflection {
                h4 { (name) }
                table {
                    thead { tr { th scope="col" { "" span.unseen { "What" } } th scope="col" { "Here" } th scope="col" { "At the reflector" } } }
                    tbody {
                        tr {
                            th scope="row" { "Channel binding" }
                            td { code { (exporter.map_or_else(|| "none".to_owned(), |e| start(&e.to_string()))) } }
                            td { code { (reflection.answer.exporter.as_ref().map_or_else(|| "none".to_owned(), |e| start(&e.to_string()))) } }
                        }
                        tr {
                            th scope="row" { "ClientHello" }
                            td { (ours.and_then(|c| c.client_hello.as_ref()).map_or(0, |hello| hello.0.len())) " octets" }
                            td { (reflection.answer.client_hello.as_ref().map_or(0, |hello| hello.0.len())) " octets" }
                        }
                        @for ArrivedPair { name, sent, arrived } in headers(reflection) {
                            tr class=(if sent == arrived { "" } else { "differs" }) {
                                th scope="row" { (clean(&name)) }
                                td { (clean(sent.as_deref().unwrap_or("not sent"))) }
                                td { (clean(arrived.as_deref().unwrap_or("did not arrive"))) }
                            }
                        }
                    }
                }
                @if !reflection.hello_differences.is_empty() {
                    p { "The ClientHello that arrived is another one:" }
                    ul { @for difference in &reflection.hello_differences { li { (clean(difference)) } } }
                }
            }
        }
    }
}

fn start(hex: &str) -> String {
    let mut shown: String = hex.chars().take(32).collect();
    if hex.len() > shown.len() {
        shown.push('…');
    }
    shown
}

struct ArrivedPair {
    name: String,
    sent: Option<String>,
    arrived: Option<String>,
}

/// Request headers side by side: those sent, in their order, then those that were added.
fn headers(reflection: &Reflection) -> Vec<ArrivedPair> {
    let arrived = &reflection.answer.headers;
    let find =
        |name: &str| arrived.iter().find(|header| header.0.eq_ignore_ascii_case(name)).map(|header| header.1.clone());
    let sent =
        reflection.headers_sent.iter().filter(|header| !header.0.eq_ignore_ascii_case("host")).map(|header| {
            ArrivedPair { name: header.0.clone(), sent: Some(header.1.clone()), arrived: find(&header.0) }
        });
    let was_sent = |name: &str| reflection.headers_sent.iter().any(|header| header.0.eq_ignore_ascii_case(name));
    let added = arrived.iter().filter(|header| !was_sent(&header.0)).map(|header| ArrivedPair {
        name: header.0.clone(),
        sent: None,
        arrived: Some(header.1.clone()),
    });
    sent.chain(added).collect()
}
