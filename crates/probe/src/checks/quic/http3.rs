//! HTTP/3 over a connection: one exchange, then a longer transfer.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Buf;
use http::Request;
use model::{Attempt, Failure, FailureKind, Http3, HttpExchange, Operation};

use super::handshake::Handshake;
use crate::failure::{Stopwatch, describe, within};
use crate::host::Host;
use crate::http_client::{BODY_LIMIT, BodyReader, Driver, USER_AGENT, authority, date, headers};

const HEAD_LIMIT: u64 = 64 * 1024;
/// Octets of an answer that are kept as they are.
const ANSWER_LIMIT: usize = 512 * 1024;
/// A longer transfer reads so much of a path: enough packets to meet devices that let a first handful pass, also where
/// the system hands ten datagrams on as one packet (generic segmentation offload).
const SUSTAINED: u64 = 256 * 1024;
/// A path that has less than this is too short to tell.
const SUSTAINED_AT_LEAST: u64 = 64 * 1024;
/// Without a long path, this many plain requests one after another take its place.
const SUSTAINED_REQUESTS: u32 = 3;

pub(super) type Http3Send = h3::client::SendRequest<h3_quinn::OpenStreams, bytes::Bytes>;

pub(super) async fn open_http3(
    connection: &quinn::Connection,
    watch: Stopwatch,
) -> Result<(Http3Send, Driver), Failure> {
    let connection = h3_quinn::Connection::new(connection.clone());
    let (mut driver, send) = h3::client::builder()
        .max_field_section_size(HEAD_LIMIT)
        .build(connection)
        .await
        .map_err(|error| watch.failure(Operation::Request, FailureKind::Protocol, describe(&error)))?;
    let driver = Driver::spawn(async move {
        let _ = poll_fn(|cx| driver.poll_close(cx)).await;
    });
    Ok((send, driver))
}

pub(super) async fn http3(
    host: &Host,
    connection: &quinn::Connection,
    handshake: &Handshake,
) -> Result<Http3, Failure> {
    let timeout = host.settings().timeout;
    let watch = Stopwatch::start();
    let (mut send, _driver) = within(timeout, watch, Operation::Request, open_http3(connection, watch)).await?;
    let path = host.target.path.as_str();
    let (exchange, read) = get(host, &mut send, path, "*/*", handshake.connection, BODY_LIMIT).await?;
    let total = handshake.started.elapsed().saturating_sub(read.after_head);
    let sustained = sustained(host, &mut send, handshake.connection).await;
    Ok(Http3 { exchange, total_first_byte_ms: total.into(), sustained })
}

/// A longer transfer: a path that the profile names, or a few plain requests one after another.
async fn sustained(host: &Host, send: &mut Http3Send, connection: usize) -> Attempt<u64> {
    let download = host.target.promises.download.as_deref();
    let mut octets = 0u64;
    for _ in 0..if download.is_some() { 1 } else { SUSTAINED_REQUESTS } {
        let path = download.unwrap_or(&host.target.path);
        let (exchange, read) = match get(host, send, path, "*/*", connection, SUSTAINED).await {
            Ok(got) => got,
            Err(failure) => return Attempt::Failed(failure),
        };
        octets = octets.saturating_add(read.octets);
        match exchange.body {
            Attempt::Failed(failure) => return Attempt::Failed(failure),
            _ if download.is_some() && (exchange.status != 200 || octets < SUSTAINED_AT_LEAST) => {
                return Attempt::not_applicable(format!("{path} answered {} with {octets} octets", exchange.status));
            }
            _ => {}
        }
    }
    Attempt::Seen(octets)
}

/// What an exchange gives beside its record.
pub(super) struct Read {
    octets: u64,
    /// From the response head to the end of reading.
    after_head: Duration,
    pub(super) body: Vec<u8>,
}

/// One request and its body, up to about `limit` octets. Each step has the whole time: a slow link is not a stalled one.
pub(super) async fn get(
    host: &Host,
    send: &mut Http3Send,
    path: &str,
    accept: &str,
    connection: usize,
    limit: u64,
) -> Result<(HttpExchange, Read), Failure> {
    let timeout = host.settings().timeout;
    let watch = Stopwatch::start();
    let fail =
        |operation, error: &h3::error::StreamError| watch.failure(operation, stream_kind(error), describe(error));
    let request = Request::get(format!("https://{}{path}", authority(&host.target)))
        .header("user-agent", USER_AGENT)
        .header("accept", accept)
        .header("accept-encoding", "identity")
        .body(())
        .map_err(|error| watch.failure(Operation::Request, FailureKind::Local, error.to_string()))?;
    let asking = async {
        let mut stream = send.send_request(request).await.map_err(|error| fail(Operation::Request, &error))?;
        stream.finish().await.map_err(|error| fail(Operation::Request, &error))?;
        let response = stream.recv_response().await.map_err(|error| fail(Operation::Request, &error))?;
        Ok((stream, response))
    };
    let (mut stream, response) = within(timeout, watch, Operation::Request, asking).await?;
    let head = Stopwatch::start();
    let first_byte_ms = watch.elapsed().into();
    let headers = headers(response.headers());
    let mut reader = BodyReader::new(&headers);
    let mut start = Vec::new();
    let body = loop {
        let chunk = within(timeout, watch, Operation::Body, async {
            stream.recv_data().await.map_err(|error| fail(Operation::Body, &error))
        });
        match chunk.await {
            Ok(Some(mut data)) => {
                let chunk = data.copy_to_bytes(data.remaining());
                if start.len() < ANSWER_LIMIT {
                    start.extend_from_slice(&chunk);
                }
                if !reader.push(&chunk) || reader.length >= limit {
                    break Ok(());
                }
            }
            Ok(None) => {
                reader.complete = true;
                break Ok(());
            }
            Err(failure) => break Err(failure),
        }
    };
    let octets = reader.length;
    let exchange = HttpExchange {
        connection,
        path: path.to_owned(),
        version: "3".to_owned(),
        status: response.status().as_u16(),
        date: date(response.headers()),
        headers,
        first_byte_ms,
        body: body.map(|()| reader.finish()).into(),
    };
    Ok((exchange, Read { octets, after_head: head.elapsed(), body: start }))
}

fn stream_kind(error: &h3::error::StreamError) -> FailureKind {
    use h3::error::StreamError as E;
    match error {
        E::HeaderTooBig { .. } => FailureKind::TooLarge,
        E::RemoteTerminate { .. } => FailureKind::Reset,
        error if error.is_h3_no_error() => FailureKind::Closed,
        E::ConnectionError { .. } | E::RemoteClosing { .. } => FailureKind::Closed,
        _ => FailureKind::Protocol,
    }
}
