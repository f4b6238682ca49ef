//! Fetching a proxy auto-configuration script: by http, https and from a file, bounded in time and size.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use model::{Failure, FailureKind, HexBytes, HostName, Operation, ProxyScript, Validation};
use percent_encoding::percent_decode_str;
use wire::pac::SCRIPT_LIMIT;
use wire::x509::validate;

use super::file;
use crate::failure::{Stopwatch, within};
use crate::host::Context;
use crate::http_client::{Driver, USER_AGENT};
use crate::net::ByteStream;
use crate::tls::{self, Hello};

/// Redirections followed; a script is where it is said to be, or one step further.
const REDIRECTIONS_LIMIT: usize = 3;
/// Characters of a URL and of a content type that are recorded.
const TEXT_LIMIT: usize = 256;

/// The text of a script.
#[derive(Clone)]
pub(super) struct Script(pub(super) Arc<str>);

/// Where a script may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// By http and https alone: somebody on the network says where it is.
    Web,
    /// From a file too: the user or the system's settings say where it is.
    Anywhere,
}

/// A URL without user name, password and query.
pub(super) fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let shown = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            format!("{scheme}://{}{path}", authority.rsplit('@').next().unwrap_or_default())
        }
        None => url.to_owned(),
    };
    shown.chars().filter(|c| !c.is_control()).take(TEXT_LIMIT).collect()
}

pub(super) async fn fetch(context: &Context, url: &str, from: From) -> Result<(Script, ProxyScript), Failure> {
    let watch = Stopwatch::start();
    let limit = context.settings.timeout;
    let Fetched { body, content_type } =
        within(limit, watch, Operation::Request, Box::pin(fetch_body(context, url, from, watch))).await?;
    let facts = ProxyScript {
        url: without_secrets(url),
        sha256: HexBytes(digest::digest(&digest::SHA256, &body).as_ref().to_vec()),
        length: body.len() as u64,
        content_type,
        fetched_ms: watch.elapsed().into(),
    };
    Ok((Script(text(&body).into()), facts))
}

struct Fetched {
    body: Vec<u8>,
    content_type: Option<String>,
}

/// Text in UTF-8, or else in ISO 8859-1, in which each octet is a character.
fn text(body: &[u8]) -> String {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => body.iter().map(|octet| char::from(*octet)).collect(),
    }
}

async fn fetch_body(context: &Context, url: &str, from: From, watch: Stopwatch) -> Result<Fetched, Failure> {
    let local = |detail: &str| watch.failure(Operation::Request, FailureKind::Local, detail);
    if let Some(path) = url.strip_prefix("file://") {
        if from == From::Web {
            return Err(local("a script that the network names is not read from a file"));
        }
        let path = path.strip_prefix("localhost").unwrap_or(path);
        return read_file(&percent_decode_str(path).decode_utf8_lossy(), watch).await;
    }
    let mut uri: Uri = url.parse().map_err(|_| local("this is not a URL"))?;
    for _ in 0..=REDIRECTIONS_LIMIT {
        let location = match request(context, &uri, watch).await? {
            Answer::Body(fetched) => return Ok(fetched),
            Answer::Elsewhere(location) => location,
        };
        let next: Uri = location.parse().map_err(|_| local("the redirection leads to no URL"))?;
        uri = if next.scheme().is_some() {
            next
        } else {
            let mut parts = uri.into_parts();
            parts.path_and_query = next.into_parts().path_and_query;
            Uri::from_parts(parts).map_err(|_| local("the redirection leads to no URL"))?
        };
    }
    Err(watch.failure(Operation::Request, FailureKind::Protocol, "too many redirections"))
}

async fn read_file(path: &str, watch: Stopwatch) -> Result<Fetched, Failure> {
    let path = PathBuf::from(path);
    let failed = |detail: String| watch.failure(Operation::Request, FailureKind::Local, detail);
    match tokio::task::spawn_blocking(move || file::read_file(&path, SCRIPT_LIMIT)).await {
        Ok(Ok(body)) => Ok(Fetched { body, content_type: None }),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::FileTooLarge => Err(too_large(watch)),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn too_large(watch: Stopwatch) -> Failure {
    let detail = format!("the script is longer than {SCRIPT_LIMIT} octets");
    watch.failure(Operation::Body, FailureKind::TooLarge, detail)
}

enum Answer {
    Body(Fetched),
    Elsewhere(String),
}

async fn request(context: &Context, uri: &Uri, watch: Stopwatch) -> Result<Answer, Failure> {
    let local = |detail: &str| watch.failure(Operation::Request, FailureKind::Local, detail);
    let is_https = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(local("only http, https and file URLs are fetched")),
    };
    let host = uri.host().ok_or_else(|| local("the URL names no host"))?;
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let mut stream = connect(context, host, port, watch).await?;
    if is_https {
        stream = secure(context, stream, host, watch).await?;
    }
    let (mut send, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| watch.hyper(Operation::Request, &error))?;
    let _driver = Driver::spawn(async move {
        let _ = driver.await;
    });
    let default_port = port == if is_https { 443 } else { 80 };
    let authority = if default_port { host.to_owned() } else { format!("{host}:{port}") };
    let request = Request::get(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header("host", authority)
        .header("user-agent", USER_AGENT)
        .header("accept", "*/*")
        .body(Empty::<Bytes>::new())
        .map_err(|error| local(&error.to_string()))?;
    let response = send.send_request(request).await.map_err(|error| watch.hyper(Operation::Request, &error))?;
    let (head, body) = response.into_parts();
    let header = |name: &str| {
        let value = String::from_utf8_lossy(head.headers.get(name)?.as_bytes()).into_owned();
        Some(value.chars().filter(|c| !c.is_control()).take(2 * TEXT_LIMIT).collect::<String>())
    };
    match (head.status.as_u16(), header("location")) {
        (200, _) => {
            let content_type = header("content-type").map(|value| value.chars().take(TEXT_LIMIT).collect());
            Ok(Answer::Body(Fetched { body: read_body(body, watch).await?, content_type }))
        }
        (301 | 302 | 303 | 307 | 308, Some(location)) => Ok(Answer::Elsewhere(location)),
        (status, _) => {
            let detail = format!("the server answered {status}");
            Err(watch.failure(Operation::Request, FailureKind::Status(status), detail))
        }
    }
}

async fn read_body(mut body: Incoming, watch: Stopwatch) -> Result<Vec<u8>, Failure> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| watch.hyper(Operation::Body, &error))?;
        if let Some(data) = frame.data_ref() {
            if read.len() + data.len() > SCRIPT_LIMIT {
                return Err(too_large(watch));
            }
            read.extend_from_slice(data);
        }
    }
    Ok(read)
}

/// Connects to a name or an address, as `--resolve` says or the system does.
pub(super) async fn connect(
    context: &Context,
    host: &str,
    port: u16,
    watch: Stopwatch,
) -> Result<Box<dyn ByteStream>, Failure> {
    let addresses = addresses(context, host, port, watch).await?;
    let mut last = watch.failure(Operation::Resolve, FailureKind::NoSuchName, format!("{host} has no address"));
    for address in addresses.into_iter().take(4) {
        match tokio::time::timeout(context.settings.timeout / 2, context.net.connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = watch.io(Operation::Connect, &error),
            Err(_elapsed) => last = watch.timed_out(Operation::Connect, context.settings.timeout / 2),
        }
    }
    Err(last)
}

pub(super) async fn addresses(
    context: &Context,
    host: &str,
    port: u16,
    watch: Stopwatch,
) -> Result<Vec<SocketAddr>, Failure> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let name = HostName::parse(host)
        .map_err(|error| watch.failure(Operation::Resolve, FailureKind::Local, error.to_string()))?;
    if let Some(addresses) = context.settings.overridden(&name, port) {
        return Ok(addresses);
    }
    let limit: Duration = context.settings.timeout;
    match tokio::time::timeout(limit, context.net.lookup(&name)).await {
        Ok(Ok(addresses)) => Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()),
        Ok(Err(error)) => {
            Err(watch.failure(Operation::Resolve, FailureKind::NoSuchName, crate::failure::describe(&error)))
        }
        Err(_elapsed) => Err(watch.timed_out(Operation::Resolve, limit)),
    }
}

/// TLS with a certificate that this machine would trust: a browser takes no script from anybody else.
async fn secure(
    context: &Context,
    stream: Box<dyn ByteStream>,
    host: &str,
    watch: Stopwatch,
) -> Result<Box<dyn ByteStream>, Failure> {
    let (stream, chain) = tls(stream, host, watch).await?;
    let fail = |detail: String| watch.failure(Operation::Handshake, FailureKind::Protocol, detail);
    let name = HostName::parse(host).map_err(|error| fail(error.to_string()))?;
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let trust = &context.trust;
    let given = trust.given.as_ref().map(|(roots, _)| roots);
    let stores = [Some(&trust.public), trust.system.as_ref().ok(), given];
    let trusted = stores
        .into_iter()
        .flatten()
        .filter(|roots| !roots.is_empty())
        .any(|roots| validate(&chain, roots, &name, context.now()) == Validation::Valid);
    if trusted {
        Ok(stream)
    } else {
        Err(fail(format!("the certificate of {host} is not trusted, so browsers would not take the script")))
    }
}

/// TLS without a judgement, and the chain that was presented.
pub(super) async fn tls(
    stream: Box<dyn ByteStream>,
    host: &str,
    watch: Stopwatch,
) -> Result<(Box<dyn ByteStream>, Vec<Vec<u8>>), Failure> {
    let local = |detail: String| watch.failure(Operation::Handshake, FailureKind::Local, detail);
    let prepared = tls::prepare(Hello::Hybrid, &["http/1.1"], true, None).map_err(|error| local(error.to_string()))?;
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = rustls::pki_types::ServerName::try_from(name).map_err(|error| local(error.to_string()))?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(prepared.config));
    let stream = connector.connect(name, stream).await.map_err(|error| watch.io(Operation::Handshake, &error))?;
    Ok((Box::new(stream), prepared.chain.certificates().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        for (url, shown) in [
            ("http://ann:secret@pac.example:8080/p.pac?token=secret", "http://pac.example:8080/p.pac"),
            ("http://pac.example", "http://pac.example"),
            ("http://pac.example/a@b#secret", "http://pac.example/a@b"),
            ("file:///etc/proxy.pac", "file:///etc/proxy.pac"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }

    #[test]
    fn text_in_three_encodings() {
        assert_eq!(text(b"\xef\xbb\xbf// \xc3\xa9"), "// é");
        assert_eq!(text("// é".as_bytes()), "// é");
        assert_eq!(text(b"// \xe9"), "// é");
    }
}
