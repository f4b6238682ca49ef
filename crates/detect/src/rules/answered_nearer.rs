use model::{Attempt, Confidence, HostRecord, Milliseconds, Record, Transport, WebSocketSession};

use super::reflected;
use crate::rules::Sign;
use crate::text::counted;
use crate::view::View;

rule! {
    /// What it shows: TCP connections open much faster than anything is answered on them. The fastest of all round trips, of
    /// TLS, HTTP, WebSocket frames and QUIC, takes at least 20 ms more than the TCP handshake, and twice as long. So TCP ends
    /// nearer than TLS does.
    ///
    /// Why it is proof, or not: a handshake of TCP and an answer to whatever is sent each take one round trip, to whoever ends
    /// the one and the other. A busy machine makes single answers late by far more than a relay does, so the least of many
    /// decides. It is strong at the reflector, which answers dozens of requests on open connections. A service's host is asked
    /// less, and its front door may itself end TCP before TLS: it is told, weakly, where the reflector shows the same, or where
    /// on most hosts even the slowest of all TCP handshakes was that much faster than the fastest answer.
    ///
    /// What can fool it: a far end that ends TCP at its edge and TLS behind it. Nothing is told through an explicit proxy, on
    /// this very machine, nor where TLS is decrypted: the box that does it ends both, and its own delays are no distance. A
    /// relay that stands beside the far end is too near to it to be seen.
    ///
    /// Source: RFC 3135 section 3.1 (split connections); RFC 8446 section 2 (one round trip to the first answer). The margins:
    /// truepath lab, 2026-11, two cores with twice their load; the least of a reflector's round trips was within 10 ms of the
    /// line's own on every run, and a host's was up to 32 ms late.
    "answered-nearer", D, "TCP ends nearer than TLS does", look, None,
    "Take {hosts} out of the transparent proxy or the accelerator."
}

const LATER_MS: f64 = 20.0;
const TIMES: f64 = 2.0;
/// Requests on open connections, which cost no handshake, until the least of them is the line's own and not the machine's.
const FEWEST_EXCHANGES: usize = 20;
/// Without these, one front door of the service would speak for the path.
const FEWEST_HOSTS: usize = 3;
/// For a host that is not asked so often.
const FEWEST_ROUND_TRIPS: usize = 8;

fn look(view: &View<'_>) -> Vec<Sign> {
    // Whoever decrypts ends TCP and TLS in one place, so what is late there is that box itself.
    if view.some_connection_ended() {
        return Vec::new();
    }
    let Some(times) = Times::of(view.host) else { return Vec::new() };
    let confidence = if view.is_reflector() && times.decide() {
        Confidence::Strong
    } else if times.hint() && (reflector_decides(view) || hosts_agree(view.record)) {
        Confidence::Weak
    } else {
        return Vec::new();
    };
    let detail = format!(
        "TCP opens in {}, and no answer comes before {} (the least of {})",
        times.connect,
        times.answer,
        counted(times.round_trips, "round trip")
    );
    vec![Sign::against(confidence, detail)]
}

/// What one host's connections took.
struct Times {
    /// SYN to SYN-ACK, the least and the greatest.
    connect: Milliseconds,
    slowest_connect: Milliseconds,
    /// The least of all round trips to whoever ends TLS or QUIC.
    answer: Milliseconds,
    round_trips: usize,
    /// How many of them were requests on an open connection.
    exchanges: usize,
}

impl Times {
    fn of(host: &HostRecord) -> Option<Self> {
        let connect = host.destination.seen()?.connect_ms;
        let connections = &host.connections;
        // Through an explicit proxy TCP ends at the proxy, as it must. Nobody stands between a machine and itself; what is
        // late there is the machine.
        if connections.iter().any(|c| c.via_proxy || c.address.ip().is_loopback()) {
            return None;
        }
        let tcp = connections.iter().filter(|c| c.transport == Transport::Tcp);
        let slowest_connect = tcp.filter_map(|c| c.connect_ms).fold(connect, |a, b| if b.0 > a.0 { b } else { a });
        let sane = |time: &Milliseconds| time.0.is_finite() && time.0 >= 0.0;
        let exchanges: Vec<Milliseconds> = exchanges(host).into_iter().filter(sane).collect();
        let handshakes: Vec<Milliseconds> = handshakes(host).into_iter().filter(sane).collect();
        let all = || exchanges.iter().chain(&handshakes);
        Some(Self {
            connect,
            slowest_connect,
            answer: all().copied().min_by(|a, b| a.0.total_cmp(&b.0))?,
            round_trips: all().count(),
            exchanges: exchanges.len(),
        })
    }

    fn is_later_than(&self, connect: Milliseconds) -> bool {
        self.answer.0 - connect.0 >= LATER_MS && self.answer.0 >= TIMES * connect.0
    }

    fn decide(&self) -> bool {
        self.exchanges >= FEWEST_EXCHANGES && self.is_later_than(self.connect)
    }

    fn hint(&self) -> bool {
        self.round_trips >= FEWEST_ROUND_TRIPS && self.is_later_than(self.connect)
    }

    fn agree(&self) -> bool {
        self.round_trips >= FEWEST_ROUND_TRIPS && self.is_later_than(self.slowest_connect)
    }
}

/// As it does for itself; where TLS to it is whole, as its signed word on the session says (RFC 9266).
fn reflector_decides(view: &View<'_>) -> bool {
    let Some(reflector) = view.record.reflector.seen() else { return false };
    let there = View::new(view.record, &reflector.host, Some(reflector), view.context, view.knowledge);
    let equal: Vec<bool> = reflected::signed(&there).iter().filter_map(reflected::Reflected::exporters_equal).collect();
    let whole = !equal.is_empty() && equal.iter().all(|equal| *equal);
    whole && Times::of(&reflector.host).is_some_and(|times| times.decide())
}

/// Three quarters of the hosts, and each by its slowest handshake: a busy machine is slow now and then, and not always in the
/// answers alone.
fn hosts_agree(record: &Record) -> bool {
    let times: Vec<Times> = record.hosts.iter().filter_map(Times::of).collect();
    let agree = times.iter().filter(|times| times.agree()).count();
    agree >= FEWEST_HOSTS && 4 * agree >= 3 * times.len()
}

/// Round trips on connections that were open already.
fn exchanges(host: &HostRecord) -> Vec<Milliseconds> {
    let http = host.http.seen().into_iter().flat_map(|http| [&http.preferred, &http.http1]).filter_map(Attempt::seen);
    let stream = host.stream.seen().map(|stream| &stream.exchange);
    let http3 = host.quic.seen().and_then(|quic| quic.http3.seen()).map(|http3| &http3.exchange);
    let first_bytes = http.chain(stream).chain(http3).map(|exchange| exchange.first_byte_ms);
    let frames = |session: &WebSocketSession| {
        let frames = [&session.small_frame_ms, &session.large_frame_ms].map(|time| time.seen().copied());
        frames.into_iter().flatten().chain([session.upgrade_ms]).collect::<Vec<_>>()
    };
    let websocket = host.websocket.seen().into_iter().flat_map(|w| [&w.http1, &w.http2, &w.idle]);
    let websocket = websocket.filter_map(Attempt::seen).flat_map(frames);
    let fidelity = host.fidelity.seen().into_iter().flat_map(|f| [&f.http1, &f.http2]).filter_map(Attempt::seen).flatten();
    let fidelity = fidelity.filter(|test| test.outcome.seen().is_some()).map(|test| test.took_ms);
    let download = host.download.seen().into_iter().flat_map(|download| download.idle_ms.iter().copied());
    first_bytes.chain(websocket).chain(fidelity).chain(download).collect()
}

/// The first answer of each connection, over TCP and QUIC. Nobody splices QUIC: where its answers are as fast as TCP opens, the
/// far end is as near as it seems.
fn handshakes(host: &HostRecord) -> Vec<Milliseconds> {
    let answers = host.connections.iter().filter_map(|connection| connection.answer_ms);
    let versions = host.quic.seen().and_then(|quic| quic.version_negotiation.seen()).map(|versions| versions.time_ms);
    answers.chain(versions).collect()
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Destination, FidelityTest, HostRecord, Milliseconds, Record, State};

    use crate::testing::{self, against};

    /// All that a host is asked takes so long, and more by up to `noise`; TCP opens in `connect` to `slowest`.
    fn takes(host: &mut HostRecord, connect: [f64; 2], answer: f64, noise: f64) {
        let mut n = 0_u32;
        let mut time = || {
            n += 1;
            Milliseconds(answer + noise * f64::from(n % 7) / 6.0)
        };
        host.destination = Attempt::Seen(Destination {
            connect_ms: Milliseconds(connect[0]),
            answer_ms: Some(Milliseconds(answer)),
            answers: host.connections.len(),
            first_byte_ms: Some(Milliseconds(answer)),
        });
        for (at, connection) in host.connections.iter_mut().enumerate() {
            connection.connect_ms = connection.connect_ms.map(|_| Milliseconds(connect[usize::from(at > 0)]));
            connection.answer_ms = Some(time());
        }
        testing::exchanges(host, |exchange| exchange.first_byte_ms = time());
        testing::http3(host).exchange.first_byte_ms = time();
        testing::stream(host).exchange.first_byte_ms = time();
        testing::seen(&mut testing::seen(&mut host.quic).version_negotiation).time_ms = time();
        let websocket = testing::websocket_record(host);
        for session in [&mut websocket.http1, &mut websocket.http2, &mut websocket.idle] {
            let session = testing::seen(session);
            (session.small_frame_ms, session.large_frame_ms) = (Attempt::Seen(time()), Attempt::Seen(time()));
            session.upgrade_ms = time();
        }
    }

    /// The `fidelity` check at the reflector: many requests on open connections, the fastest of which took so long.
    fn asked_often(record: &mut Record, least: f64) {
        testing::fidelity(record, "method-put", Vec::new());
        let tests = testing::seen(&mut testing::seen(&mut testing::seen(&mut record.reflector).host.fidelity).http1);
        let test = |n: u32| FidelityTest { took_ms: Milliseconds(least + f64::from(n)), ..tests[0].clone() };
        *tests = (0..40).map(test).collect();
    }

    fn nearer(record: &Record) -> Vec<usize> {
        let all = record.hosts.len() + usize::from(record.reflector.seen().is_some());
        (0..all).filter(|host| against(record, *host).contains(&"answered-nearer".to_owned())).collect()
    }

    #[test]
    fn a_relay_near_the_machine_ends_tcp() {
        let mut record = testing::with_reflector();
        for host in &mut record.hosts {
            takes(host, [0.2, 2.0], 41.0, 60.0);
        }
        takes(&mut testing::seen(&mut record.reflector).host, [0.2, 2.0], 41.0, 60.0);
        asked_often(&mut record, 41.0);
        assert_eq!(nearer(&record), [0, 1, 2, 3]);
        assert_eq!(testing::state(&record, 0), State::Intact);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        let confidence = |host: usize| {
            let evidence = judgement.hosts[host].evidence.iter().find(|evidence| evidence.id == "answered-nearer");
            evidence.map(|evidence| evidence.confidence)
        };
        assert_eq!(confidence(0), Some(model::Confidence::Weak));
        assert_eq!(confidence(3), Some(model::Confidence::Strong));
        record.reflector = Attempt::not_tried("as tested");
        assert_eq!(nearer(&record), [0, 1, 2], "the hosts agree without it");
        takes(&mut record.hosts[0], [0.2, 2.0], 5.0, 60.0);
        assert!(nearer(&record).is_empty(), "two hosts speak for themselves");
    }

    #[test]
    fn a_slow_box_that_decrypts_is_no_distance() {
        let mut record = testing::with_decrypted_reflector();
        for host in &mut record.hosts {
            takes(host, [0.2, 50.0], 41.0, 60.0);
        }
        takes(&mut testing::seen(&mut record.reflector).host, [0.2, 2.0], 41.0, 60.0);
        asked_often(&mut record, 41.0);
        assert!(nearer(&record).is_empty());
    }

    #[test]
    fn the_reflector_is_heard_over_the_noise_of_a_busy_machine() {
        let mut record = testing::with_reflector();
        for host in &mut record.hosts {
            takes(host, [12.0, 88.0], 45.0, 60.0);
        }
        takes(&mut testing::seen(&mut record.reflector).host, [12.2, 33.9], 57.8, 100.0);
        asked_often(&mut record, 41.4);
        assert_eq!(nearer(&record), [0, 1, 2, 3]);
    }

    /// Times of the lab's clean path, on two cores with twice their load: whole hosts answer 30 ms late, and the reflector's
    /// handshakes too, but not all of its requests.
    #[test]
    fn a_busy_machine_is_not_far_away() {
        let mut record = testing::with_reflector();
        let late = [([0.7, 36.9], 32.3), ([16.4, 32.7], 26.4), ([1.3, 16.2], 22.1)];
        for (host, (connect, answer)) in record.hosts.iter_mut().zip(late) {
            takes(host, connect, answer, 60.0);
        }
        takes(&mut testing::seen(&mut record.reflector).host, [2.4, 55.2], 38.0, 90.0);
        assert!(nearer(&record).is_empty(), "a reflector that was asked seldom does not decide");
        asked_often(&mut record, 8.2);
        assert!(nearer(&record).is_empty());
        takes(&mut record.hosts[1], [0.7, 36.9], 32.3, 60.0);
        takes(&mut record.hosts[2], [0.7, 36.9], 32.3, 60.0);
        record.reflector = Attempt::not_tried("as tested");
        assert!(nearer(&record).is_empty(), "on all hosts, and some of their TCP handshakes were as late");
    }

    #[test]
    fn a_line_is_as_long_for_quic_as_for_tls() {
        let mut record = testing::clean();
        for host in &mut record.hosts {
            takes(host, [0.2, 2.0], 41.0, 60.0);
            testing::seen(&mut testing::seen(&mut host.quic).version_negotiation).time_ms = Milliseconds(0.9);
        }
        assert!(nearer(&record).is_empty(), "whoever answers QUIC is near, so the rest is late");
    }

    #[test]
    fn distance_alone_an_explicit_proxy_and_this_very_machine_are_none() {
        let with = |connect: [f64; 2], change: &dyn Fn(&mut HostRecord)| {
            let mut record = testing::clean();
            for host in &mut record.hosts {
                takes(host, connect, 81.0, 10.0);
                change(host);
            }
            nearer(&record)
        };
        assert_eq!(with([1.0, 2.0], &|_| ()), [0, 1, 2]);
        assert!(with([41.0, 42.0], &|_| ()).is_empty());
        assert!(with([80.0, 82.0], &|_| ()).is_empty());
        assert!(with([1.0, 2.0], &|host| host.connections[0].via_proxy = true).is_empty());
        let own = |host: &mut HostRecord| {
            host.connections.iter_mut().for_each(|c| c.address = "127.0.0.1:443".parse().expect("an address"));
        };
        assert!(with([1.0, 2.0], &own).is_empty());
    }
}
