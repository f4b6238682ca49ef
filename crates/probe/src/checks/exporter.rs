//! `exporter`: whether the session that ends here is the session that ends there.

use crate::check::{Check, Scope, no_wait};

pub(crate) const CHECK: Check = Check {
    name: "exporter",
    title: "channel binding against the reflector: one TLS session, or two",
    page: "\
Asks the reflector, over TLS 1.3, TLS 1.2 and QUIC, for the channel binding of the connection that the question came on
(`tls-exporter`, RFC 9266; over TLS 1.2 only with an extended master secret) and holds it against our own end's. Two ends of one
session derive the same value; nobody between them can. The answer is signed with a key that you pinned, over a challenge
of ours, so it can be neither forged nor replayed.

Equal values prove that nobody decrypts this connection, whatever certificates they hold. Limit: it proves this
connection, to the reflector; a device may treat the service's own names differently.",
    round_trips: 3,
    waits: no_wait,
    needs_reflector: true,
    octets: |_| 58_000,
    scope: Scope::Reflector,
    by_default: true,
};
