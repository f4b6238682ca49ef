//! An authoritative name server for one zone, whose names tell which resolver asks for a client.
//!
//! A client makes up a name that nobody asked for before, `LABEL.ZONE` with a label of 32 hexadecimal digits, and lets its
//! resolver find it. Nobody has it cached, so the recursive resolver asks here, and its address is remembered beside the
//! label for a minute. The client then asks over HTTPS who it was, and the answer is signed (`name=` of `/v1/reflect`):
//! whoever rewrites DNS on the way cannot rewrite that.
//!
//! The DNS answer says it too. An address question is answered with the asking address itself: every program can read it,
//! and it is a public address wherever the resolver has one, which a filter against DNS rebinding lets pass. (Addresses of
//! documentation and of private networks are what such filters remove.) Nobody is to connect to it.
//!
//! What can go wrong: a question that is none gets an error as the standard has it, or nothing; what is remembered has a limit,
//! and the oldest goes first. UDP sender addresses can be forged, so that answers over UDP are given at a [rate](crate::rate)
//! that is limited for each client and in all, have at most 512 octets, and at most 128 more than their questions. Beyond the
//! rate every second question is told to come again over TCP, in no more octets than it has, and the others nothing; beyond
//! the length, all of them.
//!
//! Answers leave from the address that was asked, also where the sockets listen on all of them.

mod askers;
mod serve;
mod zone;

use std::net::SocketAddr;

use model::HostName;

pub(crate) use askers::Label;
pub(crate) use serve::{Sockets, open, serve};
pub(crate) use zone::Zone;

/// The zone that a reflector is authoritative for, and where it is asked.
#[derive(Clone, Debug)]
pub struct Dns {
    /// Each address is served over UDP and TCP. Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    pub zone: HostName,
    /// The name of this name server, as the parent zone's NS record has it. Without one it is `ns.ZONE`, with the address
    /// that this machine answers from; behind an address translation that is not the one which the world sees.
    pub server: Option<HostName>,
}
