//! What the `fidelity` check saw: whether what was sent is what arrived, at the reflector and back.

use serde::{Deserialize, Serialize};

use crate::{Attempt, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// The tests over connections of HTTP/1.1, and over one where ALPN chose HTTP/2; where a device ends that one, each test that
    /// was lost with it has one of its own. In an order that is always the same.
    pub http1: Attempt<Vec<FidelityTest>>,
    pub http2: Attempt<Vec<FidelityTest>>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FidelityTest {
    /// A stable name in kebab-case: "method-patch", "header-order", "range", "cookie-loop".
    pub name: String,
    /// Index into [`HostRecord::connections`](crate::HostRecord::connections).
    pub connection: usize,
    pub took_ms: Milliseconds,
    /// Whether the reflector's word on what arrived verifies under the pinned key; absent where the test needs no word.
    pub signature_valid: Option<bool>,
    /// How what arrived differs from what was sent, there and back. Empty: octet for octet the same.
    pub outcome: Attempt<Vec<Difference>>,
}

/// One difference between what was sent and what arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub way: Way,
    pub kind: DifferenceKind,
    /// A header's name, or "headers" (their order), "method", "path", "status", "body", "framing" (how its end is told), "trailers",
    /// "version", "100-continue".
    pub what: String,
    /// In short, at most 256 characters each; absent where there was none.
    pub sent: Option<String>,
    pub arrived: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From us to the far end.
    Request,
    /// From the far end to us.
    Response,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    Added,
    Removed,
    /// Another value, or another body.
    Changed,
    Reordered,
    /// The same name in other letters' case.
    Recased,
    /// The same content in another content coding.
    Recompressed,
    /// An old answer to a new question.
    Cached,
    /// It went in circles: redirects that find no end because a cookie does not come back.
    Looped,
    /// Another version of HTTP at the far end than here, or length and chunks exchanged for each other.
    Translated,
    /// An answer that the far end did not give.
    Refused,
}
