//! However the segments of a client's stream come, the same handshake comes out. The stream is what stands behind the
//! list of segments; after those, all of it is sent once more in order, so that nothing stays missing.
//!
//! The first octet is the number of segments. Each has four octets: where it begins, how long it is.
#![no_main]

use model::CapturedHandshake;
use wire::capture::{Inspector, Limits, LinkType, Packet};

fn packet(sequence: u32, is_syn: bool, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
    packet.extend([0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0xc0, 0, 1, 0xbb]);
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0x50, if is_syn { 2 } else { 0x10 }, 1, 0, 0, 0, 0, 0]);
    packet.extend(payload);
    packet
}

/// Sequence numbers wrap around behind the first octets.
const START: u32 = u32::MAX - 100;

fn inspect<'a>(segments: impl Iterator<Item = (usize, &'a [u8])>) -> Vec<CapturedHandshake> {
    let mut inspector = Inspector::new([1, 2], Limits::default());
    let mut give = |octets: &[u8]| {
        let original_length = octets.len();
        inspector.packet(Packet { time: Some(1), link_type: LinkType::RAW, original_length, octets });
    };
    give(&packet(START.wrapping_sub(1), true, &[]));
    for (at, payload) in segments {
        give(&packet(START.wrapping_add(u32::try_from(at).unwrap()), false, payload));
    }
    inspector.finish_packets();
    inspector.drain().collect()
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((count, rest)) = data.split_first() else { return };
    let Some((segments, stream)) = rest.split_at_checked(usize::from(*count) * 4) else { return };
    // More than what may wait for its turn would be dropped, rightly.
    let stream = &stream[..stream.len().min(32 << 10)];
    if count > &100 {
        return;
    }
    let cut = |at: usize, length: usize| {
        let at = at.min(stream.len());
        (at, &stream[at..at.saturating_add(length).min(stream.len())])
    };
    let in_order = || (0..stream.len()).step_by(1400).map(|at| cut(at, 1400));
    let any_order = segments.chunks_exact(4).map(|segment| {
        let [a, b, c, d] = segment else { unreachable!() };
        cut(u16::from_be_bytes([*a, *b]).into(), u16::from_be_bytes([*c, *d]).min(1400).into())
    });
    assert_eq!(inspect(any_order.chain(in_order())), inspect(in_order()));
});
