//! The CONNECT exchange with an HTTP proxy (RFC 9110 section 9.3.6).

use base64::{Engine, prelude::BASE64_STANDARD};
use model::{Failure, FailureKind, Operation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Credentials;
use crate::failure::Stopwatch;
use crate::net::ByteStream;

/// The largest response head to a CONNECT that is read.
const HEAD_LIMIT: usize = 16 * 1024;
/// Header fields kept of it, and characters of each value.
const HEADERS_LIMIT: usize = 100;
const VALUE_LIMIT: usize = 1024;

/// The head of an answer.
pub(crate) struct Head {
    pub(crate) status: u16,
    first_line: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The values of every field of this name, which is given in lower case.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |header| header.0 == name).map(|header| header.1.as_str())
    }

    pub(super) fn refusal(&self, watch: Stopwatch) -> Failure {
        let server = self.values("server").next().map(|value| format!(", server: {value}")).unwrap_or_default();
        let detail = format!("the proxy answered CONNECT with `{}`{server}", self.first_line);
        let detail: String = detail.chars().take(240).collect();
        watch.failure(Operation::Proxy, FailureKind::Status(self.status), detail)
    }
}

/// The value of Proxy-Authorization (RFC 7617 section 2).
pub(super) fn basic(Credentials { user, password }: &Credentials) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

pub(super) async fn ask(
    stream: &mut dyn ByteStream,
    host: &str,
    port: u16,
    credentials: Option<&Credentials>,
    watch: Stopwatch,
) -> Result<Head, Failure> {
    let mut request = format!(
        "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {}\r\n",
        crate::http_client::USER_AGENT
    );
    if let Some(credentials) = credentials {
        request.push_str(&format!("Proxy-Authorization: {}\r\n", basic(credentials)));
    }
    request.push_str("\r\n");
    let io = |error| watch.io(Operation::Proxy, &error);
    stream.write_all(request.as_bytes()).await.map_err(io)?;
    stream.flush().await.map_err(io)?;
    let head = read_head(stream, watch).await?;
    let first_line: String =
        head.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(120).collect();
    let status = first_line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|status| status.parse().ok());
    let Some(status) = status else {
        let detail = format!("answered CONNECT with `{first_line}`");
        return Err(watch.failure(Operation::Proxy, FailureKind::Protocol, detail));
    };
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(':')).take(HEADERS_LIMIT);
    let headers = headers
        .map(|(name, value)| {
            let value = value.trim().chars().filter(|c| !c.is_control()).take(VALUE_LIMIT).collect();
            (name.trim().to_ascii_lowercase(), value)
        })
        .collect();
    Ok(Head { status, first_line, headers })
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
