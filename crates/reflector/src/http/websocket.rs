//! `/v1/websocket`: says which extensions arrived, then sends back what it gets.
//!
//! Opened by an Upgrade over HTTP/1.1 (RFC 6455) or by an extended CONNECT over HTTP/2 (RFC 8441). The first message is
//! ours, the text `{"extensions":…}` with Sec-WebSocket-Extensions as it arrived, or null: an intermediary that removes
//! or rewrites the offer shows. After that every text and binary message comes back as it was, compressed if that was
//! negotiated. We never ping: an idle connection must be idle, for its life is what is measured.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use wire::http::websocket::{Close, Codec, Limits as MessageLimits, Message, Role, accept_key, accept_offer};

use crate::Limits;
use crate::admission::Pass;
use crate::lifecycle::Tasks;
use crate::session::Busy;

use super::Site;
use super::problem::Problem;

const MAX_MESSAGE: usize = 1 << 20;

pub(super) fn open(
    site: &Arc<Site>,
    busy: &Busy,
    tasks: &Tasks,
    mut request: Request<Incoming>,
) -> Result<Response<()>, Problem> {
    let mut response = match request.version() {
        Version::HTTP_2 => accept_connect(&request)?,
        _ => accept_upgrade(&request)?,
    };
    let pass = site.transfers.enter(busy.session().client.ip())?;
    let offered = joined(request.headers(), &SEC_WEBSOCKET_EXTENSIONS);
    let accepted = offered.as_deref().and_then(accept_offer);
    let deflate = accepted.is_some();
    if let Some(accepted) = accepted.and_then(|accepted| HeaderValue::try_from(accepted).ok()) {
        response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, accepted);
    }

    let upgrade = hyper::upgrade::on(&mut request);
    let (site, busy, watching) = (site.clone(), busy.clone(), tasks.clone());
    tasks.spawn(async move {
        let Ok(Ok(upgraded)) = timeout(site.limits.handshake, upgrade).await else { return };
        let codec = Codec::new(Role::Server, deflate, MessageLimits { frame: MAX_MESSAGE, message: MAX_MESSAGE });
        let echo = Echo { io: TokioIo::new(upgraded), codec, limits: &site.limits, busy, _pass: pass };
        // Whoever is at the other end sees how it ended; nobody is here to be told.
        let _ = echo.run(offered, &watching).await;
    });
    Ok(response)
}

/// RFC 6455 section 4.2.
fn accept_upgrade(request: &Request<Incoming>) -> Result<Response<()>, Problem> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    let upgrades = has_token(headers, &UPGRADE, "websocket") && has_token(headers, &CONNECTION, "upgrade");
    if !upgrades || request.version() != Version::HTTP_11 {
        return Err(Problem::upgrade_required("this path is for WebSockets, and no Upgrade arrived"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Problem::upgrade_required("version 13 of the WebSocket protocol is needed"));
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .and_then(|key| key.to_str().ok())
        .filter(|key| BASE64_STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16));
    let accept = key.and_then(|key| HeaderValue::try_from(accept_key(key)).ok());
    let accept = accept.ok_or(Problem::bad_request("Sec-WebSocket-Key is not 16 octets in base64"))?;

    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// RFC 8441 section 5: no key, no accept value, and the answer is 200.
fn accept_connect(request: &Request<Incoming>) -> Result<Response<()>, Problem> {
    if request.method() != Method::CONNECT {
        return Err(Problem::method_not_allowed("CONNECT"));
    }
    if request.extensions().get::<Protocol>().is_none_or(|protocol| protocol.as_str() != "websocket") {
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "this path is for the protocol `websocket`"));
    }
    if request.headers().get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Problem::bad_request("version 13 of the WebSocket protocol is needed"));
    }
    Ok(Response::new(()))
}

/// All values of a list header as one (RFC 9110 section 5.3).
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    joined(headers, name).is_some_and(|values| values.split(',').any(|value| value.trim().eq_ignore_ascii_case(token)))
}

struct Echo<'a, S> {
    io: S,
    codec: Codec,
    limits: &'a Limits,
    busy: Busy,
    _pass: Pass,
}

/// How the connection comes to its end.
enum End {
    /// With a close frame of ours, which answers the peer's if it sent one.
    Close(Close),
    /// The peer closed the transport, or broke it.
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Echo<'_, S> {
    async fn run(mut self, offered: Option<String>, tasks: &Tasks) -> io::Result<()> {
        let hello = serde_json::json!({ "extensions": offered }).to_string();
        self.send(&Message::Text(hello)).await?;
        let limits = self.limits;
        let mut life = pin!(sleep(limits.life));
        let mut piece = vec![0; 16 << 10];
        let end = loop {
            let read = tokio::select! {
                read = timeout(limits.websocket_idle, self.io.read(&mut piece)) => read,
                () = life.as_mut() => break End::Close(Close::new(Close::GOING_AWAY, "open for too long")),
                () = tasks.draining() => break End::Close(Close::new(Close::GOING_AWAY, "shutting down")),
            };
            let length = match read {
                Err(_) => break End::Close(Close::new(Close::GOING_AWAY, "idle for too long")),
                Ok(Ok(0) | Err(_)) => break End::Gone,
                Ok(Ok(length)) => length,
            };
            self.busy.touch();
            self.codec.push(piece.get(..length).unwrap_or_default());
            if let Some(end) = self.answer().await? {
                break end;
            }
        };
        match end {
            End::Gone => Ok(()),
            End::Close(close) => self.close(close).await,
        }
    }

    /// Sends back every message that has come in whole.
    async fn answer(&mut self) -> io::Result<Option<End>> {
        loop {
            match self.codec.next_message() {
                Ok(None) => return Ok(None),
                Ok(Some(message @ (Message::Text(_) | Message::Binary(_)))) => self.send(&message).await?,
                Ok(Some(Message::Ping(payload))) => self.send(&Message::Pong(payload)).await?,
                Ok(Some(Message::Pong(_))) => {}
                // The same code in answer (RFC 6455 section 5.5.1).
                Ok(Some(Message::Close(close))) => {
                    let code = close.map_or(Close::NORMAL, |close| close.code);
                    return Ok(Some(End::Close(Close::new(code, ""))));
                }
                Err(error) => return Ok(Some(End::Close(Close::new(error.close_code(), "")))),
            }
        }
    }

    async fn send(&mut self, message: &Message) -> io::Result<()> {
        let octets = self.codec.encode_message(message).map_err(io::Error::other)?;
        timeout(self.limits.stall, async {
            self.io.write_all(&octets).await?;
            self.io.flush().await
        })
        .await?
    }

    async fn close(&mut self, close: Close) -> io::Result<()> {
        self.send(&Message::Close(Some(close))).await?;
        self.io.shutdown().await?;
        // What the peer still sends is read and dropped for a while: closing the socket over unread octets would reset
        // the connection, and the reset could overtake the close frame.
        let mut nowhere = tokio::io::sink();
        let rest = tokio::io::copy(&mut self.io, &mut nowhere);
        let _ = timeout(self.limits.drain, rest).await;
        Ok(())
    }
}
