//! `--html FILE`: one page that a network engineer hands to the security team or to the vendor.
//!
//! Self-contained: no script, no font, no image from elsewhere, and a content security policy that says so; what the page
//! shows it carries. Light or dark as the reader's system is, and clean on A4 paper. The record is drawn as it was judged:
//! nothing is concluded here. Everything that came from the network is escaped by the template, and cleaned of what turns
//! the direction of writing.

mod commands;
mod drawing;
mod evidence;
mod findings;
mod hosts;
mod method;
mod personal;

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use detect::Knowledge;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use model::{Attempt, Comparison, ExitCode, Judgement, Record, State};

use super::comparison::{phase, signed, value};
use super::text::{clean, hosts as hosts_of, solution_name};

const STYLE: &str = include_str!("style.css");

/// The report over one record. Unless `include_personal`, the record is cut first and judged as cut.
pub(crate) fn render(record: &Record, knowledge: &Knowledge, include_personal: bool) -> String {
    let record = if include_personal { record.clone() } else { personal::without_personal(record.clone()) };
    let mut judgement = detect::judge(&record, knowledge);
    if !include_personal {
        personal::name_networks(&mut judgement, &record);
    }
    let title = format!("{}: {}", clean(&record.service.name), headline(&judgement));
    page(&title, &whole(&record, &judgement, include_personal, None))
}

/// The report over a comparison: the gain first, then the report over the detour.
pub(crate) fn render_comparison(comparison: &Comparison, knowledge: &Knowledge, include_personal: bool) -> String {
    let mut comparison = comparison.clone();
    if !include_personal {
        for way in [&mut comparison.detour, &mut comparison.bypass] {
            way.record = personal::without_personal(way.record.clone());
        }
    }
    let mut judgement = detect::compare(&comparison, knowledge);
    if !include_personal {
        personal::name_networks(&mut judgement.detour, &comparison.detour.record);
    }
    let title = format!("{}: what a bypass would gain", clean(&comparison.detour.record.service.name));
    let gain = gain(&comparison, &judgement);
    page(&title, &whole(&comparison.detour.record, &judgement.detour, include_personal, Some(gain)))
}

fn page(title: &str, body: &Markup) -> String {
    let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
    .into_string()
}

fn whole(record: &Record, judgement: &Judgement, include_personal: bool, gain: Option<Markup>) -> Markup {
    html! {
        header {
            p.service { (clean(&record.service.name)) }
            h1 class=(state_class(worst(judgement))) { (headline(judgement)) }
            p.facts {
                time datetime=(record.started) { (day(record)) }
                " · " (hosts_of(record)) " in " (record.took_ms)
                @if let Some(via) = &record.path.via { " · through " (clean(via)) }
                @if let Some(interface) = &record.options.interface { " · by interface " (clean(interface)) }
                @if let (Some(instance), Some(version)) = (&record.service.instance, &record.service.catalogue) {
                    " · endpoint list " (clean(instance)) " " (clean(version))
                }
            }
        }
        main {
            @if let Some(gain) = gain { (gain) }
            section aria-labelledby="path" {
                h2 #path { "The path" }
                (drawing::draw(record, judgement, include_personal))
                (solutions(judgement))
            }
            section aria-labelledby="workloads" {
                h2 #workloads { "By workload" }
                (workloads(judgement))
                (measures(judgement))
            }
            (findings::section(record, judgement))
            (hosts::section(record, judgement))
            (evidence::section(record, judgement))
            (method::section(record, include_personal))
        }
        footer {
            p {
                "Made by " (clean(&record.tool)) ". The same record can be judged again: "
                code { "truepath judge RECORD.json --html FILE" }
            }
        }
    }
}

fn headline(judgement: &Judgement) -> String {
    let service = || judgement.hosts.iter().filter(|host| !host.is_reflector);
    let all = service().count();
    let count = |state: State| service().filter(|host| host.state == state).count();
    let share = |count: usize| share(count, all);
    match judgement.exit {
        ExitCode::Interception => {
            let who = judgement.findings.iter().find(|finding| finding.state == State::Intercepted);
            let who = who.and_then(|finding| finding.who.first()).filter(|who| who.confidence > 0.0);
            let by = who.map(|who| format!(" by {}", clean(&who.product))).unwrap_or_default();
            match count(State::Intercepted) {
                0 => format!("TLS is decrypted{by}"),
                count => format!("TLS to {} is decrypted{by}", share(count)),
            }
        }
        ExitCode::Degradation => match (count(State::Manipulated), count(State::Degraded)) {
            (0, 0) => "the path is impaired".to_owned(),
            (0, degraded) => format!("something does not work on {}", share(degraded)),
            (altered, _) => format!("answers of {} are altered", share(altered)),
        },
        ExitCode::Unreachable => "the service cannot be reached".to_owned(),
        ExitCode::NothingFound => match count(State::Intact) {
            0 => "nothing could be judged".to_owned(),
            intact => format!("the path to {} is intact", share(intact)),
        },
    }
}

/// "both hosts", "3 of 40 hosts".
fn share(count: usize, all: usize) -> String {
    match (count, all) {
        (1, 1) => "the only host".to_owned(),
        (2, 2) => "both hosts".to_owned(),
        (count, all) if count == all => format!("all {all} hosts"),
        (count, all) => format!("{count} of {all} hosts"),
    }
}

fn worst(judgement: &Judgement) -> State {
    let states = judgement.hosts.iter().filter(|host| !host.is_reflector).map(|host| host.state);
    match judgement.exit {
        ExitCode::Interception => State::Intercepted,
        ExitCode::Degradation => states.max().unwrap_or(State::Degraded).max(State::Degraded),
        ExitCode::Unreachable => State::Unknown,
        ExitCode::NothingFound => states.min().unwrap_or(State::Unknown),
    }
}

fn workloads(judgement: &Judgement) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Workload" } th.number scope="col" { "Hosts" } th scope="col" { "State" } th scope="col" { "What" } } }
            tbody {
                @for workload in &judgement.workloads {
                    tr {
                        th scope="row" { (clean(&workload.workload)) }
                        td.number { (workload.hosts) }
                        td { (badge(workload.state)) }
                        td { (clean(&workload.summary)) }
                    }
                }
            }
        }
    }
}

fn measures(judgement: &Judgement) -> Markup {
    html! {
        @if !judgement.measures.is_empty() {
            table {
                thead { tr { th scope="col" { "Measured" } th scope="col" { "Result" } th scope="col" { "Bounds" } } }
                tbody {
                    @for measure in &judgement.measures {
                        tr {
                            th scope="row" { (clean(&measure.name)) }
                            td { (clean(&measure.text)) }
                            td {
                                @match measure.state {
                                    Some(State::Intact) => { span.badge.intact { "within" } }
                                    Some(State::Unknown) | None => { "none" }
                                    Some(_) => { span.badge.degraded { "outside" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn solutions(judgement: &Judgement) -> Markup {
    html! {
        @if !judgement.solutions.is_empty() {
            h3 { "What kind of solution is on the path" }
            dl.solutions {
                @for solution in &judgement.solutions {
                    dt {
                        (solution_name(solution.class))
                        " " span.confidence { (confidence(solution.confidence)) }
                        @if let Some(who) = solution.who.first().filter(|who| who.confidence > 0.0) {
                            ": " (clean(&who.product))
                        }
                    }
                    @for because in &solution.because { dd { (clean(because)) } }
                }
            }
        }
    }
}

fn gain(comparison: &Comparison, judgement: &model::ComparisonJudgement) -> Markup {
    html! {
        section aria-labelledby="gain" {
            h2 #gain { "What a bypass would gain" }
            p.lead { (clean(&judgement.summary)) }
            p {
                "The detour is the way " strong { (clean(&comparison.detour.name)) } ", the bypass is "
                strong { (clean(&comparison.bypass.name)) } ". " (comparison.rounds.len())
                " rounds within " (comparison.took_ms) ", each over both ways one right after the other."
            }
            table {
                thead { tr {
                    th scope="col" { "Phase" } th.number scope="col" { "Detour" } th.number scope="col" { "Bypass" }
                    th.number scope="col" { "Difference" } th.number scope="col" { "95 % interval" }
                } }
                tbody {
                    @for cost in &judgement.costs {
                        tr {
                            th scope="row" { (phase(cost.phase)) }
                            td.number { (value(cost.phase, cost.detour)) }
                            td.number { (value(cost.phase, cost.bypass)) }
                            td.number { (signed(cost.phase, cost.difference)) }
                            td.number {
                                @match cost.interval {
                                    Some((low, high)) => {
                                        (signed(cost.phase, low)) " to " (signed(cost.phase, high))
                                        @if !cost.is_significant() { ": may be none" }
                                    }
                                    None => { "too few rounds" }
                                }
                            }
                        }
                    }
                }
            }
            p.note { "The difference is the median of the rounds' differences, not that of the two medians beside it." }
            @if !judgement.losses.is_empty() {
                table {
                    thead { tr { th scope="col" { "Lost" } th scope="col" { "Past the device" } th scope="col" { "Through it" } th scope="col" { "Hosts" } } }
                    tbody {
                        @for loss in &judgement.losses {
                            tr {
                                th scope="row" { (clean(&loss.what)) }
                                td { (clean(&loss.bypass)) }
                                td { (clean(&loss.detour)) }
                                td { (list(&loss.hosts)) }
                            }
                        }
                    }
                }
            }
            @if !judgement.features.is_empty() { p { "Works past the device and not through it: " (list(&judgement.features)) "." } }
        }
    }
}

fn list(items: &[String]) -> String {
    items.iter().map(|item| clean(item)).collect::<Vec<_>>().join(", ")
}

fn day(record: &Record) -> String {
    record.started.0.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

pub(super) fn badge(state: State) -> Markup {
    html! { span class={ "badge " (state_class(state)) } { (super::text::word(state)) } }
}

fn state_class(state: State) -> &'static str {
    super::text::word(state)
}

fn confidence(confidence: model::Confidence) -> &'static str {
    super::text::confidence(confidence)
}

/// The value, where there is one that a page shows.
fn seen<T>(attempt: &Attempt<T>) -> Option<&T> {
    attempt.seen()
}

#[cfg(test)]
mod tests {
    use detect::Knowledge;
    use model::{Attempt, Header, Record};

    use super::render;

    fn record(name: &str) -> Record {
        let path = format!("{}/../../corpus/records/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Record::from_json(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn nobody_is_named_unless_asked() {
        let mut record = record("squid-bump");
        record.path.via = Some("http://alice:secret@proxy.example:3128".to_owned());
        if let Attempt::Seen(reflector) = &mut record.reflector
            && let Attempt::Seen(reflection) = &mut reflector.hybrid
        {
            reflection.answer.client = "203.0.113.77:50123".parse().unwrap();
            for (name, value) in [("X-Authenticated-User", "alice"), ("X-Forwarded-For", "10.20.30.40")] {
                reflection.answer.headers.push(model::ArrivedHeader(name.to_owned(), value.to_owned()));
            }
        }
        if let Attempt::Seen(http) = &mut record.hosts[0].http
            && let Attempt::Seen(exchange) = &mut http.preferred
        {
            exchange.headers.push(Header("set-cookie".to_owned(), "session=topsecret".to_owned()));
        }
        let page = render(&record, &Knowledge::builtin(), false);
        for personal in ["alice", "203.0.113.77", "10.20.30.40", "topsecret"] {
            assert!(!page.contains(personal), "{personal}");
        }
        assert!(page.contains("10.20.30.0"), "the network stays");
        assert!(render(&record, &Knowledge::builtin(), true).contains("alice"));
    }

    #[test]
    fn a_strangers_words_stay_words() {
        let mut record = record("squid-bump");
        let evil = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}";
        record.service.name = evil.to_owned();
        record.tool = evil.to_owned();
        record.path.via = Some(evil.to_owned());
        record.hosts[0].target.workload = evil.to_owned();
        record.hosts[0].target.path = "/\n'; touch /tmp/x; echo '".to_owned();
        if let Attempt::Seen(reflector) = &mut record.reflector
            && let Attempt::Seen(reflection) = &mut reflector.hybrid
        {
            reflection.answer.headers.push(model::ArrivedHeader(evil.to_owned(), evil.to_owned()));
            reflection.hello_differences.push(evil.to_owned());
        }
        let page = render(&record, &Knowledge::builtin(), true);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{202e}'));
        assert_eq!(page.matches("<style>").count(), 1);
    }

    #[test]
    fn every_stored_record_has_a_page() {
        for name in ["direct", "squid-bump", "origin-down"] {
            let page = render(&record(name), &Knowledge::builtin(), false);
            assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{name}");
        }
    }
}
