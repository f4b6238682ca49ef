//! One HTTP request over an open connection, HTTP/1.1 or HTTP/2 as ALPN chose, with limits on everything that the peer
//! can grow.

use std::time::Duration;

use aws_lc_rs::digest;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use model::{
    Attempt, Body, Failure, FailureKind, Header, HexBytes, HttpExchange, Milliseconds, Operation, Target, Timestamp,
};
use tokio::task::JoinHandle;

use crate::failure::{Stopwatch, within};
use crate::host::Opened;

/// Honest about what it is: a check that posed as a browser would be treated as one, and its record would be a lie.
pub(crate) const USER_AGENT: &str = concat!("truepath/", env!("CARGO_PKG_VERSION"));

const HEAD_LIMIT: u32 = 64 * 1024;
/// Flow control of HTTP/2, and with it the most that a peer can make us hold of one stream.
const WINDOW: u32 = 1024 * 1024;
const HEADERS_LIMIT: usize = 200;
const HEADER_VALUE_LIMIT: usize = 1024;
pub(crate) const BODY_LIMIT: u64 = 256 * 1024;
const TEXT_LIMIT: usize = 4096;

/// The two protocols over TCP, in the order in which browsers offer them.
pub(crate) const ALPN: &[&str] = &["h2", "http/1.1"];

/// An HTTP connection, ready for a request.
pub(crate) struct Client {
    kind: Kind,
    pub(crate) connection: usize,
    /// Drives the connection in the background for as long as this value lives.
    _driver: Driver,
}

enum Kind {
    Http1(hyper::client::conn::http1::SendRequest<Empty<Bytes>>),
    Http2(h2::client::SendRequest<Bytes>),
}

/// A background task that ends with its owner.
pub(crate) struct Driver(JoinHandle<()>);

impl Driver {
    pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A response whose body has not been read yet.
pub(crate) struct Response {
    pub(crate) version: &'static str,
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    pub(crate) first_byte_ms: Milliseconds,
    pub(crate) date: Option<Timestamp>,
    pub(crate) body: Incomplete,
}

/// A body on its way.
pub(crate) enum Incomplete {
    Http1(Incoming),
    Http2(h2::RecvStream),
}

impl Client {
    pub(crate) async fn start(opened: Opened, timeout: Duration) -> Result<Self, Failure> {
        let watch = Stopwatch::start();
        let Opened { stream, connection, session, .. } = opened;
        if session.alpn.as_deref() == Some("h2") {
            let (send, driver) = within(timeout, watch, Operation::Request, async {
                http2(stream).await.map_err(|e| watch.h2(Operation::Request, &e))
            })
            .await?;
            return Ok(Self { kind: Kind::Http2(send), connection, _driver: driver });
        }
        let (send, driver) = hyper::client::conn::http1::Builder::new()
            .max_headers(HEADERS_LIMIT)
            .max_buf_size(HEAD_LIMIT as usize)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| watch.hyper(Operation::Request, &error))?;
        let driver = Driver::spawn(async move {
            let _ = driver.await;
        });
        Ok(Self { kind: Kind::Http1(send), connection, _driver: driver })
    }

    pub(crate) async fn get(
        &mut self,
        target: &Target,
        path: &str,
        accept: &str,
        timeout: Duration,
    ) -> Result<Response, Failure> {
        let watch = Stopwatch::start();
        let request = match &self.kind {
            Kind::Http1(_) => Request::get(path).header("host", authority(target)),
            Kind::Http2(_) => Request::get(format!("https://{}{path}", authority(target))),
        };
        let request = request
            .header("user-agent", USER_AGENT)
            .header("accept", accept)
            .header("accept-encoding", "identity")
            .body(Empty::new())
            .map_err(|error| watch.failure(Operation::Request, FailureKind::Local, error.to_string()))?;
        within(timeout, watch, Operation::Request, self.send(request, watch)).await
    }

    async fn send(&mut self, request: Request<Empty<Bytes>>, watch: Stopwatch) -> Result<Response, Failure> {
        match &mut self.kind {
            Kind::Http1(send) => {
                let response =
                    send.send_request(request).await.map_err(|error| watch.hyper(Operation::Request, &error))?;
                let version = if response.version() == http::Version::HTTP_10 { "1.0" } else { "1.1" };
                let (head, body) = response.into_parts();
                Ok(Response::new(version, &head, watch, Incomplete::Http1(body)))
            }
            Kind::Http2(send) => {
                let fail = |error| watch.h2(Operation::Request, &error);
                let mut ready = send.clone().ready().await.map_err(fail)?;
                let (response, _request_body) = ready.send_request(request.map(|_| ()), true).map_err(fail)?;
                let (head, body) = response.await.map_err(fail)?.into_parts();
                Ok(Response::new("2", &head, watch, Incomplete::Http2(body)))
            }
        }
    }
}

/// Opens HTTP/2 on a stream, with limits, and starts to drive it.
pub(crate) async fn http2<S>(stream: S) -> Result<(h2::client::SendRequest<Bytes>, Driver), h2::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (send, driver) =
        // Windows as browsers open them: with the default of 64 KiB, larger answers wait for a round trip of our own making.
        h2::client::Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(2 * WINDOW)
            .max_header_list_size(HEAD_LIMIT)
            .enable_push(false)
            .handshake(stream)
            .await?;
    let driver = Driver::spawn(async move {
        let _ = driver.await;
    });
    Ok((send, driver))
}

/// `host`, with the port where it is not the default one.
pub(crate) fn authority(target: &Target) -> String {
    if target.port == 443 { target.host.to_string() } else { format!("{}:{}", target.host, target.port) }
}

impl Response {
    pub(crate) fn new(version: &'static str, head: &http::response::Parts, watch: Stopwatch, body: Incomplete) -> Self {
        Self {
            version,
            status: head.status.as_u16(),
            headers: headers(&head.headers),
            first_byte_ms: watch.elapsed().into(),
            date: date(&head.headers),
            body,
        }
    }

    /// Reads the start of the body and gives the exchange as it is recorded. Each piece of a text is handed to `also`.
    pub(crate) async fn read(
        self,
        connection: usize,
        path: &str,
        timeout: Duration,
        mut also: impl FnMut(&[u8]),
    ) -> HttpExchange {
        let (mut exchange, mut body) = self.split(connection, path);
        let mut reader = BodyReader::new(&exchange.headers);
        let watch = Stopwatch::start();
        let reading = async {
            while let Some(chunk) = body.chunk(watch).await {
                let chunk = chunk?;
                if reader.is_text {
                    also(&chunk);
                }
                if !reader.push(&chunk) {
                    return Ok(());
                }
            }
            reader.complete = true;
            Ok(())
        };
        let result = within(timeout, watch, Operation::Body, reading).await;
        exchange.body = match result {
            Ok(()) => Attempt::Seen(reader.finish()),
            // What came before the end is worth more than the fact that no end came.
            Err(_) if reader.length > 0 => Attempt::Seen(reader.finish()),
            Err(failure) => Attempt::Failed(failure),
        };
        exchange
    }

    /// The exchange without its body, and the body.
    pub(crate) fn split(self, connection: usize, path: &str) -> (HttpExchange, Incomplete) {
        let exchange = HttpExchange {
            connection,
            path: path.to_owned(),
            version: self.version.to_owned(),
            status: self.status,
            headers: self.headers,
            first_byte_ms: self.first_byte_ms,
            body: Attempt::not_applicable("read by the check itself"),
            date: self.date,
        };
        (exchange, self.body)
    }
}

impl Incomplete {
    /// The next piece of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self, watch: Stopwatch) -> Option<Result<Bytes, Failure>> {
        match self {
            Self::Http1(body) => loop {
                match body.frame().await? {
                    Ok(frame) => {
                        if let Ok(data) = frame.into_data() {
                            return Some(Ok(data));
                        }
                    }
                    Err(error) => return Some(Err(watch.hyper(Operation::Body, &error))),
                }
            },
            Self::Http2(body) => match body.data().await? {
                Ok(data) => {
                    let _ = body.flow_control().release_capacity(data.len());
                    Some(Ok(data))
                }
                Err(error) => Some(Err(watch.h2(Operation::Body, &error))),
            },
        }
    }
}

/// Sums a body up to the limit.
pub(crate) struct BodyReader {
    digest: digest::Context,
    start: Vec<u8>,
    is_text: bool,
    pub(crate) length: u64,
    pub(crate) complete: bool,
}

impl BodyReader {
    pub(crate) fn new(headers: &[Header]) -> Self {
        let content_type =
            headers.iter().find(|header| header.0 == "content-type").map_or("", |header| header.1.as_str());
        let is_text = content_type.is_empty()
            || ["text/", "json", "xml", "javascript"].iter().any(|kind| content_type.contains(kind));
        Self { digest: digest::Context::new(&digest::SHA256), start: Vec::new(), is_text, length: 0, complete: false }
    }

    /// `false` once the limit is reached.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> bool {
        self.digest.update(chunk);
        self.length = self.length.saturating_add(chunk.len() as u64);
        let room = TEXT_LIMIT.saturating_sub(self.start.len());
        if self.is_text && room > 0 {
            self.start.extend(chunk.iter().take(room));
        }
        self.length < BODY_LIMIT
    }

    pub(crate) fn finish(self) -> Body {
        Body {
            length: self.length,
            complete: self.complete,
            sha256: HexBytes(self.digest.finish().as_ref().to_vec()),
            text: self.is_text.then(|| String::from_utf8_lossy(&self.start).into_owned()),
        }
    }
}

/// Headers as they are recorded.
pub(crate) fn headers(map: &HeaderMap) -> Vec<Header> {
    map.iter()
        .take(HEADERS_LIMIT)
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).chars().take(HEADER_VALUE_LIMIT).collect();
            Header(name.as_str().to_owned(), value)
        })
        .collect()
}

/// The Date header (RFC 9110 section 6.6.1), where it has the preferred form.
pub(crate) fn date(map: &HeaderMap) -> Option<Timestamp> {
    let value = map.get("date")?.to_str().ok()?;
    let since_epoch = httpdate::parse_http_date(value).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Timestamp::from_unix_seconds(i64::try_from(since_epoch.as_secs()).ok()?)
}
