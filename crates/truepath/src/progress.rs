//! Progress on a terminal: one line that counts hosts, gone when the answer comes. Nothing where nobody looks.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use probe::Event;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Events are as many as hosts, so the channel needs no other bound.
pub(crate) fn channel(wanted: bool) -> (Option<UnboundedSender<Event>>, Option<UnboundedReceiver<Event>>) {
    if !wanted || !std::io::stderr().is_terminal() {
        return (None, None);
    }
    let (sender, receiver) = unbounded_channel();
    (Some(sender), Some(receiver))
}

/// Shows the events until the last sender is gone.
pub(crate) async fn show(events: UnboundedReceiver<Event>) {
    let bar = bar("{spinner} {pos} of {len} hosts  {msg}");
    follow(&bar, events).await;
    bar.finish_and_clear();
}

/// The line of several runs, one after the other: what is being done stands before the hosts of each.
pub(crate) struct Rounds(Option<ProgressBar>);

impl Rounds {
    pub(crate) fn new(wanted: bool) -> Self {
        let seen = wanted && std::io::stderr().is_terminal();
        Self(seen.then(|| bar("{spinner} {prefix}: {pos} of {len} hosts  {msg}")))
    }

    /// For the events of the next run. To be called within the runtime.
    pub(crate) fn next(&self, doing: String) -> Option<UnboundedSender<Event>> {
        let bar = self.0.clone()?;
        bar.set_position(0);
        bar.set_message("");
        bar.set_prefix(doing);
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(async move { follow(&bar, receiver).await });
        Some(sender)
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn bar(template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

async fn follow(bar: &ProgressBar, mut events: UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        match event {
            Event::Finished { host, of } => {
                bar.set_length(of as u64);
                bar.set_message(host.to_string());
                bar.inc(1);
            }
        }
    }
}
