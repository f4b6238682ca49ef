//! Captures: the TLS handshakes in a file of packets, or on an interface.
//!
//! In go the octets of a pcap or pcapng file in pieces of any size ([`Inspector::push`]), or single packets
//! ([`Inspector::packet`]); out come [`CapturedHandshake`](model::CapturedHandshake)s, each when it is complete: when the
//! server's first flight is over, the connection ends, or a limit says so. The order is that of completion, and the same
//! input gives the same output however it was cut.
//!
//! Nothing here reads a file, a clock or random numbers: the time is that of the packets, and the key of the flow table is
//! an argument. Packets are not copied; of a connection only the octets up to its hellos are kept, in memory that is
//! limited ([`Limits`]), and what a limit made us leave is counted ([`Counts`]). Checksums are not looked at: network cards
//! fill them in after the capture.

mod connections;
mod counts;
mod file;
mod flow;
mod handshake;
mod inspector;
mod limits;
mod packet;
mod quic;
mod tcp;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use counts::Counts;
pub use file::FileError;
pub use inspector::{FileDamage, Inspector};
pub use limits::Limits;
pub use packet::{LinkType, Packet};
