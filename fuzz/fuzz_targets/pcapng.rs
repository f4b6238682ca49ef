//! Any blocks behind a good section header and interface description: most of what a fuzzer changes in a whole file makes
//! its outermost lengths wrong. Here each block is framed anew: two octets of type and link type, one of length, the body.
#![no_main]

use wire::capture::{Inspector, Limits};

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = u32::try_from(padded + 12).unwrap().to_le_bytes();
    let mut block = [kind.to_le_bytes(), length].concat();
    block.extend(body);
    block.resize(8 + padded, 0);
    block.extend(length);
    block
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((link_type, mut rest)) = data.split_first() else { return };
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let mut file = block(0x0a0d_0d0a, &section);
    file.extend(block(1, &[*link_type, 0, 0, 0, 0, 0, 0, 0]));
    let mut blocks = 0;
    while let [kind, length, behind @ ..] = rest {
        let (body, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        file.extend(block(u32::from(kind & 7), body));
        rest = behind;
        blocks += 1;
    }
    let mut inspector = Inspector::new([1, 2], Limits::default());
    inspector.push(&file);
    inspector.finish();
    // The frame is good: nothing but what blocks say of themselves can be wrong.
    assert!(inspector.counts().packets + inspector.counts().bad_blocks <= blocks);
    if let Some(damage) = inspector.damage() {
        assert!(damage.offset < file.len() as u64);
    }
});
