//! How it was measured, with what, and what this page cannot say.

use maud::{Markup, html};
use model::{Attempt, Record};
use probe::Check;

use crate::report::text::clean;

pub(super) fn section(record: &Record, include_personal: bool) -> Markup {
    html! {
        section aria-labelledby="method" {
            h2 #method { "Method and limits" }
            table {
                tbody {
                    tr { th scope="row" { "Checks" } td {
                        @for (n, name) in record.options.checks.iter().enumerate() {
                            @if n > 0 { ", " }
                            @match Check::by_name(name) {
                                Some(check) => { strong { (check.name) } " (" (check.title) ")" }
                                None => { (clean(name)) }
                            }
                        }
                    } }
                    tr { th scope="row" { "Limits" } td {
                        (record.options.timeout_ms) " for each operation, " (record.options.budget_ms) " for the run"
                        @if let Some(life) = record.options.life_ms { ", WebSockets kept silent for " (life) }
                    } }
                    tr { th scope="row" { "Public roots" } td { (clean(&record.trust.public_roots)) } }
                    tr { th scope="row" { "This machine's roots" } td { (attempt(&record.trust.system_roots)) } }
                    tr { th scope="row" { "CT logs" } td { (clean(&record.trust.ct_logs)) } }
                    tr { th scope="row" { "Reflector" } td {
                        @match &record.reflector {
                            Attempt::Seen(reflector) => {
                                (reflector.host.target.host) ":" (reflector.host.target.port) ", key " code { (reflector.key) }
                            }
                            other => { (why(other)) }
                        }
                    } }
                    @if let Attempt::Seen(geo) = &record.geo {
                        tr { th scope="row" { "Places" } td {
                            @for source in &geo.sources {
                                (clean(&source.kind)) " of " (clean(&source.built))
                                @if let Some(attribution) = &source.attribution { ". " (clean(attribution)) }
                                br;
                            }
                        } }
                    }
                }
            }
            ul {
                li { "A host is called intact only where something proves it: a public chain with valid timestamps for the real service, or equal channel binding at the reflector. A missing answer is never read as a clean path." }
                li { "Each connection is judged by itself: a device may decrypt one host, one program or one protocol and not the next. What was not tested is not told." }
                li { "An interceptor that holds a certificate of a public authority for the very name, and logs it, shows at the reflector alone." }
                @if include_personal {
                    li { "This report holds addresses, and maybe names, of the machine and person that made it." }
                } @else {
                    li { "Addresses of the machine that made this report are cut to /24 and /48, its place to 300 m; cookies, accounts and e-mail addresses are left out. The evidence is otherwise unchanged." }
                }
            }
        }
    }
}

fn attempt(attempt: &Attempt<usize>) -> String {
    match attempt {
        Attempt::Seen(roots) => roots.to_string(),
        other => why(other),
    }
}

fn why<T>(attempt: &Attempt<T>) -> String {
    match attempt {
        Attempt::Seen(_) => String::new(),
        Attempt::Failed(failure) => clean(&failure.detail),
        Attempt::NotTried(why) | Attempt::NotApplicable(why) => clean(why),
    }
}
