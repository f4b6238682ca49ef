//! Small values, as short as a test wants to write them.

use model::{Attempt, Failure, FailureKind, HostName, Milliseconds, Operation, Record, Timestamp};

pub(crate) fn time(text: &str) -> Timestamp {
    Timestamp(text.parse().expect("a time"))
}

pub(crate) fn name(text: &str) -> HostName {
    HostName::parse(text).expect("a host name")
}

pub(crate) fn days_before(record: &Record, days: i64) -> Option<Timestamp> {
    Timestamp::from_unix_seconds(record.started.unix_seconds() - days * 86_400)
}

pub(crate) fn failure(kind: FailureKind) -> Failure {
    Failure { operation: Operation::Request, kind, detail: String::new(), after_ms: Milliseconds(5_000.0) }
}

pub(crate) fn seen<T>(attempt: &mut Attempt<T>) -> &mut T {
    match attempt {
        Attempt::Seen(seen) => seen,
        _ => panic!("it was not seen"),
    }
}

/// A check that a record was made without.
pub(crate) fn later<T>() -> Attempt<T> {
    Attempt::not_tried("not among the checks that were asked for")
}
