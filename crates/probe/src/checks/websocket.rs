//! `websocket`: not only whether the upgrade is answered, but whether frames live afterwards.

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
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::http::websocket::{Close, Codec, DEFLATE_OFFER, Limits, Message, Role, accept_answer, accept_key};

use crate::check::{Check, no_wait};
use crate::failure::{Stopwatch, io_kind, within};
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
};

/// Larger than 65 535 octets, so that the 64-bit length is used (RFC 6455 section 5.2).
const LARGE_FRAME: usize = 70_000;
const LIMITS: Limits = Limits { frame: 1024 * 1024, message: 1024 * 1024 };

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
    let codec = Codec::new(Role::Client, deflate, LIMITS);
    let mut open = Open { pipe, codec, timeout, since: Stopwatch::start(), pings: 0 };
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

/// Where octets of frames go and come.
enum Pipe {
    Http1(
        TokioIo<hyper::upgrade::Upgraded>,
        #[expect(dead_code, reason = "drives the connection while it lives")] Driver,
    ),
    Http2 {
        send: h2::SendStream<Bytes>,
        receive: h2::RecvStream,
        _driver: Driver,
    },
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

/// An open WebSocket.
struct Open {
    pipe: Pipe,
    codec: Codec,
    timeout: Duration,
    since: Stopwatch,
    /// Pings that the far end sent so far.
    pings: u32,
}

impl Open {
    /// Exchanges the frames, or keeps silent first. An error says how the connection ended before we closed it; what
    /// was under way then has failed, and what came after it was not tried.
    async fn live(
        &mut self,
        session: &mut WebSocketSession,
        echoes: bool,
        life: Option<Duration>,
    ) -> Result<(), WebSocketEnd> {
        session.small_frame_ms = Attempt::not_tried("an earlier step failed");
        session.large_frame_ms = Attempt::not_tried("an earlier step failed");
        if echoes {
            let watch = Stopwatch::start();
            match self.receive(self.timeout).await {
                Ok(Message::Text(text)) => session.extensions_arrived = extensions_arrived(&text, watch),
                Ok(_) => session.extensions_arrived = Attempt::not_applicable("the far end did not tell"),
                Err(end) => {
                    session.extensions_arrived = Attempt::Failed(lost(&end, watch, "the far end's greeting"));
                    session.small_frame_ms = Attempt::Failed(lost(&end, watch, "the far end's greeting"));
                    return Err(end);
                }
            }
        }
        let silence = Stopwatch::start();
        if let Some(life) = life {
            session.silent_ms = match self.keep_silent(life).await {
                Ok(0) => Attempt::Seen(silence.elapsed().into()),
                Ok(heard) => Attempt::not_applicable(format!("the far end spoke {heard} times meanwhile")),
                Err(end) => {
                    session.silent_ms = Attempt::Failed(lost(&end, silence, "the connection"));
                    return Err(end);
                }
            };
        }
        if !echoes {
            let why = "the far end does not echo";
            session.small_frame_ms = Attempt::not_applicable(why);
            session.large_frame_ms = Attempt::not_applicable(why);
            return Ok(());
        }
        let watch = Stopwatch::start();
        session.small_frame_ms = match self.echo(Message::Text("truepath".repeat(4))).await {
            Ok(echoed) => echoed,
            Err(end) => {
                session.small_frame_ms = Attempt::Failed(lost(&end, watch, "a small frame"));
                if life.is_some() {
                    session.silent_ms =
                        Attempt::Failed(lost(&end, silence, "the connection, found dead after the silence"));
                }
                return Err(end);
            }
        };
        if life.is_some() {
            session.large_frame_ms = Attempt::not_tried("told by the other connection");
            return Ok(());
        }
        let watch = Stopwatch::start();
        session.large_frame_ms = match self.echo(Message::Binary(noise(LARGE_FRAME))).await {
            Ok(echoed) => echoed,
            Err(end) => {
                session.large_frame_ms = Attempt::Failed(lost(&end, watch, "a large frame"));
                return Err(end);
            }
        };
        Ok(())
    }

    async fn echo(&mut self, message: Message) -> Result<Attempt<Milliseconds>, WebSocketEnd> {
        let asked = Stopwatch::start();
        self.send(&message).await?;
        let echoed = self.receive(self.timeout).await?;
        if echoed == message {
            return Ok(Attempt::Seen(asked.elapsed().into()));
        }
        let detail = "the message came back altered";
        Ok(Attempt::Failed(asked.failure(Operation::Exchange, FailureKind::Protocol, detail)))
    }

    /// Says nothing for as long as it lasts, and counts what the far end says meanwhile: a connection that is spoken on
    /// is not idle.
    async fn keep_silent(&mut self, life: Duration) -> Result<u32, WebSocketEnd> {
        let deadline = tokio::time::Instant::now() + life;
        let mut heard = 0u32;
        loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            match self.receive(left).await {
                Err(WebSocketEnd::Stalled) => return Ok(heard.saturating_add(self.pings)),
                Err(end) => return Err(end),
                Ok(_) => heard = heard.saturating_add(1),
            }
        }
    }

    async fn send(&mut self, message: &Message) -> Result<(), WebSocketEnd> {
        let octets = self.codec.encode_message(message).map_err(|error| WebSocketEnd::Broken(error.to_string()))?;
        match tokio::time::timeout(self.timeout, self.pipe.write(octets)).await {
            Ok(result) => result,
            Err(_elapsed) => Err(WebSocketEnd::Stalled),
        }
    }

    /// The next message that is not a ping or a pong; `Stalled` where none comes in time.
    async fn receive(&mut self, limit: Duration) -> Result<Message, WebSocketEnd> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let message = self.codec.next_message().map_err(|error| WebSocketEnd::Broken(error.to_string()))?;
            match message {
                Some(Message::Ping(payload)) => {
                    self.pings = self.pings.saturating_add(1);
                    self.send(&Message::Pong(payload)).await?;
                }
                Some(Message::Pong(_)) => {}
                Some(Message::Close(close)) => {
                    // 1005: no code was given (RFC 6455 section 7.4.1).
                    return Err(WebSocketEnd::CloseFrame(close.map_or(1005, |close| close.code)));
                }
                Some(message) => return Ok(message),
                None => {
                    let octets = match tokio::time::timeout_at(deadline, self.pipe.read()).await {
                        Ok(octets) => octets?,
                        Err(_elapsed) => return Err(WebSocketEnd::Stalled),
                    };
                    self.codec.push(&octets);
                }
            }
        }
    }

    /// The closing handshake (RFC 6455 section 7.1.2). Once our close frame is out, whatever the peer does is its own:
    /// frames that were under way, another code, no answer at all.
    async fn close(&mut self) -> WebSocketEnd {
        let goodbye = Message::Close(Some(Close::new(Close::NORMAL, "")));
        if let Err(end) = self.send(&goodbye).await {
            return end;
        }
        let deadline = tokio::time::Instant::now() + self.timeout;
        loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() || self.receive(left).await.is_err() {
                return WebSocketEnd::ClosedByUs;
            }
        }
    }
}

/// Octets that no compression makes shorter, so that a large frame is large on the wire too.
fn noise(length: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    // Without random octets it stays compressible, and is still a message that must come back whole.
    let _ = SystemRandom::new().fill(&mut noise);
    noise
}

/// What the end of a connection means for the step that was under way.
fn lost(end: &WebSocketEnd, watch: Stopwatch, what: &str) -> Failure {
    let kind = match end {
        WebSocketEnd::Stalled => FailureKind::Timeout,
        WebSocketEnd::Reset => FailureKind::Reset,
        WebSocketEnd::Broken(_) => FailureKind::Protocol,
        _ => FailureKind::Closed,
    };
    let detail = match end {
        WebSocketEnd::Broken(why) => format!("{what} was lost: {why}"),
        _ => format!("{what} was lost"),
    };
    watch.failure(Operation::Exchange, kind, detail)
}

impl Pipe {
    async fn write(&mut self, octets: Vec<u8>) -> Result<(), WebSocketEnd> {
        match self {
            Self::Http1(stream, _) => {
                stream.write_all(&octets).await.map_err(|error| ended(&error))?;
                stream.flush().await.map_err(|error| ended(&error))
            }
            Self::Http2 { send, .. } => {
                let mut octets = Bytes::from(octets);
                while !octets.is_empty() {
                    send.reserve_capacity(octets.len());
                    let granted = std::future::poll_fn(|cx| send.poll_capacity(cx)).await;
                    let capacity = match granted {
                        Some(Ok(capacity)) => capacity.min(octets.len()),
                        Some(Err(error)) => return Err(ended_http2(&error)),
                        None => return Err(WebSocketEnd::Cut),
                    };
                    send.send_data(octets.split_to(capacity), false).map_err(|error| ended_http2(&error))?;
                }
                Ok(())
            }
        }
    }

    async fn read(&mut self) -> Result<Bytes, WebSocketEnd> {
        match self {
            Self::Http1(stream, _) => {
                let mut buffer = vec![0u8; 16 * 1024];
                match stream.read(&mut buffer).await {
                    Ok(0) => Err(WebSocketEnd::Cut),
                    Ok(octets) => {
                        buffer.truncate(octets);
                        Ok(buffer.into())
                    }
                    Err(error) => Err(ended(&error)),
                }
            }
            Self::Http2 { receive, .. } => match receive.data().await {
                Some(Ok(data)) => {
                    let _ = receive.flow_control().release_capacity(data.len());
                    Ok(data)
                }
                Some(Err(error)) => Err(ended_http2(&error)),
                None => Err(WebSocketEnd::Cut),
            },
        }
    }
}

fn ended(error: &std::io::Error) -> WebSocketEnd {
    match io_kind(error) {
        FailureKind::Reset => WebSocketEnd::Reset,
        FailureKind::Closed => WebSocketEnd::Cut,
        _ => WebSocketEnd::Broken(error.to_string()),
    }
}

fn ended_http2(error: &h2::Error) -> WebSocketEnd {
    match error.get_io() {
        Some(io) => ended(io),
        None if error.is_reset() => WebSocketEnd::Reset,
        None if error.is_go_away() => WebSocketEnd::Cut,
        None => WebSocketEnd::Broken(error.to_string()),
    }
}

/// What the echoing far end says in its first frame.
fn extensions_arrived(greeting: &str, watch: Stopwatch) -> Attempt<Option<String>> {
    let told = serde_json::from_str::<serde_json::Value>(greeting).ok().and_then(|mut greeting| {
        let extensions = greeting.get_mut("extensions")?.take();
        serde_json::from_value::<Option<String>>(extensions).ok()
    });
    match told {
        Some(extensions) => Attempt::Seen(extensions),
        None => {
            let detail = "the first frame is not the far end's greeting";
            Attempt::Failed(watch.failure(Operation::Exchange, FailureKind::Protocol, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_frame_is_large_on_the_wire() {
        let codec = Codec::new(Role::Client, true, LIMITS);
        let octets = codec.encode_message(&Message::Binary(noise(LARGE_FRAME))).unwrap();
        assert!(octets.len() > usize::from(u16::MAX), "{}", octets.len());
    }

    #[test]
    fn the_far_end_tells_which_extensions_arrived() {
        let told = |text: &str| extensions_arrived(text, Stopwatch::start());
        assert_eq!(told(r#"{"extensions":"permessage-deflate"}"#), Attempt::Seen(Some("permessage-deflate".into())));
        assert_eq!(told(r#"{"extensions":null}"#), Attempt::Seen(None));
        assert!(told("hello").failure().is_some());
        assert!(told(r#"{"extensions":7}"#).failure().is_some());
    }
}
