use model::{Confidence, Download};

use crate::rules::Sign;
use crate::text::counted;
use crate::view::View;

rule! {
    /// What it shows: a download that went on for five seconds and more ran at less than 1 MB a second.
    ///
    /// Why it is proof: it had the line to itself, and one connection is what a file from the service has. The first round
    /// trips, in which a connection finds its pace, are most of a small file and little of one that takes so long; a small one
    /// is not judged. Where every download of the run is slow, whatever the host, it is the line: that is told once, at the
    /// reflector if there is one, and not held against each host.
    ///
    /// What can fool it: a far end that gives each client only so much.
    ///
    /// Source: Microsoft 365 network insight on SharePoint download speed, threshold 1 MBps; RFC 5681 section 3.1 (slow start).
    "low-download", E, "Downloads are slow", look, None,
    "Look for a full line, a shaper or a slow proxy between this machine and {hosts}.", Line
}

/// Octets a second.
const LOW: f64 = 1e6;
/// Below this not even a rate is told: the first round trips are most of it.
const FEWEST_OCTETS: u64 = 500_000;
/// From a window of ten segments slow start reaches 1 MB/s in five round trips at 300 ms each, and in seven at 600 ms, as over a
/// satellite in high orbit.
const LONG_MS: f64 = 5_000.0;
const OF_LINE: &str = "Look for a full line, a shaper or a slow proxy that all traffic of this machine passes: no host is faster than another.";

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(download) = view.host.download.seen() else { return Vec::new() };
    let Some(rate) = rate(download).filter(|rate| *rate < LOW) else { return Vec::new() };
    let on = vec![download.connection];
    let rest = if download.complete { "" } else { ", and it did not come to its end" };
    let detail = format!("{} in {}: {}{rest}", octets(download.octets), download.took_ms, per_second(rate));
    if !is_low(download) {
        return vec![Sign::silent(format!("{detail}; that is too short to tell the line from a connection's start")).on(on)];
    }
    let line = Line::of(view);
    if !line.is_slow() {
        return vec![Sign::against(Confidence::Strong, detail).on(on)];
    }
    let all = format!("every download is slow, whatever the host: {}", line.words());
    if !view.is_reflector() && line.told_by_reflector {
        return vec![Sign::silent(format!("{all}; it is the line")).on(on)];
    }
    vec![Sign::against(Confidence::Strong, all).on(on).advising(OF_LINE)]
}

/// All downloads of the run.
struct Line {
    rates: Vec<f64>,
    told_by_reflector: bool,
}

impl Line {
    fn of(view: &View<'_>) -> Self {
        let reflector = view.record.reflector.seen().and_then(|reflector| reflector.host.download.seen());
        let hosts = view.record.hosts.iter().filter_map(|host| host.download.seen());
        Self {
            rates: hosts.chain(reflector).filter_map(rate).collect(),
            told_by_reflector: reflector.is_some_and(is_low),
        }
    }

    /// One host alone says nothing of others.
    fn is_slow(&self) -> bool {
        self.rates.len() > 1 && self.rates.iter().all(|rate| *rate < LOW)
    }

    fn words(&self) -> String {
        let least = self.rates.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.rates.iter().copied().fold(0.0, f64::max);
        let (least, most, hosts) = (per_second(least), per_second(most), counted(self.rates.len(), "host"));
        if least == most { format!("{most} from {hosts}") } else { format!("{least} to {most} from {hosts}") }
    }
}

/// Slow, and for so long that it is not the start of the connection.
pub(crate) fn is_low(download: &Download) -> bool {
    download.took_ms.0 >= LONG_MS && rate(download).is_some_and(|rate| rate < LOW)
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
    use model::{Attempt, Download, Milliseconds, State};

    use crate::testing::{self, against, silent};

    fn download(octets: u64, took_ms: f64) -> Attempt<Download> {
        Attempt::Seen(Download { octets, took_ms: Milliseconds(took_ms), ..testing::download() })
    }

    #[test]
    fn less_than_a_megabyte_a_second_is_slow() {
        let mut record = testing::clean();
        record.hosts[0].download = download(15_000_000, 2_000.0);
        assert!(against(&record, 0).is_empty());
        record.hosts[0].download = download(15_000_000, 15_100.0);
        assert_eq!(against(&record, 0), ["low-download"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        record.hosts[0].download = download(20_000, 15_100.0);
        assert!(against(&record, 0).is_empty(), "too little to tell");
    }

    #[test]
    fn a_small_file_is_over_before_its_connection_has_found_its_pace() {
        let mut record = testing::clean();
        record.hosts[0].download = download(1 << 20, 1_400.0);
        assert!(against(&record, 0).is_empty());
        assert!(silent(&record, 0).contains(&"low-download".to_owned()));
        assert_eq!(testing::state(&record, 0), State::Intact);
        record.hosts[0].download = download(1 << 20, 9_000.0);
        assert_eq!(against(&record, 0), ["low-download"], "no start takes that long");
    }

    #[test]
    fn a_line_that_is_slow_for_all_is_told_of_the_line() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        record.hosts.iter_mut().for_each(|host| host.download = download(1 << 20, 8_400.0));
        let finding = |record: &model::Record| {
            let judgement = crate::judge(record, &crate::Knowledge::builtin());
            let mut findings = judgement.findings.into_iter().filter(|finding| finding.id == "low-download");
            let first = findings.next().expect("a finding");
            assert!(findings.next().is_none());
            first
        };
        let all = finding(&record);
        assert_eq!(all.because, ["Every download is slow, whatever the host: 0.1 MB/s from 3 hosts"]);
        assert_eq!(all.action, super::OF_LINE);
        testing::seen(&mut record.reflector).host.download = download(3_000_000, 20_000.0);
        for host in 0..reflector {
            assert!(against(&record, host).is_empty(), "no host is to blame");
        }
        assert_eq!(against(&record, reflector), ["low-download"]);
        assert_eq!(finding(&record).hosts, ["reflector.example:443"]);
        assert_eq!(crate::judge(&record, &crate::Knowledge::builtin()).exit, model::ExitCode::Degradation);
        testing::seen(&mut record.reflector).host.download = download(15_000_000, 2_000.0);
        assert_eq!(against(&record, 0), ["low-download"], "the line is faster than that");
    }
}
