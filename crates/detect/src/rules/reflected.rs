//! What the reflector says arrived, and whether it is the reflector that says so.

use model::{Connection, Reflection};

use crate::view::View;

/// A reflection with the connection it was asked over.
pub(super) struct Reflected<'a> {
    pub(super) index: usize,
    pub(super) connection: &'a Connection,
    pub(super) reflection: &'a Reflection,
}

impl Reflected<'_> {
    /// The pinned key signed the answer, and the answer is to our own challenge: it cannot be forged or replayed.
    pub(super) fn is_signed(&self) -> bool {
        self.reflection.signature_valid && self.reflection.answer.challenge == self.reflection.challenge
    }

    /// The channel bindings of both ends; `None` where one of them has none.
    pub(super) fn exporters_equal(&self) -> Option<bool> {
        let ours = self.connection.tls.seen()?.exporter.as_ref()?;
        let theirs = self.reflection.answer.exporter.as_ref()?;
        Some(ours == theirs)
    }
}

pub(super) fn all<'a>(view: &View<'a>) -> Vec<Reflected<'a>> {
    view.reflections()
        .into_iter()
        .filter_map(|reflection| {
            let index = reflection.connection;
            Some(Reflected { index, connection: view.connection(index)?, reflection })
        })
        .collect()
}

pub(super) fn signed<'a>(view: &View<'a>) -> Vec<Reflected<'a>> {
    all(view).into_iter().filter(Reflected::is_signed).collect()
}
