//! Stopping without leaving tasks behind: every task of a reflector is started here, and ends here.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// No new connections; what is open may come to its end.
    Draining,
    /// Whatever still runs is dropped.
    Stopped,
}

#[derive(Debug)]
pub(crate) struct Lifecycle {
    phase: watch::Sender<Phase>,
    tasks: Tasks,
    ended: mpsc::Receiver<Infallible>,
}

/// Starts tasks that end with their reflector, also when that is dropped without having been stopped.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    phase: watch::Receiver<Phase>,
    /// Nothing is ever sent: all senders gone means all tasks ended.
    running: mpsc::Sender<Infallible>,
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        let (phase, watched) = watch::channel(Phase::Running);
        let (running, ended) = mpsc::channel(1);
        Self { phase, tasks: Tasks { phase: watched, running }, ended }
    }

    pub(crate) fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Lets the tasks end by themselves within `drain`, then ends those that are left.
    pub(crate) async fn stop(self, drain: Duration) {
        let Self { phase, tasks, mut ended } = self;
        drop(tasks);
        phase.send_replace(Phase::Draining);
        let _ = timeout(drain, ended.recv()).await;
        phase.send_replace(Phase::Stopped);
        ended.recv().await;
    }
}

impl Tasks {
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Self { mut phase, running } = self.clone();
        tokio::spawn(async move {
            let _running = running;
            tokio::select! {
                // An error means that the reflector is gone.
                _ = phase.wait_for(|phase| *phase == Phase::Stopped) => {}
                () = work => {}
            }
        });
    }

    /// Resolves when it is time to come to an end.
    pub(crate) async fn draining(&self) {
        let _ = self.phase.clone().wait_for(|phase| *phase != Phase::Running).await;
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, work: F) {
        self.spawn(async move {
            work.await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tasks_drain_or_are_dropped() {
        let lifecycle = Lifecycle::new();
        let tasks = lifecycle.tasks();
        let (polite, mut seen) = mpsc::channel(1);
        let watching = tasks.clone();
        tasks.spawn(async move {
            watching.draining().await;
            polite.send("drained").await.unwrap();
        });
        tasks.spawn(std::future::pending());
        drop(tasks);
        lifecycle.stop(Duration::from_secs(5)).await;
        assert_eq!(seen.recv().await, Some("drained"));
    }
}
