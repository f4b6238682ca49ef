//! What a script returns: ways to the host in the order in which they are to be tried.

/// One way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    Direct,
    /// `host` is a name or an address; an IPv6 address is without brackets.
    Proxy {
        scheme: ProxyScheme,
        host: String,
        port: u16,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// `PROXY` and `HTTP`: HTTP in the clear, CONNECT for everything that is TLS.
    Http,
    /// The same within TLS.
    Https,
    /// `SOCKS` and `SOCKS4`.
    Socks4,
    Socks5,
}

impl ProxyScheme {
    /// The scheme in a URL of the proxy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks4 => "socks4",
            Self::Socks5 => "socks5",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks4 | Self::Socks5 => 1080,
        }
    }
}

/// Ways read of one result; nobody lists more.
const CHOICES_LIMIT: usize = 32;

/// Reads a result such as `PROXY proxy.example:8080; SOCKS5 192.0.2.1; DIRECT`. As Chromium does, words are read without
/// regard to case and what makes no sense is left out; where nothing is left, the way is direct.
pub fn choices(result: &str) -> Vec<Choice> {
    let mut choices: Vec<Choice> = result.split(';').filter_map(choice).take(CHOICES_LIMIT).collect();
    if choices.is_empty() {
        choices.push(Choice::Direct);
    }
    choices
}

fn choice(text: &str) -> Option<Choice> {
    let mut words = text.split_ascii_whitespace();
    let kind = words.next()?.to_ascii_lowercase();
    let address = words.next();
    if words.next().is_some() {
        return None;
    }
    let scheme = match (kind.as_str(), address) {
        ("direct", None) => return Some(Choice::Direct),
        ("proxy" | "http", _) => ProxyScheme::Http,
        ("https", _) => ProxyScheme::Https,
        ("socks" | "socks4", _) => ProxyScheme::Socks4,
        ("socks5", _) => ProxyScheme::Socks5,
        _ => return None,
    };
    let (host, port) = host_and_port(address?)?;
    Some(Choice::Proxy { scheme, host: host.to_owned(), port: port.unwrap_or(scheme.default_port()) })
}

/// `host`, `host:port`, `[address]:port`.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        (address, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        None => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
    };
    let is_address = host.contains(':');
    (is_address || model::HostName::parse(host).is_ok()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(result: &str) -> Vec<String> {
        choices(result)
            .into_iter()
            .map(|choice| match choice {
                Choice::Direct => "direct".to_owned(),
                Choice::Proxy { scheme, host, port } => format!("{}://{host}|{port}", scheme.as_str()),
            })
            .collect()
    }

    #[test]
    fn results_are_read_as_browsers_read_them() {
        for (result, read) in [
            ("DIRECT", &["direct"][..]),
            ("", &["direct"]),
            ("nonsense", &["direct"]),
            ("PROXY a.example:8080; direct", &["http://a.example|8080", "direct"]),
            (" proxy a.example ;; HTTPS b.example", &["http://a.example|80", "https://b.example|443"]),
            ("SOCKS 192.0.2.1;SOCKS5 192.0.2.1:1081", &["socks4://192.0.2.1|1080", "socks5://192.0.2.1|1081"]),
            ("PROXY [2001:db8::1]:3128;PROXY [::1]", &["http://2001:db8::1|3128", "http://::1|80"]),
            ("PROXY a b; PROXY; PROXY :1; PROXY a:0; PROXY a:99999; DIRECT x; PROXY [x]:1", &["direct"]),
        ] {
            assert_eq!(shown(result), read, "{result}");
        }
        assert_eq!(choices(&"DIRECT;".repeat(1_000)).len(), CHOICES_LIMIT);
    }

    proptest! {
        #[test]
        fn any_text_is_at_least_one_choice(text in "\\PC{0,80}|((PROXY|SOCKS5|DIRECT)[ ;:a-z0-9.\\[\\]]{0,20})*") {
            prop_assert!(!choices(&text).is_empty());
        }
    }
}
