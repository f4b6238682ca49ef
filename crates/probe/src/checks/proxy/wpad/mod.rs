//! Web Proxy Auto-Discovery (draft-ietf-wrec-wpad-01): the URL of a script in option 252 of DHCP, or the host `wpad` in
//! the domain of this machine.
//!
//! Anybody on the link can answer a DHCP question, so a script is taken from the web alone, and never from a file.

mod domains;
#[cfg(target_os = "linux")]
mod inform;
mod leases;

use model::{Attempt, Failure, FailureKind, ProxySourceKind};
use tokio::time::Instant;

use super::script::From;
use super::{SOURCES_LIMIT, Source};
use crate::failure::Stopwatch;
use crate::host::Context;

/// What one lease or one server says.
#[derive(Debug)]
struct Told {
    /// The file, or the interface and the server.
    by: String,
    url: Result<Option<String>, Attempt<()>>,
}

/// The leases that DHCP clients left behind, and the servers on every interface.
pub(super) async fn dhcp(context: &Context, deadline: Instant) -> Vec<Source> {
    let (leases, answers) = tokio::join!(leases::told(), asked(context));
    from_told(context, deadline, leases.into_iter().chain(answers)).await
}

/// Each script is fetched once, all of them side by side, and no more of them than sources are kept.
async fn from_told(context: &Context, deadline: Instant, all: impl Iterator<Item = Told>) -> Vec<Source> {
    let kind = ProxySourceKind::WpadDhcp;
    let mut named: Vec<String> = Vec::new();
    let mut kept: Vec<Told> = Vec::new();
    for told in all {
        if kept.len() >= SOURCES_LIMIT {
            break;
        }
        // A lease and the answer of its server name the same script.
        if let Ok(Some(url)) = &told.url {
            if named.contains(url) {
                continue;
            }
            named.push(url.clone());
        }
        kept.push(told);
    }
    let sources = kept.into_iter().map(|told| async move {
        match told.url {
            Ok(Some(url)) => Source::script(context, deadline, kind, told.by, &url, From::Web).await,
            Ok(None) => Source::without(kind, told.by, Attempt::not_applicable("the answer has no option 252")),
            Err(attempt) => Source::without(kind, told.by, without_value(attempt)),
        }
    });
    futures_util::future::join_all(sources).await
}

#[cfg(target_os = "linux")]
async fn asked(context: &Context) -> Vec<Told> {
    inform::ask_all(context).await
}

#[cfg(not(target_os = "linux"))]
async fn asked(_context: &Context) -> Vec<Told> {
    vec![Told { by: "DHCPINFORM".to_owned(), url: Err(Attempt::not_tried("it is asked on Linux alone")) }]
}

fn without_value<T>(attempt: Attempt<()>) -> Attempt<T> {
    match attempt {
        Attempt::Failed(failure) => Attempt::Failed(failure),
        Attempt::NotTried(why) => Attempt::NotTried(why),
        Attempt::NotApplicable(why) => Attempt::NotApplicable(why),
        Attempt::Seen(()) => Attempt::not_tried("nothing was seen"),
    }
}

/// `http://wpad.DOMAIN/wpad.dat` in every search domain, from the longest name to the shortest; a browser takes the first
/// that it finds.
pub(super) async fn dns(context: &Context, deadline: Instant) -> Vec<Source> {
    let kind = ProxySourceKind::WpadDns;
    let names = domains::names(&domains::of_the_system());
    if names.is_empty() {
        return vec![Source::without(kind, "wpad", Attempt::not_tried("there is no search domain"))];
    }
    let sources = names.into_iter().map(|name| async move {
        let url = format!("http://{name}/wpad.dat");
        let watch = Stopwatch::start();
        // Told apart from a server that does not answer: that nobody set it up is the rule.
        match super::script::addresses(context, name.as_str(), 80, watch).await {
            Err(Failure { kind: FailureKind::NoSuchName, .. }) => {
                Source::without(kind, url, Attempt::not_applicable("there is no such name"))
            }
            Err(failure) => Source::without(kind, url, Attempt::Failed(failure)),
            Ok(_) => Source::script(context, deadline, kind, url.clone(), &url, From::Web).await,
        }
    });
    futures_util::future::join_all(sources).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::proxy::tests::{answering, context, ok, soon};

    fn told(by: &str, url: String) -> Told {
        Told { by: by.to_owned(), url: Ok(Some(url)) }
    }

    #[tokio::test]
    async fn no_answer_of_the_network_names_a_file() {
        let file = std::env::temp_dir().join(format!("truepath-wpad-{}.pac", std::process::id()));
        std::fs::write(&file, "function FindProxyForURL(u, h) { return 'DIRECT'; }").unwrap();
        let elsewhere = format!("HTTP/1.1 302 Found\r\nLocation: file://{}\r\n\r\n", file.display()).into_bytes();
        let server = answering(move |_| elsewhere.clone());
        let urls = [format!("file://{}", file.display()), format!("http://{server}/"), "FILE:///etc/passwd".to_owned()];
        for source in from_told(&context(), soon(), urls.into_iter().map(|url| told("a server", url))).await {
            assert!(matches!(&source.facts.setting, Attempt::Failed(failure) if failure.kind == FailureKind::Local));
            assert!(source.rule.is_none());
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[tokio::test]
    async fn scripts_are_fetched_side_by_side_and_not_without_end() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let fetched = Arc::new(AtomicUsize::new(0));
        let counted = fetched.clone();
        let server = answering(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(std::time::Duration::from_millis(200));
            ok(b"function FindProxyForURL(u, h) { return 'DIRECT'; }")
        });
        let watch = Stopwatch::start();
        let all = (0..10 * SOURCES_LIMIT).map(|n| told(&n.to_string(), format!("http://{server}/{n}")));
        let sources = from_told(&context(), soon(), all).await;
        assert!(watch.elapsed() < std::time::Duration::from_secs(2), "{:?}", watch.elapsed());
        assert_eq!((sources.len(), fetched.load(Ordering::Relaxed)), (SOURCES_LIMIT, SOURCES_LIMIT));
        assert!(sources.iter().all(|source| source.rule.is_some()));
    }
}
