use model::{Confidence, Download, Milliseconds};

use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: while a download runs, everything else waits: a round trip beside it takes 100 ms longer than before.
    ///
    /// Why it is proof: the round trips went to the same host over a connection of their own. The wait is in a queue that is
    /// longer than it should be, on the slowest link of the path.
    ///
    /// What can fool it: a machine or a far end too busy to answer; the median of several round trips is taken.
    ///
    /// Source: Microsoft 365 network connectivity test, buffer bloat (2025-04-02); RFC 7567 section 1.2 (queues).
    "buffer-bloat", E, "Downloads hold up everything else", look, None,
    "Turn on active queue management (FQ-CoDel, CAKE or a shaper a little below the line's rate) on the slowest link.", Line
}

const BLOAT_MS: f64 = 100.0;
/// Fewer round trips are an accident.
const FEWEST: usize = 3;

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(download) = view.host.download.seen() else { return Vec::new() };
    let Some((idle, loaded)) = latencies(download) else { return Vec::new() };
    if loaded.0 - idle.0 < BLOAT_MS {
        return Vec::new();
    }
    let detail = format!("a round trip takes {idle} on the idle line and {loaded} beside a download");
    vec![Sign::against(Confidence::Strong, detail).on(vec![download.connection])]
}

/// The medians, idle and beside the download.
pub(crate) fn latencies(download: &Download) -> Option<(Milliseconds, Milliseconds)> {
    let median = |times: &[Milliseconds]| {
        let mut times: Vec<f64> = times.iter().map(|time| time.0).filter(|time| time.is_finite()).collect();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().filter(|_| times.len() >= FEWEST).map(Milliseconds)
    };
    Some((median(&download.idle_ms)?, median(&download.loaded_ms)?))
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Milliseconds};

    use crate::testing::{self, against};

    #[test]
    fn a_wait_beside_a_download_is_a_long_queue() {
        let mut record = testing::clean();
        record.hosts[0].download = Attempt::Seen(testing::download());
        assert!(against(&record, 0).is_empty());
        let download = testing::seen(&mut record.hosts[0].download);
        download.loaded_ms = [150.0, 160.0, 20.0].map(Milliseconds).to_vec();
        assert_eq!(against(&record, 0), ["buffer-bloat"]);
        testing::seen(&mut record.hosts[0].download).loaded_ms.truncate(2);
        assert!(against(&record, 0).is_empty(), "too few to tell");
    }
}
