//! What became of one thing that was to be measured. A missing answer is never read as a clean path, so absence always
//! has a reason: not tried, not applicable and failed are different values.

use serde::{Deserialize, Serialize};

use crate::Milliseconds;

/// The outcome of one measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt<T> {
    /// It was measured, and this is what was seen.
    Seen(T),
    /// It was tried, and the network or the peer did not let it happen.
    Failed(Failure),
    /// It was left out, and this is why: not asked for, or something it needs is missing.
    NotTried(String),
    /// It makes no sense for this target, and this is why.
    NotApplicable(String),
}

impl<T> Attempt<T> {
    pub fn not_tried(why: impl Into<String>) -> Self {
        Self::NotTried(why.into())
    }

    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable(why.into())
    }

    /// For what a record does not have because it was made before there was such a check.
    pub(crate) fn older() -> Self {
        Self::NotTried("the record is older than this check".to_owned())
    }

    /// What was seen, if it was.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(seen) => Some(seen),
            _ => None,
        }
    }

    /// How it failed, if it was tried and failed.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

impl<T> From<Result<T, Failure>> for Attempt<T> {
    fn from(result: Result<T, Failure>) -> Self {
        match result {
            Ok(seen) => Self::Seen(seen),
            Err(failure) => Self::Failed(failure),
        }
    }
}

/// A measurement that did not come to its end: at which step, how, and after how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub operation: Operation,
    pub kind: FailureKind,
    /// What the system or the peer said, for a person to read. Never matched on.
    pub detail: String,
    /// From the start of the measurement to the failure.
    pub after_ms: Milliseconds,
}

/// The step at which a measurement failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Resolve,
    /// The TCP connection, or the first UDP datagram.
    Connect,
    /// The CONNECT exchange with an explicit proxy (RFC 9110 section 9.3.6).
    Proxy,
    Handshake,
    /// A request was sent and no complete response head came back.
    Request,
    /// The response head was there; what should follow was not.
    Body,
    /// Messages on an open connection: WebSocket frames, events.
    Exchange,
}

/// How a measurement failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nothing came within the time allowed.
    Timeout,
    /// A TCP reset in answer to the SYN, or an ICMP port unreachable.
    Refused,
    /// A reset on an open connection.
    Reset,
    /// The peer closed the connection where more was due.
    Closed,
    /// The network said that there is no way there, or that it is prohibited.
    Unreachable,
    /// The name does not exist, or has no address.
    NoSuchName,
    /// The resolver did not answer or answered with an error.
    ResolverError,
    /// The peer sent this TLS alert (IANA TLS Alerts registry).
    Alert(u8),
    /// The peer answered this HTTP status where it ends the measurement, e.g. a proxy's 407 to CONNECT.
    Status(u16),
    /// The peer's bytes are not the protocol that was asked for.
    Protocol,
    /// The peer sent more than the limit for this thing allows.
    TooLarge,
    /// Our own machine could not do it: no file descriptors, no such address family.
    Local,
}
