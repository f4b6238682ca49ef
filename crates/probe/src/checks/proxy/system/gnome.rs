//! GNOME and the desktops that share its settings: the schema `org.gnome.system.proxy`, as `gsettings list-recursively`
//! prints it. `GProxyResolver` of GLib reads it so: for https the proxy for https, else the one for SOCKS.

use super::Setting;
use crate::checks::proxy::bypass::{Bypass, Style};

pub(super) const SCHEMA: &str = "org.gnome.system.proxy";

/// `None` where the text is not what the tool prints.
pub(super) fn read(text: &str) -> Option<Setting> {
    let value = |schema: &str, key: &str| {
        text.lines().take(1_000).find_map(|line| {
            let mut words = line.splitn(3, ' ');
            let of_schema = words.next()? == format!("{SCHEMA}{schema}") && words.next()? == key;
            of_schema.then(|| words.next().unwrap_or_default().trim())
        })
    };
    let string = |schema: &str, key: &str| value(schema, key).map(unquoted).unwrap_or_default();
    match unquoted(value("", "mode")?).as_str() {
        "none" => Some(Setting::Direct),
        "auto" => {
            let url = string("", "autoconfig-url");
            Some(if url.is_empty() { Setting::Discover } else { Setting::Script(url) })
        }
        "manual" => {
            let proxy = [("https", "http"), ("socks", "socks")].into_iter().find_map(|(kind, scheme)| {
                let schema = format!(".{kind}");
                let (host, port) = (string(&schema, "host"), value(&schema, "port").unwrap_or_default());
                (!host.is_empty() && port != "0").then(|| format!("{scheme}://{}:{port}", bracketed(&host)))
            });
            let hosts = list(value("", "ignore-hosts").unwrap_or_default());
            let bypass = Bypass::new(Style::Names, hosts.iter().map(String::as_str));
            Some(proxy.map_or(Setting::Direct, |proxy| Setting::fixed(&proxy, bypass)))
        }
        _ => None,
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// A string of GVariant's text format, without its escapes, which host names and URLs do not need.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).to_owned()
}

/// `['a', 'b']`, or `@as []` where there is none.
fn list(text: &str) -> Vec<String> {
    let inner = text.trim_start_matches("@as").trim().trim_start_matches('[').trim_end_matches(']');
    inner.split(',').map(unquoted).filter(|entry| !entry.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As GLib 2.74 prints it.
    fn printed(mode: &str, url: &str, https: (&str, u16), socks: (&str, u16)) -> String {
        format!(
            "org.gnome.system.proxy autoconfig-url '{url}'\n\
             org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '*.contoso.example']\n\
             org.gnome.system.proxy mode '{mode}'\n\
             org.gnome.system.proxy use-same-proxy true\n\
             org.gnome.system.proxy.https host '{}'\norg.gnome.system.proxy.https port {}\n\
             org.gnome.system.proxy.socks host '{}'\norg.gnome.system.proxy.socks port {}\n",
            https.0, https.1, socks.0, socks.1
        )
    }

    #[test]
    fn every_mode() {
        let nothing = ("", 0);
        assert!(matches!(read(&printed("none", "", nothing, nothing)), Some(Setting::Direct)));
        assert!(matches!(read(&printed("auto", "", nothing, nothing)), Some(Setting::Discover)));
        assert!(
            matches!(read(&printed("auto", "http://p/x.pac", nothing, nothing)), Some(Setting::Script(url)) if url == "http://p/x.pac")
        );
        assert!(matches!(read(&printed("manual", "", nothing, nothing)), Some(Setting::Direct)));
        assert!(
            matches!(read(&printed("manual", "", ("p", 3128), ("s", 1080))), Some(Setting::Fixed { proxy: Ok(proxy), bypass })
            if proxy.to_string() == "http://p:3128" && bypass.shown() == ["localhost", "127.0.0.0/8", "*.contoso.example"])
        );
        assert!(
            matches!(read(&printed("manual", "", nothing, ("2001:db8::1", 1080))), Some(Setting::Fixed { proxy: Ok(proxy), .. })
            if proxy.to_string() == "socks5://[2001:db8::1]:1080")
        );
        assert!(read("No such schema").is_none());
        assert_eq!(list("@as []"), Vec::<String>::new());
    }
}
