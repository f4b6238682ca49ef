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
pub(crate) async fn show(mut events: UnboundedReceiver<Event>) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} of {len} hosts  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    while let Some(event) = events.recv().await {
        match event {
            Event::Finished { host, of } => {
                bar.set_length(of as u64);
                bar.set_message(host.to_string());
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
}
