//! The logs that are known, read from a list in the shape of Google's `log_list.json`, schema version 3
//! (<https://www.gstatic.com/ct/log_list/v3/log_list_schema.json>).
//!
//! The compiled-in list is such a file, reduced to what is needed, so that one reader serves both. A list goes stale: new
//! logs start every half year. That a log is unknown to an old list is therefore no sign of a forgery, and
//! [`CtLogs::made`] tells how old it is.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::Timestamp;
use serde::Deserialize;

use super::certificate::sha256;

/// The list of 2026 has 75 logs in 70 KiB; the one with every log that ever was, some 300.
const MAX_FILE_OCTETS: usize = 4 << 20;
const MAX_LOGS: usize = 2048;
const MAX_KEY_OCTETS: usize = 2048;

/// Known Certificate Transparency logs, by log id.
#[derive(Clone, Debug)]
pub struct CtLogs {
    /// The list's own version, such as "80.14".
    pub version: String,
    /// When the list was made, where it says so.
    pub made: Option<Timestamp>,
    logs: BTreeMap<[u8; 32], Log>,
}

#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) description: String,
    /// SubjectPublicKeyInfo.
    pub(super) key: Vec<u8>,
    pub(super) state: LogState,
    /// The expiry dates for which the log takes certificates: from, and before.
    pub(super) interval: Option<(Timestamp, Timestamp)>,
}

/// What the list's keeper says about a log, as far as it bears on an SCT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogState {
    /// Qualified, usable or read-only; also where a list of one's own says nothing.
    Accepted,
    /// What it signed before this time still counts.
    Retired(Timestamp),
    /// It was refused: what it signs never counts.
    Rejected,
    /// It waits to be accepted, or is for tests only: nobody vouches for it.
    NotAccepted,
}

#[derive(Debug, thiserror::Error)]
pub enum CtLogsError {
    #[error("{0} octets are more than a list of logs may have ({MAX_FILE_OCTETS})")]
    TooLarge(usize),
    #[error("it is no list of CT logs of schema version 3: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it lists no logs")]
    Empty,
    #[error("it lists more than {MAX_LOGS} logs")]
    TooMany,
    #[error("the key of the log `{0}` cannot be read")]
    Key(String),
    #[error("the id of the log `{0}` is not the hash of its key")]
    LogId(String),
}

impl CtLogs {
    /// The list that was current when this program was released.
    pub fn builtin() -> Self {
        #[expect(clippy::expect_used, reason = "the list is part of the program, and a test reads it")]
        Self::from_json(include_bytes!("../../data/ct-logs.json")).expect("the compiled-in list of logs is sound")
    }

    pub fn from_json(text: &[u8]) -> Result<Self, CtLogsError> {
        if text.len() > MAX_FILE_OCTETS {
            return Err(CtLogsError::TooLarge(text.len()));
        }
        let list: List = serde_json::from_slice(text)?;
        let entries =
            list.operators.into_iter().flat_map(|operator| operator.logs.into_iter().chain(operator.tiled_logs));
        let mut logs = BTreeMap::new();
        for entry in entries {
            if logs.len() == MAX_LOGS {
                return Err(CtLogsError::TooMany);
            }
            let (id, log) = entry.read()?;
            logs.insert(id, log);
        }
        if logs.is_empty() {
            return Err(CtLogsError::Empty);
        }
        Ok(Self { version: list.version.unwrap_or_default(), made: list.log_list_timestamp, logs })
    }

    pub fn len(&self) -> usize {
        self.logs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }

    pub(super) fn log(&self, id: &[u8; 32]) -> Option<&Log> {
        self.logs.get(id)
    }
}

#[derive(Deserialize)]
struct List {
    version: Option<String>,
    log_list_timestamp: Option<Timestamp>,
    operators: Vec<Operator>,
}

#[derive(Deserialize)]
struct Operator {
    #[serde(default)]
    logs: Vec<Entry>,
    /// Logs with the interface of static-ct-api: their SCTs are the same.
    #[serde(default)]
    tiled_logs: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    description: Option<String>,
    log_id: String,
    key: String,
    state: Option<States>,
    temporal_interval: Option<Interval>,
    log_type: Option<String>,
}

/// Exactly one of these is there; `qualified`, `usable` and `readonly` make no difference here.
#[derive(Deserialize)]
struct States {
    retired: Option<State>,
    rejected: Option<State>,
    pending: Option<State>,
}

#[derive(Deserialize)]
struct State {
    timestamp: Timestamp,
}

#[derive(Deserialize)]
struct Interval {
    start_inclusive: Timestamp,
    end_exclusive: Timestamp,
}

impl Entry {
    fn read(self) -> Result<([u8; 32], Log), CtLogsError> {
        let description: String = self.description.unwrap_or_else(|| self.log_id.clone()).chars().take(200).collect();
        let decoded = if self.key.len() > MAX_KEY_OCTETS { None } else { BASE64_STANDARD.decode(&self.key).ok() };
        let Some(key) = decoded else {
            return Err(CtLogsError::Key(description));
        };
        let id = sha256(&key);
        if BASE64_STANDARD.decode(&self.log_id).ok().as_deref() != Some(id.as_slice()) {
            return Err(CtLogsError::LogId(description));
        }
        let state = match self.state {
            Some(States { retired: Some(state), .. }) => LogState::Retired(state.timestamp),
            Some(States { rejected: Some(_), .. }) => LogState::Rejected,
            Some(States { pending: Some(_), .. }) => LogState::NotAccepted,
            _ if self.log_type.as_deref() == Some("test") => LogState::NotAccepted,
            _ => LogState::Accepted,
        };
        let interval = self.temporal_interval.map(|interval| (interval.start_inclusive, interval.end_exclusive));
        Ok((id, Log { description, key, state, interval }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_list_is_whole() {
        let logs = CtLogs::builtin();
        assert_eq!(logs.version, "80.14");
        assert_eq!(logs.made.unwrap().to_string(), "2026-01-02T12:57:01Z");
        assert_eq!(logs.len(), 75);
        assert_eq!(logs.logs.values().filter(|log| matches!(log.state, LogState::Retired(_))).count(), 4);
        assert!(logs.logs.values().all(|log| log.interval.is_some()));
    }

    #[test]
    fn lists_are_refused_with_the_reason() {
        let check = |text: &str, reason: &str| {
            assert_eq!(CtLogs::from_json(text.as_bytes()).unwrap_err().to_string(), reason);
        };
        check(r#"{"operators": []}"#, "it lists no logs");
        check(
            r#"{"operators": [{"logs": [{"description": "x", "log_id": "AAAA", "key": "AAAA"}]}]}"#,
            "the id of the log `x` is not the hash of its key",
        );
        check(
            r#"{"operators": [{"logs": [{"description": "x", "log_id": "AAAA", "key": "?"}]}]}"#,
            "the key of the log `x` cannot be read",
        );
        check("{}", "it is no list of CT logs of schema version 3: missing field `operators` at line 1 column 2");
    }

    #[test]
    fn states_are_told_apart() {
        let key = BASE64_STANDARD.encode(b"key");
        let id = BASE64_STANDARD.encode(sha256(b"key"));
        let check = |rest: &str, state: LogState| {
            let text = format!(r#"{{"operators": [{{"logs": [{{"log_id": "{id}", "key": "{key}"{rest}}}]}}]}}"#);
            let logs = CtLogs::from_json(text.as_bytes()).unwrap();
            assert_eq!(logs.log(&sha256(b"key")).unwrap().state, state);
        };
        let time = r#"{"timestamp": "2025-01-01T00:00:00Z"}"#;
        check("", LogState::Accepted);
        check(&format!(r#", "state": {{"readonly": {time}}}"#), LogState::Accepted);
        check(
            &format!(r#", "state": {{"retired": {time}}}"#),
            LogState::Retired(Timestamp::from_unix_seconds(1_735_689_600).unwrap()),
        );
        check(&format!(r#", "state": {{"rejected": {time}}}"#), LogState::Rejected);
        check(&format!(r#", "state": {{"pending": {time}}}"#), LogState::NotAccepted);
        check(&format!(r#", "log_type": "test", "state": {{"usable": {time}}}"#), LogState::NotAccepted);
    }
}
