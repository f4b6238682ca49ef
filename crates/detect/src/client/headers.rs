//! The header fields of a request: what intermediaries add to them, whether they are otherwise the browser's that the
//! request claims, and whether somebody wrote them anew.
//!
//! Edges record them in one of two ways, and what may be concluded differs. `headers` are those that an edge logs: they can
//! support something and never deny it, and their order may be that of the log's format. `header_names` are all of them as
//! they came: a name that is missing there was not sent.

mod added;
mod habits;
mod likeness;
mod order;

use model::ObservedHttp;

pub(super) use added::{Added, RequestMarks};
pub(super) use habits::{Habit, Habits};
pub(super) use likeness::{Likeness, likeness};
pub(super) use order::rewritten;

/// More names than these are not looked at: servers refuse a request with a hundred fields.
const MAX_NAMES: usize = 128;

/// The first value recorded under this name.
fn value<'o>(http: &'o ObservedHttp<'_>, name: &str) -> Option<&'o str> {
    let header = http.headers.iter().take(MAX_NAMES).find(|(known, _)| known.eq_ignore_ascii_case(name));
    header.map(|(_, value)| &**value)
}

/// Whether such a field was recorded, with its value or by name.
fn has(http: &ObservedHttp<'_>, name: &str) -> bool {
    let listed = http.header_names.iter().flatten().take(MAX_NAMES).any(|known| known.eq_ignore_ascii_case(name));
    listed || value(http, name).is_some()
}

/// All names as they came, pseudo-headers left out. `None` where the edge does not record all.
fn all_names<'o>(http: &'o ObservedHttp<'_>) -> Option<impl Iterator<Item = &'o str> + Clone> {
    let names = http.header_names.as_ref()?;
    Some(names.iter().take(MAX_NAMES).map(|name| &**name).filter(|name| !name.starts_with(':')))
}

/// Where this field stands among all of them.
fn place(names: impl Iterator<Item = impl AsRef<str>>, name: &str) -> Option<usize> {
    names.into_iter().position(|known| known.as_ref().eq_ignore_ascii_case(name))
}

/// HTTP/1.0 or HTTP/1.1.
fn is_http1(http: &ObservedHttp<'_>) -> bool {
    http.version.as_deref().is_some_and(|version| version.starts_with('1'))
}
