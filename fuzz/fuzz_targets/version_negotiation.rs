//! Any datagram is an answer to our probe with at least one version in it, or is none.
#![no_main]

use wire::quic::version_negotiation::{RESERVED_VERSION, parse};

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| {
    if let Some(versions) = parse(datagram, b"12345678", b"abcdefgh") {
        assert!(!versions.is_empty() && !versions.contains(&RESERVED_VERSION));
        assert_eq!(datagram.len(), 7 + 16 + 4 * versions.len());
    }
});
