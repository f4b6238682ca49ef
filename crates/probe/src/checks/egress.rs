//! `egress`: the address that the outside sees of us.

use std::net::IpAddr;

use model::{Attempt, Egress, EgressAddress, HostName, Media, Reflection, Transport};

use crate::check::{Check, Scope, no_wait};

pub(crate) const CHECK: Check = Check {
    name: "egress",
    title: "the address that the outside sees of us",
    page: "\
Reads from the reflector's signed answers, over TCP and over QUIC, which address they came from, and from STUN answers which
address UDP leaves by. Nothing is sent for it: it is what the other checks brought home.

Shows where traffic leaves: at the office, at a central site a continent away, or at a cloud proxy. TCP and UDP may leave by
different ways. With `--geo` or `truepath geo fetch` it tells place and network owner, and with `--place` the distance from
here. Through an explicit proxy, TCP shows the proxy's far side.",
    round_trips: 0,
    waits: no_wait,
    needs_reflector: true,
    octets: |_| 0,
    scope: Scope::Reflector,
    by_default: true,
};

/// `media` are the hosts whose STUN answers tell a mapped address.
pub(crate) fn run<'a>(
    reflections: &[Attempt<Reflection>],
    media: impl IntoIterator<Item = (&'a HostName, &'a Media)>,
) -> Attempt<Egress> {
    let mut seen: Vec<EgressAddress> = Vec::new();
    let mut add = |over: &str, address: IpAddr, said_by: &str, signed: bool| {
        let one = EgressAddress {
            over: over.to_owned(),
            address: address.to_canonical(),
            said_by: said_by.to_owned(),
            signed,
        };
        if !seen.contains(&one) {
            seen.push(one);
        }
    };
    for reflection in reflections.iter().filter_map(Attempt::seen) {
        let over = if reflection.answer.transport == Transport::Tcp { "tcp" } else { "quic" };
        add(over, reflection.answer.client.ip(), "reflector", reflection.signature_valid);
    }
    for (host, media) in media {
        for mapped in media.stun.iter().filter_map(|stun| stun.outcome.seen()?.mapped) {
            add("udp", mapped.ip(), host.as_str(), false);
        }
    }
    match reflections.iter().find_map(Attempt::failure) {
        _ if !seen.is_empty() => Attempt::Seen(Egress { seen }),
        Some(failure) => Attempt::Failed(failure.clone()),
        None => Attempt::not_tried("the reflector was not asked"),
    }
}
