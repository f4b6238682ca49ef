//! macOS: the proxies of the primary network service, as `scutil --proxy` prints them.

use std::collections::HashMap;

use super::Setting;
use crate::checks::proxy::bypass::{Bypass, Style};

/// What is set, in the order in which CFNetwork tries it: discovery, script, fixed proxies.
pub(super) fn read(text: &str) -> Vec<Setting> {
    let mut values: HashMap<&str, &str> = HashMap::new();
    let mut exceptions = Vec::new();
    let mut in_exceptions = false;
    for line in text.lines().map(str::trim).take(10_000) {
        let Some((key, value)) = line.split_once(" : ") else {
            in_exceptions &= line != "}";
            continue;
        };
        if in_exceptions {
            exceptions.push(value.trim());
        } else if key == "ExceptionsList" {
            in_exceptions = true;
        } else {
            values.insert(key, value.trim());
        }
    }
    let value = |key: &str| values.get(key).copied().unwrap_or_default();
    let enabled = |key: &str| value(key) == "1";
    if enabled("ExcludeSimpleHostnames") {
        exceptions.push("<local>");
    }
    let mut settings = Vec::new();
    if enabled("ProxyAutoDiscoveryEnable") {
        settings.push(Setting::Discover);
    }
    if enabled("ProxyAutoConfigEnable") && !value("ProxyAutoConfigURLString").is_empty() {
        settings.push(Setting::Script(value("ProxyAutoConfigURLString").to_owned()));
    }
    for (kind, scheme) in [("HTTPS", "http"), ("SOCKS", "socks5")] {
        let host = value(&format!("{kind}Proxy")).to_owned();
        if enabled(&format!("{kind}Enable")) && !host.is_empty() {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            let port = value(&format!("{kind}Port")).to_owned();
            let port = if port.is_empty() { port } else { format!(":{port}") };
            let bypass = Bypass::new(Style::Patterns, exceptions.iter().copied());
            settings.push(Setting::fixed(&format!("{scheme}://{host}{port}"), bypass));
            break;
        }
    }
    if settings.is_empty() {
        settings.push(Setting::Direct);
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "<dictionary> {
  ExceptionsList : <array> {
    0 : *.local
    1 : 169.254/16
  }
  ExcludeSimpleHostnames : 1
  FTPPassive : 1
  HTTPSEnable : 1
  HTTPSPort : 8080
  HTTPSProxy : proxy.contoso.example
  ProxyAutoConfigEnable : 1
  ProxyAutoConfigURLString : http://pac/x.pac
  ProxyAutoDiscoveryEnable : 1
  SOCKSEnable : 0
}
";

    #[test]
    fn all_that_is_set() {
        let settings = read(PRINTED);
        assert!(matches!(settings.as_slice(), [
            Setting::Discover,
            Setting::Script(url),
            Setting::Fixed { proxy: Ok(proxy), bypass },
        ] if url == "http://pac/x.pac"
            && proxy.to_string() == "http://proxy.contoso.example:8080"
            && bypass.shown() == ["*.local", "169.254/16", "<local>"]));
        let socks = "<dictionary> {\n  HTTPSEnable : 0\n  SOCKSEnable : 1\n  SOCKSProxy : 192.0.2.1\n}";
        assert!(matches!(read(socks).as_slice(), [Setting::Fixed { proxy: Ok(proxy), .. }]
            if proxy.to_string() == "socks5://192.0.2.1:1080"));
        assert!(matches!(read("<dictionary> {\n}").as_slice(), [Setting::Direct]));
    }
}
