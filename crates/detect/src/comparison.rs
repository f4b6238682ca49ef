//! Two ways to the same hosts, held against each other: what the detour costs, and what a bypass would give back.
//!
//! Times over a network have no distribution that could be assumed, so nothing is assumed: each round gives one number, the
//! median over the hosts of detour minus bypass, and the interval comes from the order statistics of the rounds (W. J.
//! Conover, Practical Nonparametric Statistics, section 3.2). Rounds go both ways one right after the other, with the first
//! way alternating, so that what changes slowly on the network changes both alike.

use std::collections::BTreeMap;

use model::{
    Comparison, ComparisonJudgement, Cost, HostRecord, HostVerdict, Judgement, Leaning, Loss, Phase, Record, Round,
    Sample,
};

use crate::rules::rules;
use crate::text::{counted, listed, listed_up_to, quoted};
use crate::{Knowledge, judge};

/// The samples of one round: every phase that both records saw of a host.
pub fn samples(detour: &Record, bypass: &Record) -> Vec<Sample> {
    let mut samples = Vec::new();
    for host in &detour.hosts {
        let Some(other) = bypass
            .hosts
            .iter()
            .find(|other| other.target.host == host.target.host && other.target.port == host.target.port)
        else {
            continue;
        };
        for phase in Phase::ALL {
            if let (Some(detour), Some(bypass)) = (measured(host, phase), measured(other, phase)) {
                samples.push(Sample { host: name(host), phase, detour, bypass });
            }
        }
    }
    samples
}

/// Judges both ways, and the difference between them.
pub fn compare(comparison: &Comparison, knowledge: &Knowledge) -> ComparisonJudgement {
    let detour = judge(&comparison.detour.record, knowledge);
    let bypass = judge(&comparison.bypass.record, knowledge);
    let costs: Vec<Cost> = Phase::ALL.into_iter().filter_map(|phase| cost(&comparison.rounds, phase)).collect();
    let losses = losses(comparison, &detour, &bypass);
    let features = features(&comparison.bypass.record, &detour, &bypass);
    let summary = summary(&costs, &losses, &features);
    ComparisonJudgement { v: Comparison::VERSION, detour, bypass, costs, losses, features, summary }
}

/// A download that broke off tells a rate if it lasted this long.
const SLOW_MS: f64 = 2_000.0;

fn name(host: &HostRecord) -> String {
    format!("{}:{}", host.target.host, host.target.port)
}

fn measured(host: &HostRecord, phase: Phase) -> Option<f64> {
    let exchange = || host.http.seen()?.preferred.seen();
    let connection = || host.connections.get(exchange()?.connection);
    match phase {
        // Through a proxy it is the proxy that resolves the name.
        Phase::Dns if connection().is_some_and(|connection| connection.via_proxy) => None,
        Phase::Dns => Some(host.dns.seen()?.system.seen()?.time_ms.0),
        Phase::Connect => {
            let connection = connection()?;
            Some(connection.connect_ms?.0 + connection.proxy_ms.unwrap_or_default().0)
        }
        Phase::Tls => Some(connection()?.tls.seen()?.handshake_ms.0),
        Phase::FirstByte => Some(exchange()?.first_byte_ms.0),
        Phase::Total => {
            let dns = measured(host, Phase::Dns).unwrap_or_default();
            Some(
                dns + measured(host, Phase::Connect)? + measured(host, Phase::Tls)? + measured(host, Phase::FirstByte)?,
            )
        }
        Phase::Stream => Some(host.stream.seen()?.event_ms.first()?.0),
        Phase::Download => {
            // A slow way does not come to the end in the time that a download has; its rate is known all the same.
            let long_enough = |download: &&model::Download| download.complete || download.took_ms.0 >= SLOW_MS;
            let download = host.download.seen().filter(long_enough).filter(|download| download.took_ms.0 > 0.0)?;
            #[expect(clippy::cast_precision_loss, reason = "a download is far below 2^53 octets")]
            let octets = download.octets as f64;
            Some(octets / download.took_ms.0 / 1e3)
        }
    }
}

fn cost(rounds: &[Round], phase: Phase) -> Option<Cost> {
    let of_phase = |round: &Round| -> Vec<Sample> {
        round
            .samples
            .iter()
            .filter(|sample| sample.phase == phase && sample.detour.is_finite() && sample.bypass.is_finite())
            .cloned()
            .collect()
    };
    let rounds: Vec<Vec<Sample>> = rounds.iter().map(of_phase).filter(|round| !round.is_empty()).collect();
    let mut differences: Vec<f64> = rounds
        .iter()
        .filter_map(|round| median(round.iter().map(|sample| sample.detour - sample.bypass).collect()))
        .collect();
    differences.sort_by(f64::total_cmp);
    let mut hosts: Vec<&str> = rounds.iter().flatten().map(|sample| sample.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    Some(Cost {
        phase,
        hosts: hosts.len(),
        rounds: rounds.len(),
        detour: median(rounds.iter().flatten().map(|sample| sample.detour).collect())?,
        bypass: median(rounds.iter().flatten().map(|sample| sample.bypass).collect())?,
        difference: median(differences.clone())?,
        interval: interval(&differences),
    })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*values.get(values.len() / 2 - 1)?, upper))
}

/// The order statistics between which the median lies with at least 95 % confidence. How many of `n` independent values lie
/// below the median is binomial with one half, whatever the distribution of the values.
fn interval(sorted: &[f64]) -> Option<(f64, f64)> {
    let n = u32::try_from(sorted.len()).ok()?;
    let mut tail = 0.0;
    let mut term = 0.5f64.powi(i32::try_from(n).ok()?);
    let mut cut = None;
    for k in 0..n / 2 {
        tail += term;
        if tail > 0.025 {
            break;
        }
        cut = Some(usize::try_from(k).ok()?);
        term *= f64::from(n - k) / f64::from(k + 1);
    }
    let cut = cut?;
    Some((*sorted.get(cut)?, *sorted.get(sorted.len() - 1 - cut)?))
}

/// What hosts have past the device and do not have through it.
fn losses(comparison: &Comparison, detour: &Judgement, bypass: &Judgement) -> Vec<Loss> {
    let mut losses: BTreeMap<(usize, &'static str, String, String), Vec<String>> = BTreeMap::new();
    for host in &comparison.bypass.record.hosts {
        let same = |other: &&HostRecord| other.target.host == host.target.host && other.target.port == host.target.port;
        let Some(through) = comparison.detour.record.hosts.iter().find(same) else { continue };
        for (place, (what, property)) in PROPERTIES.iter().enumerate() {
            let (Some(has), Some(gets)) = (property(host), property(through)) else { continue };
            if gets.0 < has.0 {
                losses.entry((place, what, has.1, gets.1)).or_default().push(name(host));
            }
        }
        let broken = |judgement: &Judgement, need: &str| {
            let verdict = judgement.hosts.iter().find(|verdict| is_of(verdict, host));
            verdict.is_some_and(|verdict| breaks(verdict, need))
        };
        for (need, what) in [("websocket", "WebSocket"), ("stream", "event stream")] {
            if broken(detour, need) && !broken(bypass, need) {
                let key = (PROPERTIES.len(), what, "works".to_owned(), "broken".to_owned());
                losses.entry(key).or_default().push(name(host));
            }
        }
    }
    losses
        .into_iter()
        .map(|((_, what, bypass, detour), hosts)| Loss { what: what.to_owned(), bypass, detour, hosts })
        .collect()
}

/// A rank, the higher the better, and its name.
type Ranked = (u16, String);

type Property = fn(&HostRecord) -> Option<Ranked>;

const PROPERTIES: [(&str, Property); 3] =
    [("HTTP version", http_version), ("TLS version", tls_version), ("key exchange", key_exchange)];

fn http_version(host: &HostRecord) -> Option<Ranked> {
    if host.quic.seen().is_some_and(|quic| quic.http3.seen().is_some()) {
        return Some((30, "HTTP/3".to_owned()));
    }
    let exchange = host.http.seen()?.preferred.seen()?;
    let rank = match exchange.version.as_str() {
        "2" => 20,
        "1.1" => 11,
        "1.0" => 10,
        _ => return None,
    };
    Some((rank, format!("HTTP/{}", exchange.version)))
}

fn session(host: &HostRecord) -> Option<&model::TlsSession> {
    let tls = host.tls.seen()?;
    [tls.hybrid, tls.classic].into_iter().find_map(|index| host.connections.get(index)?.tls.seen())
}

fn tls_version(host: &HostRecord) -> Option<Ranked> {
    let version = session(host)?.version;
    let name = match version {
        0x0304 => "TLS 1.3",
        0x0303 => "TLS 1.2",
        0x0302 => "TLS 1.1",
        0x0301 => "TLS 1.0",
        _ => return None,
    };
    Some((version, name.to_owned()))
}

/// Only the difference that counts for the time after quantum computers: the hybrid exchange, or a classic one.
fn key_exchange(host: &HostRecord) -> Option<Ranked> {
    let hybrid = session(host)?.group == Some(crate::view::X25519MLKEM768);
    Some(if hybrid { (1, "X25519MLKEM768".to_owned()) } else { (0, "classic".to_owned()) })
}

fn is_of(verdict: &HostVerdict, host: &HostRecord) -> bool {
    !verdict.is_reflector && verdict.host == host.target.host && verdict.port == host.target.port
}

/// Something speaks against the host that breaks what `need` names.
fn breaks(verdict: &HostVerdict, need: &str) -> bool {
    let against = verdict.evidence.iter().filter(|evidence| evidence.leaning == Leaning::Against);
    let mut broken = against.filter_map(|evidence| rules().iter().find(|rule| rule.id == evidence.id)?.breaks);
    broken.any(|broken| broken == need || broken == "https")
}

fn features(record: &Record, detour: &Judgement, bypass: &Judgement) -> Vec<String> {
    let broken = |judgement: &Judgement, key: &str, needs: &[String]| {
        record.hosts.iter().filter(|host| host.target.features.iter().any(|feature| feature == key)).any(|host| {
            let verdict = judgement.hosts.iter().find(|verdict| is_of(verdict, host));
            let all = needs.iter().map(String::as_str).chain(["https"]);
            verdict.is_some_and(|verdict| all.into_iter().any(|need| breaks(verdict, need)))
        })
    };
    let lost = record
        .features
        .iter()
        .filter(|(key, feature)| broken(detour, key, &feature.needs) && !broken(bypass, key, &feature.needs));
    lost.map(|(_, feature)| quoted(&feature.name)).collect()
}

fn summary(costs: &[Cost], losses: &[Loss], features: &[String]) -> String {
    let mut gains = Vec::new();
    let total = costs.iter().find(|cost| cost.phase == Phase::Total && cost.is_significant());
    if let Some(cost) = total.filter(|cost| cost.difference > 0.0) {
        gains.push(format!("{} on each first request", model::Milliseconds(cost.difference)));
    }
    for loss in losses {
        let gained = if loss.bypass == "works" { format!("working {}s", loss.what) } else { loss.bypass.clone() };
        gains.push(format!("{gained} on {}", counted(loss.hosts.len(), "host")));
    }
    if !features.is_empty() {
        gains.push(listed_up_to(features, 4));
    }
    if costs.is_empty() && gains.is_empty() {
        return "No host answered both ways, so that nothing can be compared.".to_owned();
    }
    match (gains.is_empty(), total) {
        (false, _) => format!("A bypass would gain {}.", listed(&gains)),
        (true, Some(cost)) => format!(
            "A bypass would gain nothing: it is {} slower on each first request.",
            model::Milliseconds(cost.difference.abs())
        ),
        (true, None) if costs.iter().any(|cost| cost.interval.is_some()) => {
            "No difference was found that is larger than the scatter of the measurement.".to_owned()
        }
        (true, None) => "There are too few rounds to tell a difference.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use model::{Attempt, ComparedWay, Milliseconds};

    use super::*;
    use crate::testing;

    fn comparison(detour: Record, bypass: Record, rounds: Vec<Round>) -> Comparison {
        let way = |name: &str, record: Record| ComparedWay { name: name.to_owned(), record };
        Comparison {
            v: 1,
            started: bypass.started,
            took_ms: Milliseconds(30_000.0),
            detour: way("through http://proxy.example:3128", detour),
            bypass: way("direct", bypass),
            rounds,
        }
    }

    fn rounds(differences: &[f64]) -> Vec<Round> {
        let sample = |difference: f64| Sample {
            host: "a.example:443".to_owned(),
            phase: Phase::Total,
            detour: 100.0 + difference,
            bypass: 100.0,
        };
        let round = |difference: &f64| Round { detour_first: true, samples: vec![sample(*difference)] };
        differences.iter().map(round).collect()
    }

    #[test]
    fn the_interval_holds_the_median_as_often_as_it_says() {
        let sorted = |n: u32| (0..n).map(f64::from).collect::<Vec<f64>>();
        assert_eq!(interval(&sorted(5)), None, "0.5^5 in each tail is more than 2.5 %");
        assert_eq!(interval(&sorted(6)), Some((0.0, 5.0)), "1.6 % in each tail");
        assert_eq!(interval(&sorted(10)), Some((1.0, 8.0)), "1.1 % in each tail; one further in it is 5.5 %");
        assert_eq!(interval(&sorted(20)), Some((5.0, 14.0)), "2.07 % in each tail");
        assert_eq!(interval(&[]), None);
    }

    #[test]
    fn a_cost_is_told_only_where_it_is_larger_than_the_scatter() {
        let clean = testing::clean();
        let told = |differences: &[f64]| {
            let comparison = comparison(clean.clone(), clean.clone(), rounds(differences));
            compare(&comparison, &Knowledge::builtin()).summary
        };
        assert_eq!(told(&[30.0, 31.0, 29.0, 33.0, 30.0, 28.0]), "A bypass would gain 30 ms on each first request.");
        assert_eq!(
            told(&[3.0, -2.0, 1.0, -1.0, 2.0, -3.0]),
            "No difference was found that is larger than the scatter of the measurement."
        );
        assert_eq!(
            told(&[-5.0, -6.0, -5.0, -7.0, -5.0, -5.0]),
            "A bypass would gain nothing: it is 5.0 ms slower on each first request."
        );
        assert_eq!(told(&[]), "No host answered both ways, so that nothing can be compared.");
        assert_eq!(told(&[30.0, 31.0]), "There are too few rounds to tell a difference.");
    }

    #[test]
    fn lost_protocols_and_features_are_named() {
        let bypass = testing::clean();
        let mut detour = testing::clean();
        detour.hosts[0].quic = Attempt::not_tried("an explicit proxy carries no QUIC");
        testing::status(&mut detour.hosts[0], 200);
        let judged = compare(&comparison(detour, bypass, Vec::new()), &Knowledge::builtin());
        let loss = &judged.losses[0];
        assert_eq!(
            (loss.what.as_str(), loss.bypass.as_str(), loss.detour.as_str()),
            ("HTTP version", "HTTP/3", "HTTP/2")
        );
        assert_eq!(judged.summary, "A bypass would gain HTTP/3 on 1 host.");
    }

    #[test]
    fn phases_are_taken_from_one_and_the_same_connection() {
        let record = testing::clean();
        let samples = samples(&record, &record);
        let of = |phase: Phase| samples.iter().find(|sample| sample.phase == phase).map(|sample| sample.detour);
        assert_eq!(of(Phase::Connect), Some(20.0));
        assert_eq!(of(Phase::Tls), Some(25.0));
        let sum = [Phase::Dns, Phase::Connect, Phase::Tls, Phase::FirstByte].map(|phase| of(phase).unwrap());
        assert_eq!(of(Phase::Total), Some(sum.iter().sum()));
        assert_eq!(of(Phase::Download), None);
    }
}
