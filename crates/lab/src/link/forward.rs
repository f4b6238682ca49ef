//! One direction of the link, running: a thread that reads one device and writes the other when packets are due.
//!
//! It waits in ppoll(2), whose timeout has the precision of the kernel's timers. What a packet is late by is the time that
//! the scheduler takes to run this thread.

use std::{
    io::ErrorKind,
    num::NonZeroU64,
    os::fd::AsFd,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    thread::set_current_timer_slack,
};
use tun_rs::SyncDevice;

use super::{Counts, Plan, line::Line};

/// The longest wait: how soon a dropped link notices that it is.
const TICK: Duration = Duration::from_millis(50);
/// Packets read in a row before those that are due get their turn.
const BATCH: usize = 64;
/// The largest IP packet.
const LARGEST: usize = 65_535;

#[derive(Debug)]
pub(super) struct Forwarder {
    stop: Arc<AtomicBool>,
    counts: Arc<Mutex<Counts>>,
    thread: Option<JoinHandle<()>>,
}

impl Forwarder {
    pub(super) fn start(name: &str, from: Arc<SyncDevice>, to: Arc<SyncDevice>, plan: Plan) -> Result<Self> {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Counts::default())));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&counts));
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            // By default the kernel may be 50 µs late with a timer, to save wake-ups.
            let _as_it_is = set_current_timer_slack(NonZeroU64::new(1));
            let mut line = Line::new(plan);
            let mut buffer = vec![0; LARGEST];
            while !stopped.load(Ordering::Relaxed) {
                if turn(&mut line, &from, &to, &mut buffer).is_err() {
                    // A device that is gone: so is the namespace, and with it the link.
                    break;
                }
                if let Ok(mut counts) = counted.lock() {
                    *counts = line.counts;
                }
            }
        })?;
        Ok(Self { stop, counts, thread: Some(thread) })
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.lock().map(|counts| *counts).unwrap_or_default()
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Writes what is due, waits for the next thing to do, reads what has come.
fn turn(line: &mut Line, from: &SyncDevice, to: &SyncDevice, buffer: &mut [u8]) -> Result<()> {
    while let Some(packet) = line.pop(Instant::now()) {
        match to.send(&packet) {
            Ok(_) => line.counts.carried += 1,
            Err(_) => line.counts.overflowed += 1,
        }
    }
    let wait = line.next_due().map_or(TICK, |due| due.saturating_duration_since(Instant::now()).min(TICK));
    if !readable(from, wait)? {
        return Ok(());
    }
    for _ in 0..BATCH {
        match from.recv(buffer) {
            Ok(length) => line.push(Instant::now(), buffer.get(..length).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => break,
            Err(error) => return Err(error).context("cannot read the TUN device"),
        }
    }
    Ok(())
}

fn readable(device: &SyncDevice, wait: Duration) -> Result<bool> {
    let timeout = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
    let mut waiting = [PollFd::from_borrowed_fd(device.as_fd(), PollFlags::IN)];
    match poll(&mut waiting, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error).context("cannot wait for the TUN device"),
    }
}
