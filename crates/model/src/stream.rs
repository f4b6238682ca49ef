//! What the `stream` check saw: a server-sent event stream whose pace the far end promises.

use serde::{Deserialize, Serialize};

use crate::{Failure, HttpExchange, Milliseconds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// The response head; its body is not read here.
    pub exchange: HttpExchange,
    /// Arrival of each event, counted from the request.
    pub event_ms: Vec<Milliseconds>,
    /// The far end's own pace, as it was asked for.
    pub promised_events: u32,
    pub promised_gap_ms: Milliseconds,
    /// All events came, and then the stream ended.
    pub complete: bool,
    /// How it broke off, where it did.
    pub broke: Option<Failure>,
}
