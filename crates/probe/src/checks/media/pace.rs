//! Sends packets at an even pace and takes in what comes back.

use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};
use wire::call::{Arrival, Cookie, Kind, PACKET, Packet, Receiver, Token};

/// So long after the last packet one may still come back. A listener would not wait so long for it; but a packet that is
/// late and one that is lost point at different faults.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// A call that the reflector has opened.
pub(super) struct Line {
    pub(super) socket: UdpSocket,
    pub(super) token: Token,
    pub(super) cookie: Cookie,
}

/// What was seen of a call from here.
pub(super) struct Talk {
    pub(super) sent: u32,
    /// From the first packet to the end of the interval after the last.
    pub(super) took: Duration,
    /// The greatest lateness of a sending.
    pub(super) lateness: Duration,
    /// Of each packet that came back, in the order of coming.
    pub(super) round_trips: Vec<Duration>,
    pub(super) receiver: Receiver,
}

/// Each packet is due at a multiple of the interval after the first, so that a late one does not delay those that follow:
/// after a pause of this machine the packets due are sent at once, as a real sender of speech would.
pub(super) async fn talk(line: &Line, packets: u32, interval: Duration) -> Talk {
    let started = Instant::now();
    let mut sent_at: Vec<Instant> = Vec::with_capacity(usize::try_from(packets).unwrap_or(0));
    let mut sent = 0;
    let mut talk = Talk {
        sent: 0,
        took: interval * packets,
        lateness: Duration::ZERO,
        round_trips: Vec::new(),
        receiver: Receiver::new(packets),
    };
    // One octet more, so that a datagram that is too long is not taken for one that fits.
    let mut buffer = [0; PACKET + 1];
    let mut errors = 0;
    loop {
        let everything_came = talk.receiver.arrived() >= packets;
        // Errors of the socket are ICMP's answers to what we sent, so they are no more than that.
        if sent >= packets && everything_came || errors > packets {
            break;
        }
        let due = if sent < packets { started + interval * sent } else { started + talk.took + STRAGGLERS };
        tokio::select! {
            // The pace first: what has come waits in the socket for some microseconds.
            biased;
            () = sleep_until(due) => {
                if sent >= packets {
                    break;
                }
                let now = Instant::now();
                talk.lateness = talk.lateness.max(now.duration_since(due));
                sent_at.push(now);
                let packet = Packet {
                    kind: Kind::Voice,
                    token: line.token,
                    cookie: line.cookie,
                    sequence: sent,
                    sent_us: microseconds(now.duration_since(started)),
                    returned_us: 0,
                };
                // What cannot leave this machine is lost, to whoever listens.
                let _ = line.socket.try_send(&packet.encode());
                sent += 1;
            }
            received = line.socket.recv(&mut buffer) => {
                let now = Instant::now();
                let Ok(length) = received else {
                    errors += 1;
                    continue;
                };
                let Some(packet) = buffer.get(..length).and_then(Packet::parse).filter(|packet| is_echo(packet, line)) else {
                    continue;
                };
                let Some(at) = usize::try_from(packet.sequence).ok().and_then(|place| sent_at.get(place)) else {
                    continue;
                };
                let arrived_us = microseconds(now.duration_since(started));
                if talk.receiver.receive(packet.sequence, packet.returned_us, arrived_us) == Arrival::New {
                    talk.round_trips.push(now.duration_since(*at));
                }
            }
        }
    }
    talk.sent = sent;
    talk
}

fn is_echo(packet: &Packet, line: &Line) -> bool {
    packet.kind == Kind::Echo && packet.token == line.token && packet.cookie == line.cookie
}

fn microseconds(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
