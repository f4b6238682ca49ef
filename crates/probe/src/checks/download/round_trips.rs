//! Small round trips on a connection of their own.

use std::time::Duration;

use bytes::Bytes;
use h2::{Ping, PingPong};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use model::{Failure, FailureKind, Operation};

use super::CHECK;
use crate::failure::{Stopwatch, within};
use crate::host::{Host, Wanted};
use crate::http_client::{ALPN, Driver, USER_AGENT, authority};
use crate::tls::Hello;

/// A connection on which a round trip can be timed.
pub(super) struct RoundTrips {
    kind: Kind,
    timeout: Duration,
    _driver: Driver,
}

enum Kind {
    /// PING (RFC 9113 section 6.7): answered ahead of everything else and by nobody's application.
    Http2(PingPong),
    Http1 {
        send: SendRequest<Empty<Bytes>>,
        authority: String,
        path: String,
    },
}

impl RoundTrips {
    pub(super) async fn open(host: &Host) -> Result<Self, Failure> {
        let timeout = host.settings().timeout;
        let wanted = Wanted {
            check: CHECK.name,
            purpose: "round trips",
            hello: Hello::Hybrid,
            alpn: ALPN,
            sni: true,
            prepared: None,
        };
        let opened = host.open(wanted).await?;
        let watch = Stopwatch::start();
        if opened.session.alpn.as_deref() == Some("h2") {
            let shaking = async {
                h2::client::handshake(opened.stream).await.map_err(|error| watch.h2(Operation::Request, &error))
            };
            let (_send, mut connection) = within(timeout, watch, Operation::Request, shaking).await?;
            let ping = connection.ping_pong().ok_or_else(|| {
                watch.failure(Operation::Request, FailureKind::Local, "the connection cannot be pinged")
            })?;
            // The sender of requests lives on with the connection, which would otherwise end as idle.
            let driver = Driver::spawn(async move {
                let _send = _send;
                let _ = connection.await;
            });
            return Ok(Self { kind: Kind::Http2(ping), timeout, _driver: driver });
        }
        let (send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(opened.stream))
            .await
            .map_err(|error| watch.hyper(Operation::Request, &error))?;
        let driver = Driver::spawn(async move {
            let _ = connection.await;
        });
        let (authority, path) = (authority(&host.target), host.target.path.clone());
        Ok(Self { kind: Kind::Http1 { send, authority, path }, timeout, _driver: driver })
    }

    /// Times one.
    pub(super) async fn one(&mut self) -> Result<Duration, Failure> {
        let watch = Stopwatch::start();
        let trip = async {
            match &mut self.kind {
                Kind::Http2(ping) => {
                    ping.ping(Ping::opaque()).await.map_err(|error| watch.h2(Operation::Exchange, &error))?;
                }
                Kind::Http1 { send, authority, path } => {
                    let request = Request::head(path.as_str())
                        .header("host", authority.as_str())
                        .header("user-agent", USER_AGENT)
                        .body(Empty::new())
                        .map_err(|error| watch.failure(Operation::Request, FailureKind::Local, error.to_string()))?;
                    let fail = |error| watch.hyper(Operation::Exchange, &error);
                    send.ready().await.map_err(fail)?;
                    let mut response = send.send_request(request).await.map_err(fail)?;
                    // There is no body after HEAD; hyper takes the next request once it has seen that.
                    while let Some(frame) = response.body_mut().frame().await {
                        frame.map_err(fail)?;
                    }
                }
            }
            Ok(watch.elapsed())
        };
        within(self.timeout, watch, Operation::Exchange, trip).await
    }
}
