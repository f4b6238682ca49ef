//! The call that a client makes with its reflector: packets of a voice call's size and pace, and what became of them.
//!
//! [`Packet`] is one datagram, read and written alike at both ends; [`Receiver`] counts what arrived at one end;
//! [`losses()`] describes the pattern of what did not come back.
//!
//! On the wire each datagram is an RTP packet (RFC 3550 section 5.1) of 172 octets, a header of 12 and as much payload as 20 ms
//! of G.711 speech have, so that devices which treat voice in a way of its own, for better or worse, treat it so. It shares
//! the port with STUN: the first octet tells the two apart (RFC 7983 section 7). The payload is ours:
//!
//! ```text
//! 0   "tpc1", the name of this format
//! 4   kind: 0 opening, 1 opened, 2 voice, 3 echo
//! 5   three octets of zero
//! 8   token, 16 octets: which call
//! 24  cookie, 8 octets: proof that the sender receives at its address; zero in an opening
//! 32  sequence number, 4 octets
//! 36  when it was sent: microseconds of the client's clock, 8 octets
//! 44  when it was sent back: microseconds of the reflector's clock, 8 octets; zero on the way there
//! 52  filler that does not compress, to the end
//! ```
//!
//! Numbers are big-endian, and clocks begin wherever they like: only differences are used. Nothing is secret or
//! authenticated here: whoever stands on the path can read, drop and forge packets as they can those of a call. The report
//! that the reflector gives at the end comes over TLS and is signed.

mod losses;
mod packet;
mod receiver;

pub use losses::{Losses, losses};
pub use packet::{Cookie, Kind, PACKET, Packet, Token};
pub use receiver::{Arrival, Receiver};
