#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::http::{LinkHosts, known_links};

// The first octet tells where the page is cut in two: pieces must not matter.
fuzz_target!(|data: &[u8]| {
    let Some((cut, page)) = data.split_first() else { return };
    let _ = known_links(page);
    let (left, right) = page.split_at(usize::from(*cut).min(page.len()));
    let mut whole = LinkHosts::default();
    whole.push(page);
    let mut pieces = LinkHosts::default();
    pieces.push(left);
    pieces.push(right);
    assert_eq!(whole.finish(), pieces.finish());
});
