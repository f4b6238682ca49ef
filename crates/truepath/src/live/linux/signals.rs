//! What others tell this program while it listens: an end (SIGINT, SIGTERM), and a question how it stands (SIGUSR1).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Default)]
pub(super) struct Signals {
    ended: AtomicBool,
    asked: AtomicBool,
}

impl Signals {
    /// From now on signals are noted, by a thread that lives as long as the program.
    pub(super) fn watch() -> io::Result<Arc<Self>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut asked = signal(SignalKind::user_defined1())?;
        drop(entered);
        let signals = Arc::new(Self::default());
        let noted = Arc::clone(&signals);
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                loop {
                    let flag = tokio::select! {
                        _ = interrupted.recv() => &noted.ended,
                        _ = terminated.recv() => &noted.ended,
                        _ = asked.recv() => &noted.asked,
                    };
                    flag.store(true, Ordering::Relaxed);
                }
            });
        })?;
        Ok(signals)
    }

    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Once for each question.
    pub(super) fn asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }
}
