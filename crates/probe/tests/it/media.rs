//! STUN, calls and downloads with the real reflector, over a line that loses what it is told to.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use model::{Attempt, Call, FailureKind, HostName, Media, Record, ReflectorRecord, StunRequest};
use probe::{ReflectorAddress, Settings};
use reflector::{Certificate, Config, SigningKey};
use tokio::net::{TcpListener, UdpSocket};

use crate::lossy_line::{ENTRANCE, Fate, Line, Running};
use crate::world::{check, seen, settings, target};

/// A reflector with a port for media, behind a line.
struct FarEnd {
    reflector: ReflectorAddress,
    media: SocketAddr,
    server: tokio::task::JoinHandle<()>,
    _line: Running,
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FarEnd {
    async fn behind(line: Line) -> Self {
        let certificate = Certificate::self_signed(&["localhost".to_owned()]).unwrap();
        let mut config = Config::new(certificate, SigningKey::generate().unwrap());
        config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        config.media = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        let reflector = reflector::bind(config).await.unwrap();
        let (tcp, media) = (reflector.addresses()[0], reflector.media_addresses()[0]);
        let key = reflector.public_key();
        let server = tokio::spawn(reflector.run(std::future::pending()));
        let line = line.lay(tcp, media).await;
        let host = HostName::parse("localhost").unwrap();
        Self { reflector: ReflectorAddress { host, port: tcp.port(), key }, media, server, _line: line }
    }

    fn settings(&self, checks: Vec<&'static str>) -> Settings {
        let mut settings = settings();
        settings.resolve = vec![format!("localhost:{}:{ENTRANCE}", self.reflector.port).parse().unwrap()];
        settings.reflector = Some(self.reflector.clone());
        settings.checks = checks;
        settings
    }

    async fn call(&self, duration: Duration) -> Attempt<Call> {
        let mut settings = self.settings(vec!["media"]);
        settings.call = Some(duration);
        media(&check(Vec::new(), settings).await).call.clone()
    }
}

fn reflector(record: &Record) -> &ReflectorRecord {
    seen(&record.reflector)
}

fn media(record: &Record) -> &Media {
    seen(&reflector(record).host.media)
}

#[tokio::test]
async fn the_reflector_answers_stun_at_the_port_that_it_tells() {
    let far_end = FarEnd::behind(Line::default()).await;
    let record = check(Vec::new(), far_end.settings(vec!["media", "exporter"])).await;
    let media = media(&record);
    let [stun] = media.stun.as_slice() else { panic!("one address: {media:?}") };
    assert_eq!(stun.address, SocketAddr::new(ENTRANCE, far_end.media.port()));
    let answer = seen(&stun.outcome);
    assert_eq!((answer.request, answer.tries, answer.error), (StunRequest::Binding, 1, None));
    assert!(answer.mapped.unwrap().ip().is_loopback());
    assert!(media.tcp.seen().is_some());
    assert_eq!(media.call, Attempt::not_tried("no call was asked for"));
    // The signed answer tells the same port.
    assert_eq!(seen(&reflector(&record).hybrid).answer.media_port, Some(far_end.media.port()));
}

#[tokio::test]
async fn a_lost_request_is_sent_again() {
    let line = Line { other: |n| if n < 2 { Fate::Lose } else { Fate::Pass }, ..Line::default() };
    let far_end = FarEnd::behind(line).await;
    let record = check(Vec::new(), far_end.settings(vec!["media"])).await;
    let answer = seen(&media(&record).stun[0].outcome);
    assert_eq!(answer.tries, 3);
    assert!(answer.time_ms.0 < 400.0, "the time is that of the request that was answered: {}", answer.time_ms);
}

#[tokio::test]
async fn a_call_over_a_clean_line_is_whole() {
    let far_end = FarEnd::behind(Line { delay: Duration::from_millis(5), ..Line::default() }).await;
    let call = far_end.call(Duration::from_secs(1)).await;
    let call = seen(&call);
    assert_eq!((call.sent, call.arrived, call.returned), (50, Some(50), 50));
    assert_eq!((call.duplicated, call.reordered, call.reordered_there, call.longest_gap), (0, 0, Some(0), 0));
    assert_eq!((call.burst_ratio, call.interval_ms.0, call.packet_octets), (1.0, 20.0, 172));
    assert_eq!(call.address, SocketAddr::new(ENTRANCE, far_end.media.port()));
    assert!(call.least_ms.0 >= 5.0 && call.least_ms.0 <= call.median_ms.0 && call.p95_ms.0 <= call.greatest_ms.0);
    assert!(call.jitter_there_ms.is_some() && call.seen_as.is_some());
    assert_eq!(call.duration_ms.0, 1000.0);
}

/// 100 packets. There: 10 and 11 are lost, 20 comes twice, 30 comes after 32. Back: 40 is lost, 50 comes twice, 60 comes
/// after 62.
#[tokio::test]
async fn loss_there_and_loss_back_are_told_apart() {
    let line = Line {
        there: |n| match n {
            10 | 11 => Fate::Lose,
            20 => Fate::Copy,
            30 => Fate::Swap,
            _ => Fate::Pass,
        },
        back: |n| match n {
            40 => Fate::Lose,
            50 => Fate::Copy,
            60 => Fate::Swap,
            _ => Fate::Pass,
        },
        ..Line::default()
    };
    let far_end = FarEnd::behind(line).await;
    let call = far_end.call(Duration::from_secs(2)).await;
    let call = seen(&call);
    assert_eq!((call.sent, call.arrived, call.returned), (100, Some(98), 97));
    // What is swapped on the way there comes back swapped, too.
    assert_eq!((call.reordered_there, call.reordered), (Some(1), 2));
    assert_eq!(call.duplicated, 1);
    assert_eq!(call.longest_gap, 2);
    // Three losses in two runs: a mean of 1.5 where random loss of 3 % has 1.03.
    assert!((call.burst_ratio - 1.5 * 0.97).abs() < 1e-9, "{}", call.burst_ratio);
}

#[tokio::test]
async fn a_call_that_is_not_let_through_fails() {
    // STUN passes, and the openings are lost.
    let far_end =
        FarEnd::behind(Line { other: |n| if n == 0 { Fate::Pass } else { Fate::Lose }, ..Line::default() }).await;
    let call = far_end.call(Duration::from_secs(1)).await;
    assert_eq!(call.failure().unwrap().kind, FailureKind::Timeout);
    // It opens, and then there is silence.
    let far_end = FarEnd::behind(Line { back: |_| Fate::Lose, ..Line::default() }).await;
    let call = far_end.call(Duration::from_millis(200)).await;
    let failure = call.failure().unwrap();
    assert_eq!(failure.detail, "none of 10 packets came back; the reflector got 10");
}

#[tokio::test]
async fn a_reflector_without_a_port_for_media_says_so() {
    let world = crate::world::World::start().await;
    let mut settings = settings();
    settings.resolve = vec![format!("localhost:{}:127.0.0.1", world.address.port()).parse().unwrap()];
    settings.reflector = Some(world.reflector.clone());
    settings.checks = vec!["media"];
    settings.call = Some(Duration::from_secs(1));
    let record = check(Vec::new(), settings).await;
    let why = "this reflector has no UDP port for media";
    assert_eq!(reflector(&record).host.media, Attempt::not_applicable(why));
}

/// A relay that takes no Binding request, as those of Teams; one that is not there; and one that answers with noise.
#[tokio::test]
async fn relays_are_asked_in_both_ways() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let noise = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let nobody = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let ports = [&relay, &noise, &nobody].map(|socket| socket.local_addr().unwrap().port());
    drop(nobody);
    let refusing = tokio::spawn(async move {
        let mut buffer = [0; 2048];
        loop {
            let (length, sender) = relay.recv_from(&mut buffer).await.unwrap();
            let message = wire::stun::Message::parse(&buffer[..length]).unwrap();
            if message.method == wire::stun::ALLOCATE {
                let refusal = wire::stun::refused(message.transaction, message.method, 401, &[]);
                relay.send_to(&refusal, sender).await.unwrap();
            }
        }
    });
    let noisy = tokio::spawn(async move {
        let mut buffer = [0; 2048];
        loop {
            let (length, sender) = noise.recv_from(&mut buffer).await.unwrap();
            // Its own request back, an answer to somebody else, and rubbish.
            noise.send_to(&buffer[..length], sender).await.unwrap();
            noise.send_to(&wire::stun::bound([9; 12], sender, true), sender).await.unwrap();
            noise.send_to(&[0xff; 1400], sender).await.unwrap();
        }
    });
    let mut target = target(tcp.local_addr().unwrap().port());
    target.promises.media_ports = ports.to_vec();
    target.promises.media_host = Some(HostName::parse("relay.example").unwrap());
    let mut settings = settings();
    settings.resolve = vec![format!("relay.example:{}:127.0.0.1", target.port).parse().unwrap()];
    settings.checks = vec!["media"];
    settings.timeout = Duration::from_secs(1);
    let record = check(vec![target], settings).await;
    let media = seen(&record.hosts[0].media);
    let refused = seen(&media.stun[0].outcome);
    assert_eq!((refused.request, refused.error, refused.mapped), (StunRequest::Allocate, Some(401), None));
    assert_eq!(media.stun[1].outcome.failure().unwrap().kind, FailureKind::Timeout);
    assert_eq!(media.stun[2].outcome.failure().unwrap().kind, FailureKind::Refused);
    assert!(media.tcp.seen().is_some());
    assert_eq!(media.stun[0].address.ip(), IpAddr::from([127, 0, 0, 1]));
    refusing.abort();
    noisy.abort();
}

#[tokio::test]
async fn a_download_is_timed_with_round_trips_beside_it() {
    let far_end = FarEnd::behind(Line::default()).await;
    let mut settings = far_end.settings(vec!["download"]);
    settings.budget = Duration::from_secs(60);
    let record = check(Vec::new(), settings).await;
    let download = seen(&reflector(&record).host.download);
    assert_eq!((download.octets, download.complete), (15 << 20, true));
    assert_eq!(download.quarters.iter().sum::<u64>(), download.octets);
    assert_eq!(download.idle_ms.len(), 10);
    assert!(!download.loaded_ms.is_empty());
    let connection = &reflector(&record).host.connections[download.connection];
    assert_eq!((connection.check.as_str(), connection.purpose.as_str()), ("download", "transfer"));
    assert!(download.took_ms.0 > 0.0);
}

#[tokio::test]
async fn a_host_that_promises_no_download_is_left_alone() {
    let far_end = FarEnd::behind(Line::default()).await;
    let mut host = target(far_end.reflector.port);
    host.promises.download = None;
    let small = target(far_end.reflector.port);
    let settings = far_end.settings(vec!["download"]);
    let record = check(vec![host, small], settings).await;
    assert!(matches!(record.hosts[0].download, Attempt::NotApplicable(_)), "{:?}", record.hosts[0].download);
    let download = seen(&record.hosts[1].download);
    assert_eq!((download.octets, download.complete), (65_536, true));
}

/// A body that stops coming, one that is longer than what is read, and none at all.
#[tokio::test]
async fn a_download_that_misbehaves_has_an_end() {
    let far_end = FarEnd::behind(Line::default()).await;
    let host = |path: &str| {
        let mut host = target(far_end.reflector.port);
        host.promises.download = Some(path.to_owned());
        host
    };
    let hosts = vec![host("/v1/stream?events=3&gap_ms=30000"), host("/v1/bytes?length=16777216"), host("/nothing")];
    let mut settings = far_end.settings(vec!["download", "tls"]);
    settings.timeout = Duration::from_secs(1);
    let record = check(hosts, settings).await;
    let [stalled, long, absent] = record.hosts.as_slice() else { panic!("three hosts") };
    let stalled = seen(&stalled.download);
    assert!(stalled.octets > 0 && !stalled.complete);
    let long = seen(&long.download);
    assert!(long.complete && (15 << 20..16 << 20).contains(&long.octets), "{}", long.octets);
    assert_eq!(absent.download.failure().unwrap().kind, FailureKind::Status(404));
}
