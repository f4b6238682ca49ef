//! The environment, as curl reads it: the name in lower case first, `https_proxy` before `all_proxy`.

use std::collections::BTreeMap;

use model::{Attempt, FailureKind, Operation, ProxySourceKind};

use super::Source;
use super::bypass::{Bypass, Style};
use crate::failure::Stopwatch;
use crate::proxy::Proxy;

/// The variables that decide for https URLs, in the order in which they do.
const PROXIES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const BYPASSES: [&str; 2] = ["no_proxy", "NO_PROXY"];

pub(super) fn sources(environment: &BTreeMap<String, String>) -> Vec<Source> {
    let source = read(ProxySourceKind::Environment, None, environment);
    vec![source.unwrap_or_else(|| {
        let why = "none of HTTPS_PROXY and ALL_PROXY is set";
        Source::without(ProxySourceKind::Environment, "HTTPS_PROXY", Attempt::not_applicable(why))
    })]
}

/// What such variables say, whoever holds them; `file` is where they stand if that is not the environment.
pub(super) fn read(kind: ProxySourceKind, file: Option<&str>, variables: &BTreeMap<String, String>) -> Option<Source> {
    let set = |names: &[&'static str]| {
        names.iter().find_map(|name| {
            let value = variables.get(*name).map(|value| value.trim()).filter(|value| !value.is_empty())?;
            Some((*name, value))
        })
    };
    let (variable, url) = set(&PROXIES)?;
    let name = file.map_or_else(|| variable.to_owned(), |file| format!("{variable} in {file}"));
    let bypass = set(&BYPASSES).map_or("", |(_, list)| list);
    Some(match Proxy::from_setting(url) {
        Ok(proxy) => Source::fixed(kind, name, proxy, Bypass::new(Style::Names, bypass.split([',', ' ']))),
        Err(error) => {
            let failure = Stopwatch::start().failure(Operation::Proxy, FailureKind::Local, error.to_string());
            Source::without(kind, name, Attempt::Failed(failure))
        }
    })
}

#[cfg(test)]
mod tests {
    use model::ProxySetting;

    use super::*;

    fn source(variables: &[(&str, &str)]) -> (String, Attempt<ProxySetting>) {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let facts = sources(&variables).remove(0).facts;
        (facts.name, facts.setting)
    }

    #[test]
    fn the_order_is_that_of_curl() {
        let fixed = |proxy: &str, bypass: &[&str]| {
            let bypass = bypass.iter().map(|entry| (*entry).to_owned()).collect();
            Attempt::Seen(ProxySetting::Fixed { proxy: proxy.to_owned(), bypass })
        };
        assert_eq!(
            source(&[("ALL_PROXY", "socks5h://s"), ("HTTPS_PROXY", "p:3128"), ("NO_PROXY", "a.example, 10.0.0.0/8")]),
            ("HTTPS_PROXY".into(), fixed("http://p:3128", &["a.example", "10.0.0.0/8"]))
        );
        assert_eq!(
            source(&[("https_proxy", ""), ("ALL_PROXY", "socks5h://s")]),
            ("ALL_PROXY".into(), fixed("socks5://s:1080", &[]))
        );
        assert!(matches!(source(&[]), (_, Attempt::NotApplicable(_))));
        assert!(matches!(source(&[("https_proxy", "ftp://ann:secret@x")]).1, Attempt::Failed(failure)
            if failure.kind == FailureKind::Local && !failure.detail.contains("secret")));
    }
}
