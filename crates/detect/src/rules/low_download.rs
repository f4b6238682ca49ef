use model::{Confidence, Download};

use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a long download ran at less than 1 MB a second.
    ///
    /// Why it is proof: it had the line to itself, and one connection is what a file from the service has.
    ///
    /// What can fool it: a far end that gives each client only so much.
    ///
    /// Source: Microsoft 365 network insight on SharePoint download speed, threshold 1 MBps.
    "low-download", E, "Downloads are slow", look, None,
    "Look for a full line, a shaper or a slow proxy between this machine and {hosts}.", Line
}

/// Octets a second.
const LOW: f64 = 1e6;
/// Below this the first round trips, in which a connection finds its pace, are most of it.
const FEWEST_OCTETS: u64 = 500_000;

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(download) = view.host.download.seen() else { return Vec::new() };
    let Some(rate) = rate(download).filter(|rate| *rate < LOW) else { return Vec::new() };
    let rest = if download.complete { "" } else { ", and it did not come to its end" };
    let detail = format!("{} in {}: {}{rest}", octets(download.octets), download.took_ms, per_second(rate));
    vec![Sign::against(Confidence::Strong, detail).on(vec![download.connection])]
}

/// Octets a second; `None` where too little came to tell.
pub(crate) fn rate(download: &Download) -> Option<f64> {
    let seconds = download.took_ms.0 / 1e3;
    let enough = download.octets >= FEWEST_OCTETS && seconds.is_finite() && seconds > 0.0;
    #[expect(clippy::cast_precision_loss, reason = "no download comes near 2^53 octets, and it is shown in two digits")]
    enough.then(|| download.octets as f64 / seconds)
}

pub(crate) fn per_second(rate: f64) -> String {
    if rate >= 1e7 { format!("{:.0} MB/s", rate / 1e6) } else { format!("{:.1} MB/s", rate / 1e6) }
}

pub(crate) fn octets(octets: u64) -> String {
    match octets {
        0..1_000_000 => format!("{} kB", octets / 1_000),
        1_000_000..10_000_000 => format!("{}.{} MB", octets / 1_000_000, octets % 1_000_000 / 100_000),
        _ => format!("{} MB", octets / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Milliseconds, State};

    use crate::testing::{self, against};

    #[test]
    fn less_than_a_megabyte_a_second_is_slow() {
        let mut record = testing::clean();
        record.hosts[0].download = Attempt::Seen(testing::download());
        assert!(against(&record, 0).is_empty());
        testing::seen(&mut record.hosts[0].download).took_ms = Milliseconds(15_100.0);
        assert_eq!(against(&record, 0), ["low-download"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        testing::seen(&mut record.hosts[0].download).octets = 20_000;
        assert!(against(&record, 0).is_empty(), "too little to tell");
    }
}
