//! Any octets are a capture as far as they can be read, and it does not matter in which pieces they come: the first octet
//! says how long these are.
#![no_main]

use model::CapturedHandshake;
use wire::capture::{Counts, FileDamage, Inspector, Limits};

fn inspect(file: &[u8], piece: usize) -> (Vec<CapturedHandshake>, Counts, Option<FileDamage>) {
    // Small, so that a small file gets there.
    let limits = Limits { tcp_connections: 8, quic_connections: 4, octets: 64 << 10, ..Limits::default() };
    let mut inspector = Inspector::new([1, 2], limits);
    file.chunks(piece).for_each(|piece| inspector.push(piece));
    inspector.finish();
    (inspector.drain().collect(), *inspector.counts(), inspector.damage().cloned())
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((length, file)) = data.split_first() else { return };
    let whole = inspect(file, usize::MAX);
    assert!(whole.1.octets <= file.len() as u64);
    assert!(whole.0.len() as u64 == whole.1.handshakes);
    for found in &whole.0 {
        assert!(found.client_hello.as_ref().is_none_or(|hello| hello.0.len() <= 4 + (64 << 10)));
    }
    let pieces = inspect(file, usize::from(*length).max(1));
    assert!(whole == pieces);
});
