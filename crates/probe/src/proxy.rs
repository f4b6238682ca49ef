//! An explicit proxy: where it is, and the CONNECT exchange with it (RFC 9110 section 9.3.6).

use std::fmt;
use std::str::FromStr;

use base64::{Engine, prelude::BASE64_STANDARD};
use model::{Failure, FailureKind, HostName, Operation};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::failure::Stopwatch;
use crate::net::ByteStream;

/// The largest response head to a CONNECT that is read.
const HEAD_LIMIT: usize = 16 * 1024;

/// `http://[user:password@]host[:port]`, user and password percent-encoded (RFC 3986 section 3.2.1). What is shown of it never holds the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    credentials: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not a proxy's address: {why} (expected http://HOST:PORT)")]
pub struct InvalidProxy {
    url: String,
    why: &'static str,
}

impl FromStr for Proxy {
    type Err = InvalidProxy;

    fn from_str(url: &str) -> Result<Self, InvalidProxy> {
        let invalid = |why| InvalidProxy { url: without_credentials(url), why };
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some(_) => return Err(invalid("only the scheme http is spoken to a proxy")),
            None => url,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => {
                let decoded =
                    percent_decode_str(credentials).decode_utf8().map_err(|_| invalid("the password is not text"))?;
                (Some(decoded.into_owned()), authority)
            }
            None => (None, rest),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !host.ends_with(':') => {
                (host, port.parse().map_err(|_| invalid("the port is not a number from 1 to 65535"))?)
            }
            _ => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        if port == 0 || (!is_address && HostName::parse(host).is_err()) {
            return Err(invalid("the host is neither a name nor an address"));
        }
        Ok(Self { host: host.to_owned(), port, credentials })
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
        if self.host.contains(':') {
            write!(f, "http://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "http://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl Proxy {
    /// Asks for a tunnel to `host:port`. After it, the stream is the tunnel.
    pub(crate) async fn connect_tunnel(
        &self,
        stream: &mut dyn ByteStream,
        host: &str,
        port: u16,
        watch: Stopwatch,
    ) -> Result<(), Failure> {
        let mut request = format!(
            "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {}\r\n",
            crate::http_client::USER_AGENT
        );
        if let Some(credentials) = &self.credentials {
            request.push_str(&format!("Proxy-Authorization: Basic {}\r\n", BASE64_STANDARD.encode(credentials)));
        }
        request.push_str("\r\n");
        let io = |error| watch.io(Operation::Proxy, &error);
        stream.write_all(request.as_bytes()).await.map_err(io)?;
        let head = read_head(stream, watch).await?;
        let protocol = || {
            watch.failure(
                Operation::Proxy,
                FailureKind::Protocol,
                format!("answered CONNECT with `{}`", first_line(&head)),
            )
        };
        let status: u16 = first_line(&head)
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1))
            .and_then(|status| status.parse().ok())
            .ok_or_else(protocol)?;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let server = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let named =
                ["server", "via", "proxy-authenticate", "x-squid-error"].contains(&name.to_ascii_lowercase().as_str());
            named.then(|| format!("; {}: {}", name.trim(), value.trim().replace(char::is_control, "")))
        });
        let detail = format!("the proxy answered CONNECT with `{}`{}", first_line(&head), server.unwrap_or_default());
        Err(watch.failure(Operation::Proxy, FailureKind::Status(status), detail.chars().take(240).collect::<String>()))
    }
}

/// Reads up to and including the empty line, octet by octet: what follows belongs to the tunnel.
async fn read_head(stream: &mut dyn ByteStream, watch: Stopwatch) -> Result<String, Failure> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_LIMIT {
            return Err(watch.failure(
                Operation::Proxy,
                FailureKind::TooLarge,
                "the proxy's answer to CONNECT has no end",
            ));
        }
        let octet = stream.read_u8().await.map_err(|error| watch.io(Operation::Proxy, &error))?;
        head.push(octet);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn first_line(head: &str) -> String {
    head.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies() {
        let shown = |url: &str| url.parse::<Proxy>().map(|proxy| proxy.to_string()).map_err(|error| error.to_string());
        assert_eq!(shown("http://127.0.0.1:3128"), Ok("http://127.0.0.1:3128".into()));
        assert_eq!(shown("proxy.example:8080"), Ok("http://proxy.example:8080".into()));
        assert_eq!(shown("http://[2001:db8::1]:3128/"), Ok("http://[2001:db8::1]:3128".into()));
        assert_eq!(shown("http://ann:secret@proxy.example:8080"), Ok("http://proxy.example:8080".into()));
        for wrong in ["https://proxy:1", "http://proxy:99999", "http://", "http://a b:1", "socks5://ann:secret@x:1"] {
            let error = shown(wrong).unwrap_err();
            assert!(error.contains("expected http://HOST:PORT") && !error.contains("secret"), "{error}");
        }
        let proxy: Proxy = "http://ann:p%40ss@proxy.example:8080".parse().unwrap();
        assert_eq!(proxy.credentials.as_deref(), Some("ann:p@ss"));
        assert!(!format!("{:?}", "http://ann:secret@p:1".parse::<Proxy>().unwrap()).contains("secret"));
    }

    async fn answer(response: &[u8]) -> Result<(), FailureKind> {
        let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let response = response.to_vec();
        let server = tokio::spawn(async move {
            let mut asked = vec![0; 512];
            let n = theirs.read(&mut asked).await.unwrap();
            assert!(asked[..n].starts_with(b"CONNECT a.example:443 HTTP/1.1\r\n"));
            let _ = theirs.write_all(&response).await;
        });
        let proxy: Proxy = "http://p:1".parse().unwrap();
        let result = proxy.connect_tunnel(&mut ours, "a.example", 443, Stopwatch::start()).await;
        drop(ours);
        server.await.unwrap();
        result.map_err(|failure| failure.kind)
    }

    #[tokio::test]
    async fn answers_to_connect() {
        assert_eq!(answer(b"HTTP/1.1 200 Connection established\r\n\r\n").await, Ok(()));
        assert_eq!(
            answer(b"HTTP/1.1 407 Proxy Authentication Required\r\nServer: x\r\n\r\n").await,
            Err(FailureKind::Status(407))
        );
        assert_eq!(answer(b"SSH-2.0-OpenSSH\r\n\r\n").await, Err(FailureKind::Protocol));
        assert_eq!(answer(b"HTTP/1.1 200").await, Err(FailureKind::Closed));
        assert_eq!(answer(&b"x".repeat(20_000)).await, Err(FailureKind::TooLarge));
    }
}
