//! What may keep a check from running, or from running on: not asked for, not its turn, nowhere to connect to, no time left.

use std::pin::Pin;
use std::sync::Arc;

use model::{Attempt, FailureKind, Milliseconds, Operation, Reflection};
use tokio::time::Instant;

use crate::checks;
use crate::failure::Stopwatch;
use crate::host::Context;
use crate::net::BoxFuture;
use crate::run::OurFailure;
use crate::settings::{Settings, Subject};

/// What may keep a check from running. Checks come boxed: unboxed they would be copied from stack to stack, and together
/// they are large.
pub(crate) struct Guard<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) subject: Subject<'a>,
    /// There is nowhere to connect to, and why.
    pub(crate) obstacle: Option<model::Failure>,
    pub(crate) deadline: Instant,
    pub(crate) watch: Stopwatch,
}

impl Guard<'_> {
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.settings.runs(name, self.subject)
    }

    pub(crate) async fn check<T>(&self, name: &str, check: Pin<Box<impl Future<Output = Attempt<T>>>>) -> Attempt<T> {
        match &self.obstacle {
            Some(failure) if self.runs(name) => Attempt::Failed(failure.clone()),
            _ => self.unobstructed(name, check).await,
        }
    }

    pub(crate) async fn unobstructed<T>(
        &self,
        name: &str,
        check: Pin<Box<impl Future<Output = Attempt<T>>>>,
    ) -> Attempt<T> {
        if !self.runs(name) {
            return Attempt::not_tried(self.settings.not_run(name));
        }
        // A check waits for the network at every step, each with its own limit; this one ends those that add up.
        match tokio::time::timeout_at(self.deadline, check).await {
            Ok(attempt) => attempt,
            Err(_elapsed) => {
                let detail = format!("the time budget of {} was used up", Milliseconds::from(self.settings.budget));
                Attempt::Failed(self.watch.failure(Operation::Exchange, FailureKind::Timeout, detail))
            }
        }
    }

    pub(crate) async fn reflection(
        &self,
        question: Pin<Box<impl Future<Output = Attempt<Reflection>>>>,
    ) -> Attempt<Reflection> {
        let name = [checks::exporter::CHECK.name, checks::hello::CHECK.name].into_iter().find(|name| self.runs(name));
        self.check(name.unwrap_or(checks::exporter::CHECK.name), question).await
    }
}

/// Checks of the run as a whole, each a task of its own.
pub(crate) struct RunGuard {
    pub(crate) context: Arc<Context>,
    pub(crate) deadline: Instant,
}

impl RunGuard {
    /// Starts a check at once, if it is to run.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        name: &'static str,
        check: impl Future<Output = Attempt<T>> + Send + 'static,
    ) -> BoxFuture<'static, Result<Attempt<T>, OurFailure>> {
        let settings = &self.context.settings;
        let (runs, why) = (settings.runs(name, Subject::Run), settings.not_run(name));
        let (deadline, watch) = (self.deadline, Stopwatch::start());
        let task = runs.then(|| tokio::spawn(tokio::time::timeout_at(deadline, check)));
        Box::pin(async move {
            let Some(task) = task else { return Ok(Attempt::not_tried(why)) };
            match task.await {
                Ok(Ok(attempt)) => Ok(attempt),
                Ok(Err(_elapsed)) => {
                    let failure =
                        watch.failure(Operation::Exchange, FailureKind::Timeout, "the time budget was used up");
                    Ok(Attempt::Failed(failure))
                }
                Err(error) => Err(OurFailure(error.to_string())),
            }
        })
    }
}
