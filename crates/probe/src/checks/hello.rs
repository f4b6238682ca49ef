//! `hello`: whether the ClientHello that arrived is the one that left.

use crate::check::{Check, Scope, no_wait};

pub(crate) const CHECK: Check = Check {
    name: "hello",
    title: "the ClientHello as sent and as received by the reflector",
    page: "\
The reflector answers with the octets of the ClientHello that arrived, over TCP and over QUIC; they are held against the
octets that we sent. A different hello was written by somebody else, and the fields that differ tell what wrote it.

The answer is signed with the key that you pinned. It comes over the same connections as the `exporter` check's.",
    round_trips: 3,
    waits: no_wait,
    needs_reflector: true,
    octets: |_| 0,
    scope: Scope::Reflector,
    by_default: true,
};
