//! The UDP port for media: STUN Binding (RFC 8489), which tells a client its address, and the echo of calls.
//!
//! UDP sender addresses can be forged, so nothing here may send much to an address that has not shown that it receives:
//!
//! - A Binding request is answered at a [rate](crate::rate) that is limited for each client and in all. The shortest has 20
//!   octets and is answered by 32 octets over IPv4 and 44 over IPv6, eight more on either side with a fingerprint; an error
//!   response has 52 at most. With the headers of IP and UDP that is 100 octets, 1.6 Mbit/s in all.
//! - An *opening* is answered by a random cookie, with as many octets as it has, and only if it names a call that was granted
//!   over TLS ([`Calls`]): eight times for each. It is not counted with the Binding requests, which anybody can send.
//! - Every other packet of a call has to carry the cookie, and is sent back as it came, once.
//!
//! The address of a call need not be the one that asked for the call. Networks with a proxy send TCP by another way than UDP, and
//! that is exactly where a call is worth measuring; the token, which only TLS carried, says who may.
//!
//! Answers leave from the address that was asked, also where the socket listens on all of them.

mod calls;
mod serve;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::Limits;
use crate::datagrams::Socket;

pub(crate) use calls::{Calls, NotGranted};
pub(crate) use serve::serve;

/// The pace of a voice call: one packet of 20 ms of speech.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);

/// What HTTP has to know of it.
pub(crate) struct Media {
    pub(crate) port: u16,
    pub(crate) calls: Arc<Calls>,
}

/// Opens the sockets. The port of the first is the one that clients are told.
pub(crate) fn bind(
    addresses: &[SocketAddr],
    limits: &Limits,
) -> Result<(Vec<Socket>, Option<Media>), (SocketAddr, io::Error)> {
    let mut sockets = Vec::with_capacity(addresses.len());
    for address in addresses {
        sockets.push(Socket::bind(*address).map_err(|error| (*address, error))?);
    }
    let media =
        sockets.first().map(|socket| Media { port: socket.address().port(), calls: Arc::new(Calls::new(limits)) });
    Ok((sockets, media))
}
