//! Windows: the Internet settings of the user in the registry, as `reg query` prints them. WinINET reads them, and with
//! it Edge, Chrome and Office.

use super::Setting;
use crate::checks::proxy::bypass::{Bypass, Style};

#[cfg_attr(not(windows), expect(dead_code, reason = "only Windows asks for it"))]
pub(super) const KEY: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings";
#[cfg_attr(not(windows), expect(dead_code, reason = "only Windows asks for it"))]
pub(super) const CONNECTIONS_KEY: &str =
    r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";

/// What is set, in the order in which WinINET tries it: discovery, script, fixed proxy. `connections` has the binary value
/// in whose ninth octet the switch for discovery is.
pub(super) fn read(text: &str, connections: Option<&str>) -> Vec<Setting> {
    let value = |text: &str, name: &str| {
        text.lines().take(10_000).find_map(|line| {
            // `    ProxyEnable    REG_DWORD    0x1`
            let rest = line.trim().strip_prefix(name)?.strip_prefix("    ")?;
            let (kind, data) = rest.trim_start().split_once("    ").unwrap_or((rest.trim(), ""));
            kind.starts_with("REG_").then(|| data.trim().to_owned())
        })
    };
    let mut settings = Vec::new();
    const AUTO_DETECT: u8 = 0x08;
    let flags = connections
        .and_then(|text| value(text, "DefaultConnectionSettings"))
        .and_then(|hex| u8::from_str_radix(hex.get(16..18)?, 16).ok());
    if flags.is_some_and(|flags| flags & AUTO_DETECT != 0) {
        settings.push(Setting::Discover);
    }
    if let Some(url) = value(text, "AutoConfigURL").filter(|url| !url.is_empty()) {
        settings.push(Setting::Script(url));
    }
    if value(text, "ProxyEnable").is_some_and(|enabled| enabled == "0x1") {
        let server = value(text, "ProxyServer").unwrap_or_default();
        let list = value(text, "ProxyOverride").unwrap_or_default();
        if let Some(proxy) = for_https(&server) {
            settings.push(Setting::fixed(&proxy, Bypass::new(Style::Patterns, list.split(';'))));
        }
    }
    if settings.is_empty() {
        settings.push(Setting::Direct);
    }
    settings
}

/// `host:port` for everything, or `http=a:1;https=b:2;socks=c:3`.
fn for_https(server: &str) -> Option<String> {
    let parts: Vec<&str> = server.split([';', ' ']).filter(|part| !part.is_empty()).collect();
    let named = |scheme: &str| parts.iter().find_map(|part| part.strip_prefix(scheme)?.strip_prefix('='));
    if let Some(proxy) = named("https") {
        return Some(proxy.to_owned());
    }
    if let Some(socks) = named("socks") {
        return Some(format!("socks4://{socks}"));
    }
    parts.into_iter().find(|part| !part.contains('=')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\r\nHKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\r\n    \
        CertificateRevocation    REG_DWORD    0x1\r\n    ProxyEnable    REG_DWORD    0x1\r\n    \
        ProxyServer    REG_SZ    http=a:80;https=proxy.contoso.example:8080\r\n    \
        ProxyOverride    REG_SZ    *.office.com;<local>\r\n    AutoConfigURL    REG_SZ    http://pac/x.pac\r\n";
    const CONNECTIONS: &str = "\r\nHKEY_CURRENT_USER\\...\\Connections\r\n    \
        DefaultConnectionSettings    REG_BINARY    46000000050000000F0000000000\r\n";

    #[test]
    fn all_that_is_set() {
        let settings = read(PRINTED, Some(CONNECTIONS));
        assert!(matches!(settings.as_slice(), [
            Setting::Discover,
            Setting::Script(url),
            Setting::Fixed { proxy: Ok(proxy), bypass },
        ] if url == "http://pac/x.pac"
            && proxy.to_string() == "http://proxy.contoso.example:8080"
            && bypass.shown() == ["*.office.com", "<local>"]));
        assert!(matches!(read("", None).as_slice(), [Setting::Direct]));
        assert!(matches!(
            read(&PRINTED.replace("0x1", "0x0").replace("AutoConfigURL", "X"), None).as_slice(),
            [Setting::Direct]
        ));
    }

    #[test]
    fn one_proxy_or_one_for_each_scheme() {
        assert_eq!(for_https("p:8080").as_deref(), Some("p:8080"));
        assert_eq!(for_https("http=a:1;socks=c:3").as_deref(), Some("socks4://c:3"));
        assert_eq!(for_https("http=a:1"), None);
        assert_eq!(for_https(""), None);
    }
}
