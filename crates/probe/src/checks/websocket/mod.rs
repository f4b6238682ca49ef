//! `websocket`: not only whether the upgrade is answered, but whether frames live afterwards.

mod frames;
mod pipe;

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, Request, Version};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use model::{
    Attempt, Failure, FailureKind, Header, Milliseconds, Operation, WebSocket, WebSocketAnswer, WebSocketEnd,
    WebSocketSession,
};
use wire::http::websocket::{DEFLATE_OFFER, accept_answer, accept_key};

use frames::Open;
use pipe::Pipe;

use crate::check::{Check, Scope, no_wait};
use crate::failure::{Stopwatch, within};
use crate::host::{Host, Opened, Wanted};
use crate::http_client::{Driver, USER_AGENT, authority, headers, http2};
use crate::tls::Hello;

pub(crate) const CHECK: Check = Check {
    name: "websocket",
    title: "upgrade, frames both ways, a large frame, compression, and life while idle",
    page: "\
Opens a WebSocket over HTTP/1.1 (RFC 6455) as browsers do, and over HTTP/2 (RFC 8441) where the service promises it.
Against a far end that echoes, it sends a small text frame and a large binary one and holds what comes back against what
was sent; the far end tells which extensions arrived, so that a device that strips or rewrites permessage-deflate shows.

`--life 120s` opens one more connection that stays silent that long and then exchanges a frame: many devices cut idle
connections after 5 to 300 s, which a user sees as an answer of Copilot that never comes. Against a service that needs a
sign-in only the answer to the upgrade is recorded.",
    round_trips: 10,
    waits: no_wait,
    needs_reflector: false,
    octets: |promises| if promises.websocket.is_some() { 210_000 } else { 0 },
    scope: Scope::Host,
    by_default: true,
};

pub(crate) async fn run(host: &Host) -> Attempt<WebSocket> {
    let Some(promise) = &host.target.promises.websocket else {
        return Attempt::not_applicable("the profile names no WebSocket of this host");
    };
    let echoes = promise.answer == WebSocketAnswer::Echo;
    let over_http2 = async {
        if promise.http2 {
            session(host, Over::Http2, echoes, None).await
        } else {
            Attempt::not_applicable("not promised")
        }
    };
    let idle = async {
        match host.settings().life {
            None => Attempt::not_tried("--life was not given"),
            Some(life) => match promise.answer {
                WebSocketAnswer::Refuse(_) => Attempt::not_applicable("it does not open without a sign-in"),
                WebSocketAnswer::Echo | WebSocketAnswer::Open => session(host, Over::Http1, echoes, Some(life)).await,
            },
        }
    };
    let (http1, http2, idle) = tokio::join!(session(host, Over::Http1, echoes, None), over_http2, idle);
    Attempt::Seen(WebSocket { http1, http2, idle })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Http1,
    Http2,
}

async fn session(host: &Host, over: Over, echoes: bool, life: Option<Duration>) -> Attempt<WebSocketSession> {
    let (purpose, alpn): (_, &[&str]) = match (over, life) {
        // Browsers offer nothing but http/1.1 for a WebSocket's own connection.
        (Over::Http1, None) => ("http/1.1", &["http/1.1"]),
        (Over::Http1, Some(_)) => ("idle", &["http/1.1"]),
        (Over::Http2, _) => ("http/2", &["h2"]),
    };
    let wanted = Wanted { check: CHECK.name, purpose, hello: Hello::Hybrid, alpn, sni: true, prepared: None };
    let opened = match host.open(wanted).await {
        Ok(opened) => opened,
        // no_application_protocol (RFC 7301 section 3.2): the same answer, said with an alert.
        Err(not_opened) if over == Over::Http2 && not_opened.failure.kind == FailureKind::Alert(120) => {
            return Attempt::not_applicable("HTTP/2 was not negotiated");
        }
        Err(not_opened) => return Attempt::Failed(not_opened.failure),
    };
    if over == Over::Http2 && opened.session.alpn.as_deref() != Some("h2") {
        return Attempt::not_applicable("HTTP/2 was not negotiated");
    }
    let watch = Stopwatch::start();
    let connection = opened.connection;
    let timeout = host.settings().timeout;
    let opening = async {
        match over {
            Over::Http1 => upgrade_http1(host, opened, watch).await,
            Over::Http2 => connect_http2(host, opened, watch).await,
        }
    };
    let Opening { status, headers, accept_matches, pipe } =
        match within(timeout, watch, Operation::Request, opening).await {
            Ok(opening) => opening,
            Err(failure) => return Attempt::Failed(failure),
        };
    let extensions_answered =
        headers.iter().find(|header| header.0 == "sec-websocket-extensions").map(|header| header.1.clone());
    let not_tried = |why: &str| Attempt::not_tried(why);
    let mut session = WebSocketSession {
        connection,
        path: path(host).to_owned(),
        status,
        headers,
        upgrade_ms: watch.elapsed().into(),
        accept_matches,
        extensions_offered: Some(DEFLATE_OFFER.to_owned()),
        extensions_arrived: Attempt::not_applicable("the far end does not tell"),
        extensions_answered,
        silent_ms: Attempt::not_tried("not asked for"),
        small_frame_ms: not_tried("there was no open WebSocket"),
        large_frame_ms: not_tried("there was no open WebSocket"),
        end: WebSocketEnd::Refused,
        open_ms: Milliseconds::default(),
    };
    let Some(pipe) = pipe else { return Attempt::Seen(session) };
    let deflate = match accept_answer(session.extensions_answered.as_deref()) {
        Ok(deflate) => deflate,
        Err(error) => {
            session.end = WebSocketEnd::Broken(error.to_string());
            return Attempt::Seen(session);
        }
    };
    let mut open = Open::new(pipe, deflate, timeout);
    session.end = match open.live(&mut session, echoes, life).await {
        Ok(()) => open.close().await,
        Err(end) => end,
    };
    session.open_ms = open.since.elapsed().into();
    Attempt::Seen(session)
}

fn path(host: &Host) -> &str {
    host.target.promises.websocket.as_ref().map_or("/", |promise| promise.path.as_str())
}

/// The answer to the opening handshake, and the way for frames where there is one.
struct Opening {
    status: u16,
    headers: Vec<Header>,
    accept_matches: Option<bool>,
    pipe: Option<Pipe>,
}

async fn upgrade_http1(host: &Host, opened: Opened, watch: Stopwatch) -> Result<Opening, Failure> {
    let mut nonce = [0u8; 16];
    let local = |what: String| watch.failure(Operation::Request, FailureKind::Local, what);
    SystemRandom::new().fill(&mut nonce).map_err(|_| local("the system gives no random octets".into()))?;
    let key = BASE64_STANDARD.encode(nonce);
    let (mut send, driver) = hyper::client::conn::http1::Builder::new()
        .title_case_headers(true)
        .handshake(TokioIo::new(opened.stream))
        .await
        .map_err(|error| watch.hyper(Operation::Request, &error))?;
    let driver = Driver::spawn(async move {
        let _ = driver.with_upgrades().await;
    });
    let request = Request::get(path(host))
        .header("host", authority(&host.target))
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("user-agent", USER_AGENT)
        .header("origin", format!("https://{}", authority(&host.target)))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", &key)
        .header("sec-websocket-extensions", DEFLATE_OFFER)
        .body(Empty::<Bytes>::new())
        .map_err(|error| local(error.to_string()))?;
    let response = send.send_request(request).await.map_err(|error| watch.hyper(Operation::Request, &error))?;
    let status = response.status().as_u16();
    let headers = headers(response.headers());
    if status != 101 {
        return Ok(Opening { status, headers, accept_matches: None, pipe: None });
    }
    let accept = headers.iter().find(|header| header.0 == "sec-websocket-accept").map(|header| header.1.as_str());
    let accept_matches = Some(accept == Some(accept_key(&key).as_str()));
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| watch.hyper(Operation::Request, &error))?;
    Ok(Opening { status, headers, accept_matches, pipe: Some(Pipe::Http1(TokioIo::new(upgraded), driver)) })
}

async fn connect_http2(host: &Host, opened: Opened, watch: Stopwatch) -> Result<Opening, Failure> {
    let fail = |error| watch.h2(Operation::Request, &error);
    let (send, driver) = http2(opened.stream).await.map_err(fail)?;
    let mut send = send.ready().await.map_err(fail)?;
    // The server's SETTINGS say whether extended CONNECT may be used (RFC 8441 section 3); they may still be on their way.
    let asked = tokio::time::Instant::now();
    let patience = host.settings().timeout / 2;
    while !send.is_extended_connect_protocol_enabled() {
        if asked.elapsed() > patience {
            let detail = "the server does not offer extended CONNECT (SETTINGS_ENABLE_CONNECT_PROTOCOL)";
            return Err(watch.failure(Operation::Request, FailureKind::Protocol, detail));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        send = send.ready().await.map_err(fail)?;
    }
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .version(Version::HTTP_2)
        .uri(format!("https://{}{}", authority(&host.target), path(host)))
        .header("user-agent", USER_AGENT)
        .header("origin", format!("https://{}", authority(&host.target)))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-extensions", DEFLATE_OFFER)
        .body(())
        .map_err(|error| watch.failure(Operation::Request, FailureKind::Local, error.to_string()))?;
    request.extensions_mut().insert(h2::ext::Protocol::from_static("websocket"));
    let (response, send) = send.send_request(request, false).map_err(fail)?;
    let response = response.await.map_err(fail)?;
    let status = response.status().as_u16();
    let headers = headers(response.headers());
    let pipe = (status == 200).then(|| Pipe::Http2 { send, receive: response.into_body(), _driver: driver });
    Ok(Opening { status, headers, accept_matches: None, pipe })
}
