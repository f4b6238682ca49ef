//! An open WebSocket: frames both ways, silence, and how it ends.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::{Attempt, Failure, FailureKind, Milliseconds, Operation, WebSocketEnd, WebSocketSession};
use wire::http::websocket::{Close, Codec, Limits, Message, Role};

use super::pipe::Pipe;
use crate::failure::Stopwatch;

/// Larger than 65 535 octets, so that the 64-bit length is used (RFC 6455 section 5.2).
const LARGE_FRAME: usize = 70_000;
/// Over HTTP/2: larger than one DATA frame (RFC 9113 section 6.5.2). The long form of the length is told by the other
/// connection, and the octets are not worth sending twice.
const LARGE_FRAME_HTTP2: usize = 20_000;
const LIMITS: Limits = Limits { frame: 1024 * 1024, message: 1024 * 1024 };

/// An open WebSocket.
pub(super) struct Open {
    pipe: Pipe,
    codec: Codec,
    timeout: Duration,
    pub(super) since: Stopwatch,
    /// Pings that the far end sent so far.
    pings: u32,
}

impl Open {
    pub(super) fn new(pipe: Pipe, deflate: bool, timeout: Duration) -> Self {
        Self { pipe, codec: Codec::new(Role::Client, deflate, LIMITS), timeout, since: Stopwatch::start(), pings: 0 }
    }

    /// Exchanges the frames, or keeps silent first. An error says how the connection ended before we closed it; what
    /// was under way then has failed, and what came after it was not tried.
    pub(super) async fn live(
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
        session.large_frame_ms = match self
            .echo(Message::Binary(noise(if self.pipe.is_http2() { LARGE_FRAME_HTTP2 } else { LARGE_FRAME })))
            .await
        {
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
    pub(super) async fn close(&mut self) -> WebSocketEnd {
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
