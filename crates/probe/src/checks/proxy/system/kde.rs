//! KDE: the group `Proxy Settings` of `kioslaverc` (KProtocolManager of KIO).

use std::collections::HashMap;

use super::Setting;
use crate::checks::proxy::bypass::{Bypass, Style};

pub(super) fn read(text: &str) -> Setting {
    let mut values: HashMap<&str, &str> = HashMap::new();
    let mut in_group = false;
    for line in text.lines().map(str::trim).take(10_000) {
        if line.starts_with('[') {
            in_group = line == "[Proxy Settings]";
        } else if let Some((key, value)) = line.split_once('=').filter(|_| in_group) {
            // `key[$e]` marks a value in which variables are replaced.
            let key = key.split('[').next().unwrap_or_default();
            values.insert(key.trim(), value.trim());
        }
    }
    let value = |key: &str| values.get(key).copied().unwrap_or_default();
    match value("ProxyType") {
        "1" => {
            let proxy = ["httpsProxy", "socksProxy"].into_iter().map(value).find(|proxy| !proxy.is_empty());
            let bypass = Bypass::new(Style::Names, value("NoProxyFor").split([',', ' ']))
                .reversed(value("ReversedException") == "true");
            match proxy {
                // Host and port stand apart: `http://192.0.2.1 3128`.
                Some(proxy) => Setting::fixed(&proxy.replacen(' ', ":", 1), bypass),
                None => Setting::Direct,
            }
        }
        "2" => Setting::Script(value("Proxy Config Script").to_owned()),
        "3" => Setting::Discover,
        "4" => Setting::Environment,
        _ => Setting::Direct,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type() {
        let of = |kind: &str| {
            read(&format!(
                "[Other]\nProxyType=2\n[Proxy Settings][$i]\n[Proxy Settings]\nProxyType={kind}\n\
                 Proxy Config Script[$e]=http://p/x.pac\nhttpsProxy=http://192.0.2.1 3128\n\
                 NoProxyFor=.contoso.example, localhost\nReversedException=false\n"
            ))
        };
        assert!(matches!(of("0"), Setting::Direct));
        assert!(matches!(of("1"), Setting::Fixed { proxy: Ok(proxy), bypass }
            if proxy.to_string() == "http://192.0.2.1:3128" && bypass.shown() == [".contoso.example", "localhost"]));
        assert!(matches!(of("2"), Setting::Script(url) if url == "http://p/x.pac"));
        assert!(matches!(of("3"), Setting::Discover));
        assert!(matches!(of("4"), Setting::Environment));
        assert!(matches!(read(""), Setting::Direct));
    }
}
