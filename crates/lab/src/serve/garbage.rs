//! Octets that are no protocol: what a device does whose software has a bad day.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::PATIENCE;

/// Reads once, then writes noise for as long as the peer takes it: fast at first, then slowly.
pub(super) fn answer(mut stream: TcpStream) -> Result<()> {
    let mut hello = [0; 2048];
    let _length = stream.read(&mut hello)?;
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < PATIENCE {
        // xorshift64 (Marsaglia 2003): the same noise in every run, so that a failure can be repeated.
        let noise: Vec<u8> = (0..512)
            .flat_map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_be_bytes()
            })
            .collect();
        stream.write_all(&noise)?;
        sent += noise.len();
        if sent > 1 << 20 {
            thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}
