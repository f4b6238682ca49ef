//! The loop: packets in, and everything that may interrupt it.

mod signals;
mod socket;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use wire::capture::Inspector;

use super::{Event, Options};

use signals::Signals;
use socket::PacketSocket;

/// How often handshakes that wait for an answer are looked after while the line is quiet.
const TICK: Duration = Duration::from_secs(1);

/// Drops are told at most that often.
const TELL_DROPS: Duration = Duration::from_secs(60);

/// After the end, for what the system holds already.
const DRAIN: Duration = Duration::from_secs(1);

pub(super) fn run(
    options: &Options<'_>,
    inspector: &mut Inspector,
    mut on: impl FnMut(Event, &mut Inspector) -> Result<()>,
) -> Result<()> {
    let mut socket = PacketSocket::open(options.interface)?;
    let signals = Signals::watch().context("cannot listen to signals")?;
    let context = || format!("interface {}", options.interface);
    let begin = Instant::now();
    let (mut told, mut told_at, mut ticked_at) = (0, begin, begin);
    on(Event::Started, inspector)?;
    while !signals.ended() && options.seconds.is_none_or(|seconds| begin.elapsed().as_secs() < seconds.get()) {
        let any = socket.read(inspector).with_context(context)?;
        if any {
            on(Event::Packets, inspector)?;
        }
        if ticked_at.elapsed() >= TICK {
            ticked_at = Instant::now();
            inspector.time_passes(now());
            on(Event::Packets, inspector)?;
        }
        let dropped = socket.dropped();
        if signals.asked() || (dropped > told && told_at.elapsed() >= TELL_DROPS) {
            on(Event::Tell { dropped }, inspector)?;
            (told, told_at) = (dropped, Instant::now());
        }
    }
    let drained_at = Instant::now();
    while drained_at.elapsed() < DRAIN && socket.read(inspector).with_context(context)? {}
    inspector.finish_packets();
    on(Event::Packets, inspector)?;
    on(Event::Ended { dropped: socket.dropped() }, inspector)
}

/// Nanoseconds since 1970, as the packets are stamped.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
