//! HTTP/3 on one QUIC connection.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use h3::error::{Code, StreamError};
use h3::quic::RecvStream;
use h3::server::{RequestResolver, RequestStream};
use http::header::{CONTENT_LENGTH, DATE};
use http::{HeaderValue, Method, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use tokio::time::{sleep, timeout};

use crate::http::{HEAD, ReplyBody, Site, respond};
use crate::lifecycle::Tasks;
use crate::session::Session;

/// Serves requests until the connection ends, is spent, quiet or too old, or the reflector stops.
pub(super) async fn serve(connection: quinn::Connection, session: Arc<Session>, site: Arc<Site>, tasks: Tasks) {
    let limits = &site.limits;
    let mut builder = h3::server::builder();
    builder.max_field_section_size(HEAD_FIELDS);
    let quic = h3_quinn::Connection::new(connection.clone());
    let Ok(Ok(mut http)) = timeout(limits.head, builder.build::<_, Bytes>(quic)).await else { return };

    let mut life = pin!(sleep(limits.life));
    let mut winding_up = false;
    loop {
        let accepted = tokio::select! {
            accepted = http.accept() => accepted,
            () = session.quiet(if winding_up { LINGER } else { limits.idle }, limits.stuck()) => break,
            () = life.as_mut() => break,
            () = session.spent(), if !winding_up => {
                winding_up = true;
                let _ = http.shutdown(0).await;
                continue;
            }
            () = tasks.draining(), if !winding_up => {
                winding_up = true;
                let _ = http.shutdown(0).await;
                continue;
            }
        };
        // The transport bounds how many of these there are at a time.
        let Ok(Some(resolver)) = accepted else { break };
        let (site, session) = (site.clone(), session.clone());
        tasks.spawn(async move {
            // Whoever asked sees how it ended; nobody is here to be told.
            let _ = request(resolver, &session, &site).await;
        });
    }
    connection.close(H3_NO_ERROR.into(), b"");
}

/// As [`HEAD`], counted as HTTP/3 counts (RFC 9114 section 4.2.2). A larger one is answered 431.
const HEAD_FIELDS: u64 = 64 << 10;
const _: () = assert!(HEAD == 64 << 10, "the same limit for all versions");
/// How long the end of the last response may be on its way: closing a QUIC connection drops what was not acknowledged.
const LINGER: Duration = Duration::from_secs(1);
/// RFC 9114 section 8.1.
const H3_NO_ERROR: u32 = 0x0100;

async fn request(
    resolver: RequestResolver<h3_quinn::Connection, Bytes>,
    session: &Arc<Session>,
    site: &Site,
) -> Result<(), StreamError> {
    let limits = &site.limits;
    let Ok(resolved) = timeout(limits.head, resolver.resolve_request()).await else { return Ok(()) };
    let (request, stream) = resolved?;
    let busy = session.begin(limits);
    let is_head = request.method() == Method::HEAD;
    let (mut sender, receiver) = stream.split();
    let request = request.map(|()| RequestBody(receiver));
    let (mut parts, mut body) = respond(site, busy, None, request).await.into_parts();

    // What hyper does for the other versions.
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    if let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::now())) {
        parts.headers.insert(DATE, date);
    }
    sender.send_response(Response::from_parts(parts, ())).await?;
    if !is_head {
        send(&mut sender, &mut body, limits.stall).await?;
    }
    sender.finish().await
}

async fn send(
    sender: &mut RequestStream<h3_quinn::SendStream<Bytes>, Bytes>,
    body: &mut ReplyBody,
    stall: Duration,
) -> Result<(), StreamError> {
    while let Some(frame) = body.frame().await {
        let Ok(Ok(octets)) = frame.map(Frame::into_data) else { break };
        match timeout(stall, sender.send_data(octets)).await {
            Ok(sent) => sent?,
            Err(_) => {
                // A reader that does not read has its stream taken away, not cut short as if it had ended.
                sender.stop_stream(Code::H3_REQUEST_CANCELLED);
                break;
            }
        }
    }
    Ok(())
}

/// The body of a request, as the other HTTP versions have it.
struct RequestBody<S>(RequestStream<S, Bytes>);

impl<S: RecvStream + Unpin> Body for RequestBody<S> {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        self.0.poll_recv_data(cx).map(|received| {
            let octets = received.transpose()?;
            Some(octets.map(|mut octets| Frame::data(octets.copy_to_bytes(octets.remaining()))))
        })
    }
}
