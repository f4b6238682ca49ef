//! SIGINT and SIGTERM set a flag; everything here that waits looks at it, so that what was started is taken down by the
//! same code whether a run ends or is ended.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How often a wait looks at what it waits for.
const TICK: Duration = Duration::from_millis(15);

/// Listens for the two signals from now on.
pub(crate) fn listen() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            });
            INTERRUPTED.store(true, Ordering::Relaxed);
        })
        .context("no thread for the signals")?;
    Ok(())
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Waits until `ready` gives something. `None` after `limit`; an error when interrupted.
pub(crate) fn wait<T>(limit: Duration, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let start = Instant::now();
    loop {
        if let Some(value) = ready()? {
            return Ok(Some(value));
        }
        if interrupted() {
            bail!("interrupted");
        }
        if start.elapsed() >= limit {
            return Ok(None);
        }
        thread::sleep(TICK);
    }
}
