//! Any datagram is a packet of a call or is none, and a packet is counted whatever stands in it.
#![no_main]

use wire::call::{Packet, Receiver, losses};

libfuzzer_sys::fuzz_target!(|datagrams: &[u8]| {
    let mut receiver = Receiver::new(64);
    for datagram in datagrams.chunks(wire::call::PACKET) {
        if let Some(packet) = Packet::parse(datagram) {
            assert_eq!(Packet::parse(&packet.encode()), Some(packet));
            receiver.receive(packet.sequence, packet.sent_us, packet.returned_us);
        }
    }
    assert!(receiver.jitter_ms().is_finite() && receiver.reordered() <= receiver.arrived());
    assert_eq!(losses(receiver.seen()).lost, 64 - receiver.arrived());
});
