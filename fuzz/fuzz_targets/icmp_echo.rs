#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use wire::icmp::Echo;

fuzz_target!(|data: &[u8]| {
    let echo = Echo { identifier: 0x1234, sequence: 7, token: *b"truepath" };
    let _ = echo.is_quoted_by(data);
    for from in [IpAddr::from([192, 0, 2, 1]), IpAddr::from([0u8; 16])] {
        let _ = (echo.is_answered_by(from, data, false), echo.is_answered_by(from, data, true));
    }
});
