//! Every proxy that a source decided for is asked once for a tunnel to the first host, without a sign-in.

use std::sync::Arc;

use futures_util::future::join_all;
use model::{Attempt, Failure, Operation, ProxyAnswer, ProxyConnect, ProxyDecision, Target};
use tokio::time::Instant;
use wire::pac::ProxyScheme;

use super::script;
use crate::failure::{Stopwatch, within};
use crate::host::Context;
use crate::net::ByteStream;
use crate::proxy::{Greeting, Proxy};

/// Proxies asked. A script that balances load may name more; these stand for them.
const PROXIES_LIMIT: usize = 8;
/// Schemes kept of one answer.
const SCHEMES_LIMIT: usize = 8;

pub(super) async fn all(
    context: &Arc<Context>,
    decisions: &[ProxyDecision],
    target: Option<&Target>,
    deadline: Instant,
) -> Vec<ProxyAnswer> {
    let Some(target) = target else { return Vec::new() };
    let mut proxies: Vec<Proxy> = Vec::new();
    let results = decisions.iter().filter_map(|decision| decision.outcome.seen());
    for proxy in results.flat_map(|route| Proxy::from_pac_result(&route.result)).flatten() {
        if proxies.len() < PROXIES_LIMIT && !proxies.contains(&proxy) {
            proxies.push(proxy);
        }
    }
    let answers = proxies.iter().map(|proxy| async move {
        let watch = Stopwatch::start();
        let answer = tokio::time::timeout_at(deadline, Box::pin(one(context, proxy, target))).await;
        answer.unwrap_or_else(|_elapsed| {
            let failure = watch.timed_out(Operation::Proxy, watch.elapsed());
            ProxyAnswer { proxy: proxy.to_string(), address: None, outcome: Attempt::Failed(failure) }
        })
    });
    join_all(answers).await
}

async fn one(context: &Context, proxy: &Proxy, target: &Target) -> ProxyAnswer {
    let watch = Stopwatch::start();
    let mut answer = ProxyAnswer { proxy: proxy.to_string(), address: None, outcome: Attempt::not_tried("") };
    let addresses = match script::addresses(context, &proxy.host, proxy.port, watch).await {
        Ok(addresses) => addresses,
        Err(failure) => return ProxyAnswer { outcome: Attempt::Failed(failure), ..answer },
    };
    let limit = context.settings.timeout;
    let mut last = watch.failure(Operation::Resolve, model::FailureKind::NoSuchName, "the proxy has no address");
    for address in addresses.into_iter().take(2) {
        answer.address = Some(address.ip());
        let connecting =
            async { context.net.connect(address).await.map_err(|error| watch.io(Operation::Connect, &error)) };
        let dialled = Stopwatch::start();
        match within(limit, watch, Operation::Connect, connecting).await {
            Err(failure) => last = failure,
            Ok(stream) => {
                let connect_ms = dialled.elapsed().into();
                let asking = Box::pin(ask(stream, proxy, target, watch));
                let asked = within(limit, watch, Operation::Proxy, asking).await;
                let facts = asked.map(|facts| ProxyConnect { connect_ms, took_ms: watch.elapsed().into(), ..facts });
                return ProxyAnswer { outcome: facts.into(), ..answer };
            }
        }
    }
    ProxyAnswer { outcome: Attempt::Failed(last), ..answer }
}

async fn ask(
    mut stream: Box<dyn ByteStream>,
    proxy: &Proxy,
    target: &Target,
    watch: Stopwatch,
) -> Result<ProxyConnect, Failure> {
    let (host, port) = (target.host.as_str(), target.port);
    let nothing = ProxyConnect {
        status: None,
        schemes: Vec::new(),
        server: None,
        via: None,
        connect_ms: model::Milliseconds::default(),
        took_ms: model::Milliseconds::default(),
    };
    match proxy.scheme() {
        ProxyScheme::Https => stream = script::tls(stream, &proxy.host, watch).await?.0,
        ProxyScheme::Http => {}
        ProxyScheme::Socks5 => {
            let greeting = Proxy::ask_socks5(&mut *stream, host, port, watch).await?;
            let scheme = match greeting {
                Greeting::NoSignIn => None,
                Greeting::Gssapi => Some("GSSAPI"),
                Greeting::UserAndPassword => Some("Username/Password"),
                Greeting::NoneAcceptable => Some("another method than those of RFC 1928"),
            };
            return Ok(ProxyConnect { schemes: scheme.map(str::to_owned).into_iter().collect(), ..nothing });
        }
        ProxyScheme::Socks4 => {
            proxy.connect_tunnel(&mut *stream, host, port, watch).await?;
            return Ok(nothing);
        }
    }
    let head = Proxy::ask_connect(&mut *stream, host, port, watch).await?;
    let first = |name: &str| head.values(name).next().map(str::to_owned);
    let mut schemes: Vec<String> = Vec::new();
    for scheme in head.values("proxy-authenticate").flat_map(challenges) {
        if schemes.len() < SCHEMES_LIMIT && !schemes.contains(&scheme) {
            schemes.push(scheme);
        }
    }
    Ok(ProxyConnect { status: Some(head.status), schemes, server: first("server"), via: first("via"), ..nothing })
}

/// The schemes of a field that may hold several challenges (RFC 9110 section 11.6.1): the words that start an element of
/// the list and are not a parameter of the challenge before.
fn challenges(value: &str) -> Vec<String> {
    let mut schemes = Vec::new();
    let mut quoted = false;
    let elements = value.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    for element in elements {
        let word = element.split_whitespace().next().unwrap_or_default();
        let is_token = !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        // A parameter has its equals sign at once, perhaps after white space.
        let rest = element.trim_start().get(word.len()..).unwrap_or_default().trim_start();
        if is_token && !rest.starts_with('=') {
            schemes.push(word.chars().take(64).collect());
        }
    }
    schemes
}

#[cfg(test)]
mod tests {
    use super::challenges;

    #[test]
    fn schemes_are_told_from_parameters() {
        for (value, expected) in [
            ("Negotiate", &["Negotiate"][..]),
            ("Basic realm=\"a, b\"", &["Basic"]),
            ("Digest realm=\"x\", nonce=\"y\", qop = auth, NTLM, Negotiate abc==", &["Digest", "NTLM", "Negotiate"]),
            ("", &[]),
            ("=, \"", &[]),
        ] {
            assert_eq!(challenges(value), expected, "{value}");
        }
    }
}
