use model::{Confidence, Milliseconds, Stream};

use crate::rules::Sign;
use crate::text::seconds;
use crate::view::View;

rule! {
    /// What it shows: the events of a stream were held back and came together: an answer that should appear word by word
    /// appears at once, late.
    ///
    /// Why it is proof: the far end sends at a pace that was agreed. The first event came later than half of the whole
    /// stream should have taken, and all of them came within half of the time that should lie between two. A slow network
    /// moves all events alike and keeps them apart; a busy machine reads some of them together, and not the last.
    ///
    /// What can fool it: a far end that buffers by itself.
    ///
    /// Source: WHATWG HTML, server-sent events; products in the lab that hold streams, 2026-11.
    "stream-held", E, "Event streams are held back", look, Some("stream"),
    "Stop scanning and buffering responses of type text/event-stream from {hosts}, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let (true, Some(stream)) = (view.host.target.promises.stream.is_some(), view.host.stream.seen()) else {
        return Vec::new();
    };
    let Some((first, due)) = held(stream) else { return Vec::new() };
    let detail = format!(
        "{} events came together after {}; they were sent over {}, the first one at once",
        stream.event_ms.len(),
        seconds(first),
        seconds(due)
    );
    vec![Sign::against(Confidence::Proven, detail).on(vec![stream.exchange.connection])]
}

/// When the first event came, and over how long all should have come.
pub(crate) fn held(stream: &Stream) -> Option<(Milliseconds, Milliseconds)> {
    let gaps = stream.promised_events.checked_sub(1).filter(|gaps| *gaps >= 2)?;
    let due = f64::from(gaps) * stream.promised_gap_ms.0;
    let together = stream.promised_gap_ms.0 / 2.0;
    let (first, last) = (stream.event_ms.first()?.0, stream.event_ms.last()?.0);
    let all_came = stream.event_ms.len() > usize::try_from(gaps).ok()? / 2;
    (due > 0.0 && all_came && first > due / 2.0 && last - first < together)
        .then_some((Milliseconds(first), Milliseconds(due)))
}

#[cfg(test)]
mod tests {
    use model::{Milliseconds, State};

    use crate::testing::{self, against};

    #[test]
    fn events_that_come_together_were_held() {
        let mut record = testing::clean();
        testing::stream(&mut record.hosts[0]).event_ms = [2031.0, 2031.2, 2031.3, 2031.5, 2031.6, 2031.9].map(Milliseconds).to_vec();
        assert_eq!(against(&record, 0), ["stream-held"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
    }

    #[test]
    fn a_slow_network_holds_nothing() {
        let mut record = testing::clean();
        testing::stream(&mut record.hosts[0]).event_ms = (0..6u32).map(|n| Milliseconds(1_900.0 + 400.0 * f64::from(n))).collect();
        assert!(against(&record, 0).is_empty(), "late, but at the agreed pace");
        testing::stream(&mut record.hosts[0]).event_ms = [31.0, 432.0, 1900.0, 1901.0, 1902.0, 2033.0].map(Milliseconds).to_vec();
        assert!(against(&record, 0).is_empty(), "a loss in the middle");
    }

    /// Times of the lab's clean path on two cores with several times their load, where half a second was lost at the start.
    #[test]
    fn a_busy_machine_holds_nothing() {
        for late in [[708.0, 708.0, 860.0, 860.0, 989.0], [746.0, 746.0, 746.0, 746.0, 908.0], [875.0, 875.0, 875.0, 923.0, 999.0]] {
            let mut record = testing::clean();
            let stream = testing::stream(&mut record.hosts[0]);
            (stream.promised_events, stream.promised_gap_ms) = (5, Milliseconds(200.0));
            stream.event_ms = late.map(Milliseconds).to_vec();
            assert!(against(&record, 0).is_empty(), "{late:?}");
        }
    }
}
