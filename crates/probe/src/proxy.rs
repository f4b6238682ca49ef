//! An explicit proxy: where it is, how it is spoken to, and the tunnel that it is asked for.

mod connect;
mod socks;

use std::fmt;
use std::str::FromStr;

use model::{Failure, HostName};
use percent_encoding::percent_decode_str;
use wire::pac::{Choice, ProxyScheme};

use crate::failure::Stopwatch;
use crate::net::ByteStream;

pub(crate) use connect::Head;
pub(crate) use socks::Greeting;

/// `scheme://[user:password@]host[:port]`, user and password percent-encoded (RFC 3986 section 3.2.1). What is shown of
/// it never holds the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    scheme: ProxyScheme,
    credentials: Option<Credentials>,
}

#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not a proxy's address: {why} (expected http://HOST:PORT or socks5://HOST:PORT)")]
pub struct InvalidProxy {
    url: String,
    why: &'static str,
}

impl FromStr for Proxy {
    type Err = InvalidProxy;

    /// The schemes that a tunnel can be opened with: `http`, `socks5` and `socks5h`, of which the last two mean the same
    /// here, for it is always the proxy that resolves the name.
    fn from_str(url: &str) -> Result<Self, InvalidProxy> {
        let proxy = Self::from_setting(url)?;
        match proxy.scheme {
            ProxyScheme::Http | ProxyScheme::Socks5 => Ok(proxy),
            ProxyScheme::Https | ProxyScheme::Socks4 => Err(InvalidProxy {
                url: without_credentials(url),
                why: "only the schemes http and socks5 are spoken to a proxy",
            }),
        }
    }
}

fn without_credentials(url: &str) -> String {
    let shown = match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, authority))) => format!("{scheme}://{authority}"),
        (None, Some((_, authority))) => authority.to_owned(),
        _ => url.to_owned(),
    };
    shown.chars().take(128).collect()
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, scheme, .. } = self;
        let scheme = scheme.as_str();
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl Proxy {
    /// The ways that the result of a proxy auto-configuration script names, in their order; `None` is the direct one.
    pub fn from_pac_result(result: &str) -> Vec<Option<Self>> {
        wire::pac::choices(result)
            .into_iter()
            .map(|choice| match choice {
                Choice::Direct => None,
                Choice::Proxy { scheme, host, port } => Some(Self { host, port, scheme, credentials: None }),
            })
            .collect()
    }

    /// An address as settings have it, in any scheme that a proxy may have; without one it is `http`.
    pub(crate) fn from_setting(url: &str) -> Result<Self, InvalidProxy> {
        let invalid = |why| InvalidProxy { url: without_credentials(url), why };
        let (scheme, default_port, rest) = match url.split_once("://") {
            None => (ProxyScheme::Http, 80, url),
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "http" => (ProxyScheme::Http, 80, rest),
                "https" => (ProxyScheme::Https, 443, rest),
                "socks4" | "socks4a" => (ProxyScheme::Socks4, 1080, rest),
                "socks" | "socks5" | "socks5h" => (ProxyScheme::Socks5, 1080, rest),
                _ => return Err(invalid("only the schemes http and socks5 are spoken to a proxy")),
            },
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => {
                let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
                let decode = |text| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
                match (decode(user), decode(password)) {
                    (Ok(user), Ok(password)) => (Some(Credentials { user, password }), authority),
                    _ => return Err(invalid("the password is not text")),
                }
            }
            None => (None, rest),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !host.ends_with(':') && !port.ends_with(']') => {
                (host, port.parse().map_err(|_| invalid("the port is not a number from 1 to 65535"))?)
            }
            _ => (authority, default_port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        if port == 0 || (!is_address && HostName::parse(host).is_err()) {
            return Err(invalid("the host is neither a name nor an address"));
        }
        Ok(Self { host: host.to_owned(), port, scheme, credentials })
    }

    pub(crate) fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// The value of Proxy-Authorization for a plain request to an HTTP proxy, where there is a user to sign in.
    pub(crate) fn authorization(&self) -> Option<String> {
        self.credentials.as_ref().map(connect::basic)
    }

    /// The address as the result of a script has it: `PROXY host:port`.
    pub(crate) fn to_pac_result(&self) -> String {
        let word = match self.scheme {
            ProxyScheme::Http => "PROXY",
            ProxyScheme::Https => "HTTPS",
            ProxyScheme::Socks4 => "SOCKS",
            ProxyScheme::Socks5 => "SOCKS5",
        };
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("{word} [{host}]:{port}") } else { format!("{word} {host}:{port}") }
    }

    /// Asks for a tunnel to `host:port`. After it, the stream is the tunnel. With a proxy within TLS, the stream is what is
    /// inside of it.
    pub(crate) async fn connect_tunnel(
        &self,
        stream: &mut dyn ByteStream,
        host: &str,
        port: u16,
        watch: Stopwatch,
    ) -> Result<(), Failure> {
        match self.scheme {
            ProxyScheme::Http | ProxyScheme::Https => {
                let head = connect::ask(stream, host, port, self.credentials.as_ref(), watch).await?;
                if head.is_success() { Ok(()) } else { Err(head.refusal(watch)) }
            }
            ProxyScheme::Socks5 => {
                let greeting = socks::greet(stream, self.credentials.as_ref(), watch).await?;
                socks::sign_in(stream, greeting, self.credentials.as_ref(), watch).await?;
                socks::connect(stream, host, port, watch).await
            }
            ProxyScheme::Socks4 => socks::connect4(stream, host, port, watch).await,
        }
    }

    /// Sends CONNECT without a sign-in and gives whatever the proxy answers.
    pub(crate) async fn ask_connect(
        stream: &mut dyn ByteStream,
        host: &str,
        port: u16,
        watch: Stopwatch,
    ) -> Result<Head, Failure> {
        connect::ask(stream, host, port, None, watch).await
    }

    /// Offers every way to sign in to a SOCKS5 proxy, none among them; where that one is taken, asks for the tunnel.
    pub(crate) async fn ask_socks5(
        stream: &mut dyn ByteStream,
        host: &str,
        port: u16,
        watch: Stopwatch,
    ) -> Result<Greeting, Failure> {
        let greeting = socks::offer_all(stream, watch).await?;
        if greeting == Greeting::NoSignIn {
            socks::connect(stream, host, port, watch).await?;
        }
        Ok(greeting)
    }
}

#[cfg(test)]
mod tests {
    use model::FailureKind;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn addresses_of_proxies() {
        let shown = |url: &str| url.parse::<Proxy>().map(|proxy| proxy.to_string()).map_err(|error| error.to_string());
        assert_eq!(shown("http://127.0.0.1:3128"), Ok("http://127.0.0.1:3128".into()));
        assert_eq!(shown("proxy.example:8080"), Ok("http://proxy.example:8080".into()));
        assert_eq!(shown("http://[2001:db8::1]:3128/"), Ok("http://[2001:db8::1]:3128".into()));
        assert_eq!(shown("socks5h://[2001:db8::1]"), Ok("socks5://[2001:db8::1]:1080".into()));
        assert_eq!(shown("http://ann:secret@proxy.example:8080"), Ok("http://proxy.example:8080".into()));
        assert_eq!(shown("socks5://ann:secret@proxy.example"), Ok("socks5://proxy.example:1080".into()));
        for wrong in [
            "https://proxy:1",
            "http://proxy:99999",
            "http://",
            "http://a b:1",
            "https://ann:secret@x:1",
            "socks5://ann:secret@x:0",
            "ftp://ann:secret@x",
        ] {
            let error = shown(wrong).unwrap_err();
            assert!(error.contains("expected http://HOST:PORT") && !error.contains("secret"), "{error}");
        }
        let proxy: Proxy = "http://ann:p%40s:s@proxy.example:8080".parse().unwrap();
        assert_eq!(proxy.credentials.map(|c| (c.user, c.password)), Some(("ann".into(), "p@s:s".into())));
        assert!(!format!("{:?}", "http://ann:secret@p:1".parse::<Proxy>().unwrap()).contains("secret"));
    }

    #[test]
    fn results_of_scripts() {
        let ways: Vec<Option<String>> = Proxy::from_pac_result("HTTPS a.example; SOCKS5 [2001:db8::1]:1081; DIRECT")
            .into_iter()
            .map(|way| way.map(|proxy| format!("{proxy} {}", proxy.to_pac_result())))
            .collect();
        assert_eq!(
            ways,
            [
                Some("https://a.example:443 HTTPS a.example:443".to_owned()),
                Some("socks5://[2001:db8::1]:1081 SOCKS5 [2001:db8::1]:1081".to_owned()),
                None
            ]
        );
    }

    /// Speaks to a proxy that expects and says these octets by turns, and then closes.
    async fn tunnel(proxy: &str, script: &[(&[u8], &[u8])]) -> Result<(), FailureKind> {
        let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let script: Vec<(Vec<u8>, Vec<u8>)> = script.iter().map(|(a, b)| (a.to_vec(), b.to_vec())).collect();
        let server = tokio::spawn(async move {
            for (expected, answer) in script {
                let mut asked = vec![0; expected.len()];
                theirs.read_exact(&mut asked).await.unwrap();
                assert_eq!(asked, expected);
                let _ = theirs.write_all(&answer).await;
            }
        });
        let proxy: Proxy = proxy.parse().unwrap();
        let result = proxy.connect_tunnel(&mut ours, "a.example", 443, Stopwatch::start()).await;
        drop(ours);
        server.await.unwrap();
        result.map_err(|failure| failure.kind)
    }

    #[tokio::test]
    async fn answers_to_connect() {
        let asked: &[u8] = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n";
        let long = b"x".repeat(20_000);
        for (answer, expected) in [
            (&b"HTTP/1.1 200 Connection established\r\n\r\n"[..], Ok(())),
            (b"HTTP/1.1 407 Proxy Authentication Required\r\nServer: x\r\n\r\n", Err(FailureKind::Status(407))),
            (b"SSH-2.0-OpenSSH\r\n\r\n", Err(FailureKind::Protocol)),
            (b"HTTP/1.1 200", Err(FailureKind::Closed)),
            (&long, Err(FailureKind::TooLarge)),
        ] {
            assert_eq!(tunnel("http://p:1", &[(asked, answer)]).await, expected);
        }
    }

    const CONNECT: &[u8] = b"\x05\x01\x00\x03\x09a.example\x01\xbb";
    const GRANTED: &[u8] = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";

    #[tokio::test]
    async fn answers_of_socks5() {
        let open = "socks5://p";
        let none: &[u8] = b"\x05\x01\x00";
        assert_eq!(tunnel(open, &[(none, b"\x05\x00"), (CONNECT, GRANTED)]).await, Ok(()));
        let named = b"\x05\x00\x00\x03\x03abc\x00\x01";
        assert_eq!(tunnel(open, &[(none, b"\x05\x00"), (CONNECT, named)]).await, Ok(()));
        let v6 = [b"\x05\x00\x00\x04", &[0u8; 18][..]].concat();
        assert_eq!(tunnel(open, &[(none, b"\x05\x00"), (CONNECT, &v6)]).await, Ok(()));
        for (answer, expected) in [
            (&b"\x05\x02\x00\x01\0\0\0\0\0\0"[..], FailureKind::Refused),
            (b"\x05\x04\x00\x01\0\0\0\0\0\0", FailureKind::Unreachable),
            (b"\x05\x09\x00\x01\0\0\0\0\0\0", FailureKind::Protocol),
            (b"\x04\x00\x00\x01\0\0\0\0\0\0", FailureKind::Protocol),
            (b"\x05\x00\x00\x07\0\0\0\0\0\0", FailureKind::Protocol),
            (b"\x05\x00\x00\x01\0", FailureKind::Closed),
        ] {
            assert_eq!(tunnel(open, &[(none, b"\x05\x00"), (CONNECT, answer)]).await, Err(expected));
        }
        for (answer, expected) in [
            (&b"\x05\xff"[..], FailureKind::Refused),
            (b"\x05\x02", FailureKind::Protocol),
            (b"HT", FailureKind::Protocol),
            (b"\x05", FailureKind::Closed),
        ] {
            assert_eq!(tunnel(open, &[(none, answer)]).await, Err(expected));
        }
    }

    #[tokio::test]
    async fn a_sign_in_to_socks5() {
        let both: &[u8] = b"\x05\x02\x00\x02";
        let sign_in: &[u8] = b"\x01\x03ann\x04p@ss";
        let steps = |answer: &'static [u8]| [(both, &b"\x05\x02"[..]), (sign_in, answer), (CONNECT, GRANTED)];
        assert_eq!(tunnel("socks5://ann:p%40ss@p", &steps(b"\x01\x00")).await, Ok(()));
        let refused = steps(b"\x01\x01");
        assert_eq!(tunnel("socks5://ann:p%40ss@p", &refused[..2]).await, Err(FailureKind::Refused));
        assert_eq!(tunnel("socks5://ann:x@p", &[(both, b"\x05\x00"), (CONNECT, GRANTED)]).await, Ok(()));
        let long = format!("socks5://{}:x@p", "a".repeat(256));
        assert_eq!(tunnel(&long, &[(both, b"\x05\x02")]).await, Err(FailureKind::Local));
    }
}
