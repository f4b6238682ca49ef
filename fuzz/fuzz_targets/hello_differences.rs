//! Two messages, the length of the first in two octets in front: no difference is found if and only if they are equal,
//! and there is never more than a page of them.
#![no_main]

use wire::tls::hello_differences;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk() else { return };
    let (sent, arrived) = rest.split_at(rest.len().min(u16::from_be_bytes(*length).into()));
    let lines = hello_differences(sent, arrived);
    assert_eq!(lines.is_empty(), sent == arrived);
    assert!(lines.len() <= 65);
    assert!(lines.iter().all(|line| !line.contains('\n')));
});
