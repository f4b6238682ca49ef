//! The findings, in order of weight: what, who, how we know, what it breaks, what to do, and how to see it oneself.

use maud::{Markup, html};
use model::{Confidence, Finding, Judgement, Record, State};

use super::{badge, commands, confidence, list};
use crate::report::text::{clean, sentence};

pub(super) fn section(record: &Record, judgement: &Judgement) -> Markup {
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "Findings" }
            @if judgement.findings.is_empty() { p { "Nothing was found." } }
            @for (n, finding) in judgement.findings.iter().enumerate() {
                @let told = judgement.findings.iter().take(n).position(|before| before.who == finding.who);
                (one(n + 1, finding, told.map(|told| told + 1), record))
            }
        }
    }
}

/// `told` is the number of an earlier finding with the same attribution, whose reasons need not be told twice.
fn one(number: usize, finding: &Finding, told: Option<usize>, record: &Record) -> Markup {
    let nothing_known = finding.state == State::Unknown && finding.confidence == Confidence::Weak;
    let commands = commands::for_finding(finding, record);
    html! {
        article.finding id={ "finding-" (number) } {
            h3 {
                (number) ". " (clean(&finding.title)) " "
                // What stands on the path is known, and no verdict.
                @if finding.state == State::Unknown && !nothing_known { span.badge.unknown { "note" } }
                @else { (badge(finding.state)) }
            }
            dl {
                @if !nothing_known { dt { "How sure" } dd { (confidence(finding.confidence)) } }
                @if !finding.who.is_empty() {
                    dt { "Who" }
                    @for who in &finding.who {
                        dd {
                            strong { (clean(&who.product)) }
                            @if who.confidence > 0.0 { " (" (format!("{:.2}", who.confidence)) ")" }
                            @match told {
                                Some(told) => { ", as in " a href={ "#finding-" (told) } { (told) } }
                                None if who.because.is_empty() => {}
                                None => { ": " (who.because.iter().map(|because| clean(because)).collect::<Vec<_>>().join("; ")) }
                            }
                        }
                    }
                }
                @if !finding.because.is_empty() {
                    dt { "How we know" }
                    @for because in &finding.because { dd { (sentence(&clean(because))) } }
                }
                @if !finding.breaks.is_empty() { dt { "What it breaks" } dd { (list(&finding.breaks)) } }
                @if !finding.hosts.is_empty() { dt { "Hosts" } dd.hosts { (list(&finding.hosts)) } }
                @if !finding.action.is_empty() { dt { "What to do" } dd { (clean(&finding.action)) } }
                @if !commands.is_empty() {
                    dt { "See it yourself" }
                    dd { pre tabindex="0" { code { (commands.join("\n")) } } }
                }
            }
        }
    }
}
