//! Points in time and spans as they are stored. Reading the clock is the shell's business.

use serde::{Deserialize, Serialize};

/// A span in milliseconds. Stored as a number with microsecond resolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Milliseconds(pub f64);

impl From<core::time::Duration> for Milliseconds {
    fn from(span: core::time::Duration) -> Self {
        Self((span.as_secs_f64() * 1e6).round() / 1e3)
    }
}

impl core::fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            ms if ms >= 1_000.0 => write!(f, "{:.1} s", ms / 1e3),
            ms if ms >= 10.0 => write!(f, "{ms:.0} ms"),
            ms => write!(f, "{ms:.1} ms"),
        }
    }
}

/// A point in time, UTC. Stored as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub jiff::Timestamp);

impl Timestamp {
    /// `None` where the number lies outside of what RFC 3339 can say.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self)
    }

    pub fn from_unix_milliseconds(milliseconds: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(milliseconds).ok().map(Self)
    }

    /// The point `span` later; the last one that RFC 3339 can say where there is none.
    pub fn after(self, span: core::time::Duration) -> Self {
        let span = jiff::SignedDuration::try_from(span).unwrap_or(jiff::SignedDuration::MAX);
        Self(self.0.saturating_add(span).unwrap_or(jiff::Timestamp::MAX))
    }

    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Seconds from `earlier` to `self`; negative where `self` is the earlier one.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.unix_seconds() - earlier.unix_seconds()
    }
}

impl core::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}
