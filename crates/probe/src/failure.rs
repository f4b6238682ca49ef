//! From the errors of sockets and libraries to the failures of the record: by operation and kind, never by wording.

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use model::{Failure, FailureKind, Operation};

/// A span that started with a measurement; every failure tells how long after its start it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn failure(self, operation: Operation, kind: FailureKind, detail: impl Into<String>) -> Failure {
        Failure { operation, kind, detail: detail.into(), after_ms: self.elapsed().into() }
    }

    pub(crate) fn timed_out(self, operation: Operation, limit: Duration) -> Failure {
        self.failure(operation, FailureKind::Timeout, format!("nothing within {:.1} s", limit.as_secs_f64()))
    }

    pub(crate) fn io(self, operation: Operation, error: &io::Error) -> Failure {
        self.failure(operation, io_kind(error), describe(error))
    }

    pub(crate) fn hyper(self, operation: Operation, error: &hyper::Error) -> Failure {
        let kind = if error.is_parse_too_large() {
            FailureKind::TooLarge
        } else if error.is_parse() || error.is_parse_status() {
            FailureKind::Protocol
        } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            source_io_kind(error).unwrap_or(FailureKind::Closed)
        } else {
            source_io_kind(error).unwrap_or(FailureKind::Protocol)
        };
        self.failure(operation, kind, describe(error))
    }

    pub(crate) fn h2(self, operation: Operation, error: &h2::Error) -> Failure {
        let kind = match error.get_io() {
            Some(io) => io_kind(io),
            None if error.is_go_away() || error.is_reset() => match error.reason() {
                Some(h2::Reason::NO_ERROR | h2::Reason::CANCEL | h2::Reason::REFUSED_STREAM) => FailureKind::Closed,
                Some(h2::Reason::ENHANCE_YOUR_CALM) => FailureKind::TooLarge,
                _ => FailureKind::Protocol,
            },
            None => FailureKind::Protocol,
        };
        self.failure(operation, kind, describe(error))
    }
}

/// How an error of the operating system or of a layer above it reads as a kind of failure.
pub(crate) fn io_kind(error: &io::Error) -> FailureKind {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_kind(tls);
    }
    match error.kind() {
        io::ErrorKind::TimedOut => FailureKind::Timeout,
        io::ErrorKind::ConnectionRefused => FailureKind::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            FailureKind::Reset
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected => FailureKind::Closed,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            FailureKind::Unreachable
        }
        // A firewall's "prohibited" reaches the socket as EACCES or EPERM.
        io::ErrorKind::PermissionDenied => FailureKind::Unreachable,
        io::ErrorKind::InvalidData => FailureKind::Protocol,
        _ => FailureKind::Local,
    }
}

fn tls_kind(error: &rustls::Error) -> FailureKind {
    match error {
        rustls::Error::AlertReceived(alert) => FailureKind::Alert(u8::from(*alert)),
        // no_application_protocol (RFC 7301 section 3.2), said by choosing something that was not offered.
        rustls::Error::PeerMisbehaved(rustls::PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            FailureKind::Alert(120)
        }
        rustls::Error::PeerSentOversizedRecord
        | rustls::Error::InvalidMessage(
            rustls::InvalidMessage::HandshakePayloadTooLarge | rustls::InvalidMessage::CertificatePayloadTooLarge,
        ) => FailureKind::TooLarge,
        _ => FailureKind::Protocol,
    }
}

fn source_io_kind(error: &(dyn Error + 'static)) -> Option<FailureKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io_kind(io));
        }
        source = inner.source();
    }
    None
}

/// The error and its chain of causes, each said once, cut to a length that fits a line.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let cause = inner.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = inner.source();
    }
    if text.chars().count() > 240 { text.chars().take(240).collect() } else { text }
}

/// Waits for `future` at most `limit`; a wait that ran out is a timeout of `operation`.
pub(crate) async fn within<T>(
    limit: Duration,
    watch: Stopwatch,
    operation: Operation,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(limit, future).await {
        Ok(result) => result,
        Err(_elapsed) => Err(watch.timed_out(operation, limit)),
    }
}
