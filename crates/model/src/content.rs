//! What the `content` check saw: whether harmless test patterns pass as they are.

use serde::{Deserialize, Serialize};

use crate::{Attempt, Header, Milliseconds, Way};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    pub tests: Vec<ContentTest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentTest {
    /// "payment-cards", "iban", "national-id", "eicar", "eicar-zip", and harmless ones of the same length over the same connection
    /// before and after: "control", "control-zip".
    pub pattern: String,
    /// An upload is a request, a download a response.
    pub way: Way,
    /// Index into [`HostRecord::connections`](crate::HostRecord::connections).
    pub connection: Option<usize>,
    pub length: u64,
    pub outcome: Attempt<ContentOutcome>,
}

/// An answer, whoever gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentOutcome {
    pub status: u16,
    pub headers: Vec<Header>,
    /// The far end got, or we got, octet for octet what was sent. For uploads the reflector's signed word.
    pub arrived: bool,
    /// Whether that word verifies; absent for downloads, whose octets are known.
    pub signature_valid: Option<bool>,
    /// First octet sent to last octet received.
    pub took_ms: Milliseconds,
    /// The start of what came instead, where it is text.
    pub text: Option<String>,
}
