//! What was measured, in a line each. A line has a state where it has bounds: what is beyond them has evidence of its own.

use model::{Attempt, ContentTest, FidelityTest, Hop, InterfaceKind, Measure, Media, Record, State, Way as Direction};

use crate::mos;
use crate::path::{FAR_KM, Way, decided, spot, ways};
use crate::rules::{excesses, is_control, is_low, is_proxy, latencies, octets, per_second, rate, words};
use crate::text::{counted, listed, listed_up_to, quoted};

pub(crate) fn measures(record: &Record) -> Vec<Measure> {
    let mut measures = Vec::new();
    let mut add = |name: &str, line: Option<(String, Option<State>)>| {
        measures.extend(line.map(|(text, state)| Measure { name: name.to_owned(), text, state }));
    };
    add("egress", egress(record));
    add("resolver", resolver(record));
    add("vpn", vpn(record));
    add("proxy", proxy(record));
    let media = media(record);
    add("media", without_media(record).filter(|_| media.is_empty()));
    for line in media {
        add("media", Some(line));
    }
    for line in downloads(record) {
        add("download", Some(line));
    }
    add("endpoints", endpoints(record));
    add("fidelity", fidelity(record));
    add("content", content(record));
    add("route", route(record));
    measures
}

fn within(holds: bool) -> State {
    if holds { State::Intact } else { State::Degraded }
}

fn egress(record: &Record) -> Option<(String, Option<State>)> {
    let egress = record.egress.seen()?;
    let mut addresses = Vec::new();
    for seen in &egress.seen {
        if !addresses.contains(&seen.address) {
            addresses.push(seen.address);
        }
    }
    places(record, &addresses)
}

fn resolver(record: &Record) -> Option<(String, Option<State>)> {
    let resolvers = record.resolver.seen()?;
    let mut addresses = Vec::new();
    for seen in [&resolvers.system, &resolvers.direct].into_iter().filter_map(Attempt::seen).flatten() {
        if !addresses.contains(&seen.address) {
            addresses.push(seen.address);
        }
    }
    places(record, &addresses)
}

fn places(record: &Record, addresses: &[std::net::IpAddr]) -> Option<(String, Option<State>)> {
    let spots: Vec<_> = addresses.iter().map(|address| spot(record, *address, None)).collect();
    let words: Vec<String> = spots
        .iter()
        .map(|spot| spot.unknown.map_or_else(|| spot.words.clone(), |why| format!("{} ({})", spot.words, why.words())))
        .collect();
    let farthest = spots.iter().filter_map(|spot| spot.distance_km).reduce(f64::max);
    (!words.is_empty()).then(|| (listed_up_to(&words, 4), farthest.map(|km| within(km <= FAR_KM))))
}

fn vpn(record: &Record) -> Option<(String, Option<State>)> {
    let interfaces = &record.vpn.seen()?.interfaces;
    let tunnels = interfaces.iter().filter(|interface| matches!(interface.kind, InterfaceKind::Tunnel(_))).count();
    let ways = ways(record);
    if ways.is_empty() {
        return None;
    }
    if tunnels == 0 {
        return Some(("none: every Optimize prefix leaves by a network adapter".to_owned(), Some(State::Intact)));
    }
    let words: Vec<String> = ways
        .iter()
        .map(|leaves| {
            let workload = quoted(&leaves.workload);
            match leaves.way {
                Way::Split => format!("{workload} split out"),
                Way::Selective => format!("{workload} selective ({} of {} prefixes inside)", leaves.inside, leaves.all),
                Way::Tunnelled => format!("{workload} tunnelled"),
            }
        })
        .collect();
    // As the service's own test tool counts it: only a workload that is in the tunnel as a whole fails.
    Some((listed(&words), Some(within(!ways.iter().any(|leaves| leaves.way == Way::Tunnelled)))))
}

fn proxy(record: &Record) -> Option<(String, Option<State>)> {
    record.proxy.seen()?;
    let all = decided(record);
    let mut proxies: Vec<String> = Vec::new();
    let mut sent = 0usize;
    for proxy in all.iter().filter_map(crate::path::Decided::proxy) {
        sent += 1;
        if !proxies.contains(&proxy) {
            proxies.push(proxy);
        }
    }
    let text = match (sent, all.len()) {
        (0, 0) => "no setting was found".to_owned(),
        (0, all) => format!("{} direct", counted(all, "host")),
        (sent, all) => format!("{sent} of {} through {}", counted(all, "host"), listed_up_to(&proxies, 3)),
    };
    Some((text, None))
}

fn media(record: &Record) -> Vec<(String, Option<State>)> {
    let far_end = record.reflector.seen().map(|reflector| &reflector.host);
    let hosts = record.hosts.iter().chain(far_end);
    let mut lines = Vec::new();
    for (host, media) in hosts.filter_map(|host| Some((host, host.media.seen()?))) {
        let mut words = Vec::new();
        let mut states = Vec::new();
        if let Some((relays, open)) = relays(media) {
            words.push(relays);
            states.push(within(open));
        }
        if let Some(call) = media.call.seen() {
            let lost = call.sent.saturating_sub(call.returned);
            let share = if call.sent > 0 { 100.0 * f64::from(lost) / f64::from(call.sent) } else { 0.0 };
            let score = mos::of_call(call).map(|mos| format!("MOS {mos:.1}, ")).unwrap_or_default();
            words.push(format!(
                "call: {score}{share:.1} % lost, jitter {}, round trip {}",
                call.jitter_ms, call.median_ms
            ));
            states.push(within(excesses(call).is_empty()));
        } else if let Some(failure) = media.call.failure() {
            words.push(format!("the call was not measured: {}", self::words(failure)));
        }
        if !words.is_empty() {
            lines.push((format!("{}: {}", host.target.host, words.join("; ")), states.into_iter().max()));
        }
    }
    lines
}

/// Why a check that was asked for measured nothing: the reflector's word first, because a call needs one.
fn without_media(record: &Record) -> Option<(String, Option<State>)> {
    if !record.options.checks.iter().any(|check| check == "media") {
        return None;
    }
    let far_end = match &record.reflector {
        Attempt::Seen(reflector) => why(&reflector.host.media).map(|why| (reflector.host.target.host.to_string(), why)),
        none => why(none).map(|why| ("reflector".to_owned(), why)),
    };
    let mut told: Vec<(String, usize)> = Vec::new();
    for why in record.hosts.iter().filter_map(|host| why(&host.media)) {
        match told.iter_mut().find(|(known, _)| *known == why) {
            Some((_, hosts)) => *hosts += 1,
            None => told.push((why, 1)),
        }
    }
    let mut reasons: Vec<String> = far_end.into_iter().map(|(who, why)| format!("{who}: {why}")).collect();
    reasons.extend(told.into_iter().map(|(why, hosts)| format!("{}: {why}", counted(hosts, "host"))));
    (!reasons.is_empty()).then(|| (format!("not measured; {}", listed_up_to(&reasons, 3)), None))
}

fn why<T>(attempt: &Attempt<T>) -> Option<String> {
    match attempt {
        Attempt::NotTried(why) | Attempt::NotApplicable(why) => Some(quoted(why)),
        Attempt::Failed(failure) => Some(words(failure)),
        Attempt::Seen(_) => None,
    }
}

fn relays(media: &Media) -> Option<(String, bool)> {
    let tried = media.stun.iter().filter(|stun| stun.outcome.seen().is_some() || stun.outcome.failure().is_some());
    let all = tried.count();
    let open = media.stun.iter().filter(|stun| stun.outcome.seen().is_some()).count();
    let text = match (open, all) {
        (_, 0) => return None,
        (0, all) => format!("UDP blocked: none of {} answers", counted(all, "port")),
        (open, all) => format!("UDP answers on {open} of {}", counted(all, "port")),
    };
    Some((text, open > 0))
}

fn downloads(record: &Record) -> Vec<(String, Option<State>)> {
    let far_end = record.reflector.seen().map(|reflector| &reflector.host);
    let hosts = record.hosts.iter().chain(far_end);
    hosts
        .filter_map(|host| {
            let download = host.download.seen()?;
            let rate = rate(download)?;
            let latencies = latencies(download);
            let beside = latencies.map(|(idle, loaded)| format!("; round trip {idle} idle, {loaded} beside it"));
            let text = format!(
                "{} with {} from {}{}",
                per_second(rate),
                octets(download.octets),
                host.target.host,
                beside.unwrap_or_default()
            );
            let calm = latencies.is_none_or(|(idle, loaded)| loaded.0 - idle.0 < 100.0);
            // A small file that came slowly tells of its connection's start, and has no bounds.
            let state = match (is_low(download), calm) {
                (true, _) | (_, false) => Some(State::Degraded),
                (false, true) => (rate >= 1e6).then_some(State::Intact),
            };
            Some((text, state))
        })
        .collect()
}

fn endpoints(record: &Record) -> Option<(String, Option<State>)> {
    let endpoints = record.endpoints.seen()?;
    let tried = endpoints.iter().filter(|e| e.outcome.seen().is_some() || e.outcome.failure().is_some()).count();
    let answered = endpoints.iter().filter_map(|endpoint| endpoint.outcome.seen());
    let own = answered.filter(|answer| answer.status != 407 && !answer.server.as_deref().is_some_and(is_proxy)).count();
    (tried > 0).then(|| (format!("{own} of {} answered", counted(tried, "required name")), Some(within(own == tried))))
}

fn fidelity(record: &Record) -> Option<(String, Option<State>)> {
    let fidelity = record.reflector.seen()?.host.fidelity.seen()?;
    let tests: Vec<&FidelityTest> =
        [&fidelity.http1, &fidelity.http2].into_iter().filter_map(Attempt::seen).flatten().collect();
    let seen = tests.iter().filter_map(|test| test.outcome.seen());
    let (same, other): (Vec<_>, Vec<_>) = seen.partition(|differences| differences.is_empty());
    let unanswered = tests.iter().filter(|test| test.outcome.failure().is_some()).count();
    let mut words =
        vec![format!("{} of {} arrived as they were sent", same.len(), counted(same.len() + other.len(), "request"))];
    if unanswered > 0 {
        words.push(format!("{unanswered} got no answer"));
    }
    (!same.is_empty() || !other.is_empty() || unanswered > 0).then(|| (words.join("; "), None))
}

fn content(record: &Record) -> Option<(String, Option<State>)> {
    let content = record.reflector.seen()?.host.content.seen()?;
    // Where harmless text does not pass either, nothing is known of the patterns.
    let control_passed = content.tests.iter().any(|test| is_control(test) && test.outcome.seen().is_some());
    let patterns = content.tests.iter().filter(|test| control_passed && !is_control(test));
    let tried: Vec<&ContentTest> = patterns.filter(|test| !matches!(test.outcome, Attempt::NotTried(_))).collect();
    let passed = |test: &&&ContentTest| test.outcome.seen().is_some_and(|outcome| outcome.arrived);
    let stopped: Vec<String> = tried
        .iter()
        .filter(|test| !passed(test))
        .map(|test| format!("{} {}", quoted(&test.pattern), if test.way == Direction::Request { "up" } else { "down" }))
        .collect();
    let all = counted(tried.len(), "test pattern");
    let text = if stopped.is_empty() {
        format!("all of {all} passed as they are")
    } else {
        format!("{} of {all} passed; not {}", tried.len() - stopped.len(), listed_up_to(&stopped, 4))
    };
    (!tried.is_empty()).then_some((text, None))
}

fn route(record: &Record) -> Option<(String, Option<State>)> {
    let hops = |hops: &Attempt<Vec<Hop>>| {
        let reached = hops.seen()?.iter().find(|hop| hop.reached)?;
        Some(reached.limit)
    };
    let lines: Vec<String> = record
        .hosts
        .iter()
        .filter_map(|host| {
            let route = host.route.seen()?;
            let name = &host.target.host;
            Some(match (hops(&route.tcp), hops(&route.icmp)) {
                (Some(tcp), Some(icmp)) => format!("{name} {tcp} hops by TCP, {icmp} by ICMP"),
                (Some(tcp), None) => format!("{name} {tcp} hops by TCP"),
                (None, Some(icmp)) => format!("{name} {icmp} hops by ICMP"),
                (None, None) => format!("{name} not reached"),
            })
        })
        .collect();
    (!lines.is_empty()).then(|| (listed_up_to(&lines, 3), None))
}

#[cfg(test)]
mod tests {
    use model::Milliseconds;

    use super::*;
    use crate::testing;

    fn lines(record: &Record) -> Vec<String> {
        let line = |measure: &Measure| format!("{}: {} [{:?}]", measure.name, measure.text, measure.state);
        crate::judge(record, &crate::Knowledge::builtin()).measures.iter().map(line).collect()
    }

    #[test]
    fn what_was_not_measured_has_no_line() {
        assert!(lines(&testing::clean()).is_empty());
    }

    #[test]
    fn a_call_that_could_not_be_measured_has_its_reason() {
        let mut record = testing::clean();
        record.options.checks = vec!["media".to_owned()];
        record
            .hosts
            .iter_mut()
            .for_each(|host| host.media = Attempt::not_applicable("the profile knows no port for media here"));
        assert_eq!(
            lines(&record),
            [
                "media: not measured; reflector: no reflector was given and 3 hosts: the profile knows no port for media here [None]"
            ]
        );
        let mut beside = testing::with_reflector();
        beside.options.checks = vec!["media".to_owned()];
        beside.hosts = record.hosts;
        testing::seen(&mut beside.reflector).host.media =
            Attempt::not_applicable("this reflector has no UDP port for media");
        assert!(
            lines(&beside)[0].starts_with("media: not measured; reflector.example: this reflector has no UDP port")
        );
        beside.hosts[0].media = Attempt::Seen(testing::media());
        assert!(lines(&beside)[0].contains("UDP answers on 2 of 2 ports"));
    }

    #[test]
    fn each_measure_is_a_line() {
        let mut record = testing::with_reflector();
        record.egress = testing::egress("203.0.113.7");
        record.geo = testing::geo(&[("203.0.113.7", 53.55, 9.99, "Hamburg")]);
        record.vpn = testing::vpn(&["wg0", "eth0"]);
        record.proxy = testing::proxy_facts("DIRECT", 200);
        record.endpoints = testing::endpoints(&["a.example", "b.example"]);
        let host = &mut testing::seen(&mut record.reflector).host;
        host.media = Attempt::Seen(testing::media());
        host.download = Attempt::Seen(testing::download());
        assert_eq!(
            lines(&record),
            [
                "egress: 203.0.113.7 in Hamburg, XX (AS64500 Example Networks), 255 km from here [Some(Intact)]",
                "vpn: Teams selective (1 of 2 prefixes inside) [Some(Intact)]",
                "proxy: 1 host direct [None]",
                "media: reflector.example: UDP answers on 2 of 2 ports; call: MOS 4.4, 0.0 % lost, jitter 1.0 ms, round \
                 trip 20 ms [Some(Intact)]",
                "download: 7.5 MB/s with 15 MB from reflector.example; round trip 20 ms idle, 40 ms beside it \
                 [Some(Intact)]",
                "endpoints: 2 of 2 required names answered [Some(Intact)]",
            ]
        );
        let host = &mut testing::seen(&mut record.reflector).host;
        testing::seen(&mut host.download).took_ms = Milliseconds(30_000.0);
        assert!(
            lines(&record)
                .iter()
                .any(|line| line.starts_with("download: 0.5 MB/s") && line.ends_with("[Some(Degraded)]"))
        );
    }
}
