//! One HTTP/2 connection, for many requests at a time (RFC 9113).

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, HeaderName, HeaderValue};
use model::{Failure, FailureKind, Operation};

use super::{BODY_LIMIT, Body, Field, Request, Response};
use crate::failure::{Stopwatch, within};
use crate::host::Opened;
use crate::http_client::{Driver, http2};

/// Octets of one DATA frame: as many as every peer takes (RFC 9113 section 4.2).
const FRAME: usize = 16 << 10;

pub(crate) struct Http2 {
    send: SendRequest<Bytes>,
    pub(crate) connection: usize,
    authority: String,
    _driver: Driver,
}

impl Http2 {
    pub(crate) async fn start(opened: Opened, authority: String, timeout: Duration) -> Result<Self, Failure> {
        let watch = Stopwatch::start();
        let Opened { stream, connection, .. } = opened;
        let starting = async { http2(stream).await.map_err(|error| watch.h2(Operation::Request, &error)) };
        let (send, driver) = within(timeout, watch, Operation::Request, starting).await?;
        Ok(Self { send, connection, authority, _driver: driver })
    }

    pub(crate) async fn exchange(
        &self,
        request: &Request,
        limit: Duration,
        watch: Stopwatch,
    ) -> Result<Response, Failure> {
        within(limit, watch, Operation::Request, self.send(request, watch)).await
    }

    async fn send(&self, request: &Request, watch: Stopwatch) -> Result<Response, Failure> {
        let fail = |error: h2::Error| watch.h2(Operation::Request, &error);
        let ours = |what: String| watch.failure(Operation::Request, FailureKind::Local, what);
        let mut head = http::Request::builder()
            .method(request.method)
            .uri(format!("https://{}{}", self.authority, request.path))
            .body(())
            .map_err(|error| ours(error.to_string()))?;
        append(head.headers_mut(), &request.headers).map_err(ours)?;
        if let Some(Body { piece: None, octets, .. }) = &request.body {
            head.headers_mut().insert("content-length", octets.len().into());
        }
        let mut ready = self.send.clone().ready().await.map_err(fail)?;
        let (response, stream) = ready.send_request(head, request.body.is_none()).map_err(fail)?;
        let writing = async {
            match &request.body {
                None => Ok(()),
                Some(body) => write(stream, body).await,
            }
        };
        let reading = async {
            let (head, mut stream) = response.await.map_err(fail)?.into_parts();
            let mut body = Vec::new();
            let (trailers, broke) = match read(&mut stream, &mut body, watch).await {
                Ok(trailers) => (trailers, None),
                Err(failure) => (Vec::new(), Some(failure)),
            };
            let headers = fields(&head.headers);
            Ok(Response {
                version: "2",
                interim: Vec::new(),
                status: head.status.as_u16(),
                framing: if head.headers.contains_key("content-length") { "length" } else { "frames" },
                headers,
                body,
                broke,
                trailers,
                took_ms: watch.elapsed().into(),
            })
        };
        let (mut writing, mut reading) = (pin!(writing), pin!(reading));
        let mut written = false;
        loop {
            tokio::select! {
                response = reading.as_mut() => return response,
                // A peer that does not take the rest may yet say why.
                _ = writing.as_mut(), if !written => written = true,
            }
        }
    }
}

async fn write(mut stream: h2::SendStream<Bytes>, body: &Body) -> Result<(), h2::Error> {
    let mut rest = body.octets.clone();
    let piece = body.piece.unwrap_or(FRAME).max(1);
    let ends = body.trailers.is_empty();
    loop {
        let mut frame = rest.split_to(piece.min(rest.len()));
        while !frame.is_empty() {
            stream.reserve_capacity(frame.len());
            let Some(capacity) = poll_fn(|cx| stream.poll_capacity(cx)).await.transpose()? else { return Ok(()) };
            let data = frame.split_to(capacity.min(frame.len()));
            let last = ends && rest.is_empty() && frame.is_empty();
            stream.send_data(data, last)?;
        }
        if rest.is_empty() {
            break;
        }
    }
    if body.octets.is_empty() && ends {
        return stream.send_data(Bytes::new(), true);
    }
    if !ends {
        let mut trailers = HeaderMap::new();
        // Names and values are ours, so that they fit.
        let _ = append(&mut trailers, &body.trailers);
        stream.send_trailers(trailers)?;
    }
    // The stream is held until the peer has it all or is done with it: dropping it would reset it.
    let _ = poll_fn(|cx| stream.poll_reset(cx)).await;
    Ok(())
}

/// Reads what belongs to `body`, as far as it comes, and gives the trailers.
async fn read(stream: &mut h2::RecvStream, body: &mut Vec<u8>, watch: Stopwatch) -> Result<Vec<Field>, Failure> {
    let broken = |error: h2::Error| watch.h2(Operation::Body, &error);
    while let Some(data) = stream.data().await {
        let data = data.map_err(broken)?;
        let _ = stream.flow_control().release_capacity(data.len());
        body.extend_from_slice(&data);
        if body.len() > BODY_LIMIT {
            return Err(watch.failure(Operation::Body, FailureKind::TooLarge, "a body without an end"));
        }
    }
    Ok(stream.trailers().await.map_err(broken)?.as_ref().map(fields).unwrap_or_default())
}

/// Over HTTP/2 names are in lower case (RFC 9113 section 8.2.1).
fn append(map: &mut HeaderMap, fields: &[Field]) -> Result<(), String> {
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| format!("`{name}`: {error}"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
        map.append(name, value);
    }
    Ok(())
}

fn fields(map: &HeaderMap) -> Vec<Field> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
