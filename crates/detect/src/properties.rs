//! What holds for every record, however damaged.

use model::*;
use proptest::prelude::*;
use serde_json::Value;

use crate::testing;
use crate::{Knowledge, judge};

/// Changes to a record as JSON: what still reads as a record is what a hostile file can hold.
#[derive(Clone, Debug)]
enum Change {
    Number(usize, i64),
    Cut(usize),
    Text(usize, String),
    Null(usize),
    Repeat(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0..2_000usize;
    prop_oneof![
        (place.clone(), prop_oneof![Just(i64::MAX), Just(0), Just(-1), 0..70_000i64, any::<i64>()])
            .prop_map(|(place, number)| Change::Number(place, number)),
        place.clone().prop_map(Change::Cut),
        (place.clone(), "\\PC{0,12}|CN=|=,\\+|unknown_issuer|not_tried")
            .prop_map(|(place, text)| Change::Text(place, text)),
        place.clone().prop_map(Change::Null),
        place.prop_map(Change::Repeat),
    ]
}

/// Applies a change at the nth value that it fits, if there is one.
fn apply(value: &mut Value, change: &Change, left: &mut usize) -> bool {
    let fits = match (change, &*value) {
        (Change::Number(at, _), Value::Number(_)) | (Change::Text(at, _), Value::String(_)) => Some(*at),
        (Change::Cut(at) | Change::Repeat(at), Value::Array(_)) => Some(*at),
        (Change::Null(at), _) => Some(*at),
        _ => None,
    };
    if let Some(at) = fits {
        if *left == at {
            match (change, &mut *value) {
                (Change::Number(_, number), value) => *value = Value::from(*number),
                (Change::Text(_, text), value) => *value = Value::from(text.as_str()),
                (Change::Null(_), value) => *value = Value::Null,
                (Change::Cut(_), Value::Array(items)) => {
                    items.pop();
                }
                (Change::Repeat(_), Value::Array(items)) => {
                    if let Some(last) = items.last().cloned() {
                        items.push(last);
                    }
                }
                _ => {}
            }
            return true;
        }
        *left += 1;
    }
    match value {
        Value::Array(items) => items.iter_mut().any(|item| apply(item, change, left)),
        Value::Object(fields) => fields.values_mut().any(|field| apply(field, change, left)),
        _ => false,
    }
}

fn damaged(changes: &[Change]) -> Option<Record> {
    let mut record = with_every_check(testing::with_decrypted_reflector());
    testing::intercept_tcp(&mut record.hosts[1], &testing::operator_leaf);
    let mut value = serde_json::to_value(&record).expect("a record is JSON");
    for change in changes {
        let before = value.clone();
        apply(&mut value, change, &mut 0);
        if serde_json::from_value::<Record>(value.clone()).is_err() {
            value = before;
        }
    }
    serde_json::from_value(value).ok()
}

/// As [`testing::clean`] and its kin, with what every check sees on an intact path.
fn with_every_check(mut record: Record) -> Record {
    record.proxy = testing::proxy_facts("DIRECT", 200);
    record.vpn = testing::vpn(&["eth0", "eth0"]);
    record.endpoints = testing::endpoints(&["outlook.office365.com", "login.microsoftonline.com"]);
    record.egress = testing::egress("203.0.113.7");
    record.resolver = Attempt::Seen(Resolvers {
        system: Attempt::Seen(vec![ResolverAddress {
            address: "203.0.113.53".parse().expect("an address"),
            client_subnet: None,
            signed: true,
            time_ms: Milliseconds(30.0),
        }]),
        direct: Attempt::not_tried("no name server is configured"),
    });
    record.geo = testing::geo(&[
        ("203.0.113.7", 52.5, 13.4, "Berlin"),
        ("203.0.113.53", 53.55, 9.99, "Hamburg"),
        ("203.0.113.80", 52.5, 13.4, "Berlin"),
    ]);
    testing::fidelity(&mut record, "header-order", Vec::new());
    testing::content(&mut record, "eicar");
    testing::reflection(&mut record, |r| {
        r.answer.syn = Some(Syn {
            ttl: 60,
            window: 64_240,
            options: "mss,sok,ts,nop,ws".to_owned(),
            mss: Some(1_000),
            window_scale: Some(7),
        });
        r.answer.place = Coordinates::new(52.0, 12.0);
    });
    let reflector = testing::seen(&mut record.reflector);
    let hosts = record.hosts.iter_mut().chain([&mut reflector.host]);
    for host in hosts {
        host.connections.iter_mut().for_each(|c| c.mss = Some(1_000));
        host.media = Attempt::Seen(testing::media());
        host.download = Attempt::Seen(testing::download());
        host.destination = Attempt::Seen(Destination {
            connect_ms: Milliseconds(20.0),
            answer_ms: Some(Milliseconds(24.0)),
            answers: 6,
            first_byte_ms: Some(Milliseconds(28.0)),
        });
        host.casb = Attempt::Seen(Casb {
            redirects: vec![Redirect { status: 302, location: "https://login.microsoftonline.com/".to_owned() }],
            cookies: vec!["OIDC".to_owned()],
            links: vec![testing::name("res.cdn.office.net")],
            rewritten: vec![("https://a.example/".to_owned(), "https://a.example/".to_owned())],
        });
        host.target.promises.addresses = vec!["192.0.2.0/24".parse().expect("a network")];
    }
    record
}

fn difference() -> impl Strategy<Value = (String, Difference)> {
    let kind = prop_oneof![
        Just(DifferenceKind::Added),
        Just(DifferenceKind::Removed),
        Just(DifferenceKind::Changed),
        Just(DifferenceKind::Reordered),
        Just(DifferenceKind::Recased),
        Just(DifferenceKind::Recompressed),
        Just(DifferenceKind::Cached),
        Just(DifferenceKind::Looped),
        Just(DifferenceKind::Translated),
        Just(DifferenceKind::Refused),
    ];
    let what = "body|status|method|path|version|trailers|cookie|range|content-length|accept-encoding|content-encoding|x-a|\\PC{0,8}";
    let way = prop_oneof![Just(Way::Request), Just(Way::Response)];
    let name = "method-patch|upload-large|range|trailers|cookie-loop|header-order|\\PC{0,8}";
    (name, kind, what, way, any::<Option<String>>(), any::<Option<String>>())
        .prop_map(|(name, kind, what, way, sent, arrived)| (name, Difference { way, kind, what, sent, arrived }))
}

fn knowledge() -> &'static Knowledge {
    static KNOWLEDGE: std::sync::LazyLock<Knowledge> = std::sync::LazyLock::new(Knowledge::builtin);
    &KNOWLEDGE
}

fn silence(host: &mut HostRecord, what: [bool; 4], failed: bool) {
    fn none<T>(failed: bool) -> Attempt<T> {
        if failed { Attempt::Failed(testing::failure(FailureKind::Timeout)) } else { Attempt::not_tried("as tested") }
    }
    if what[0] {
        host.http = none(failed);
    }
    if what[1] {
        host.quic = none(failed);
    }
    if what[2] {
        host.websocket = none(failed);
    }
    if what[3] {
        host.stream = none(failed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_record_makes_it_panic(changes in proptest::collection::vec(change(), 0..24)) {
        if let Some(record) = damaged(&changes) {
            let knowledge = knowledge();
            let judgement = judge(&record, knowledge);
            prop_assert_eq!(judgement.hosts.len(), record.hosts.len() + usize::from(record.reflector.seen().is_some()));
            for verdict in &judgement.hosts {
                prop_assert_eq!(verdict.state == State::Unknown, verdict.reason.is_some() && verdict.state < State::Degraded);
                for attribution in &verdict.attribution {
                    prop_assert!((0.0..=1.0).contains(&attribution.confidence));
                }
            }
            prop_assert_eq!(&judgement, &judge(&record, knowledge), "the same record, the same judgement");
        }
    }

    /// Whatever is missing beside the handshakes, an intact path is never called intercepted or manipulated.
    #[test]
    fn missing_answers_accuse_nobody_of_decryption(what in any::<[bool; 4]>(), failed in any::<bool>()) {
        let mut record = testing::clean();
        record.hosts.iter_mut().for_each(|host| silence(host, what, failed));
        for verdict in judge(&record, knowledge()).hosts {
            prop_assert!(verdict.state < State::Manipulated, "{:?}", verdict.evidence);
        }
    }

    /// Every difference is some rule's, and none of them counts on a connection that ends at the far end itself.
    #[test]
    fn a_difference_counts_where_somebody_can_have_made_it((name, difference) in difference()) {
        let mut whole = testing::with_reflector();
        let reflector = whole.hosts.len();
        testing::fidelity(&mut whole, &name, vec![difference.clone()]);
        let judgement = judge(&whole, knowledge());
        prop_assert_eq!(judgement.hosts[reflector].state, State::Intact);
        prop_assert!(judgement.findings.is_empty() && judgement.solutions.is_empty());
        let before = judge(&testing::with_decrypted_reflector(), knowledge());
        let mut decrypted = testing::with_decrypted_reflector();
        testing::fidelity(&mut decrypted, &name, vec![difference]);
        let after = judge(&decrypted, knowledge());
        let against = |judgement: &Judgement| {
            judgement.hosts[reflector].evidence.iter().filter(|e| e.leaning == Leaning::Against).count()
        };
        prop_assert_eq!(against(&after), against(&before) + 1);
    }

    /// Without a handshake nothing is intact, whatever else was seen.
    #[test]
    fn missing_handshakes_are_never_intact(failed in any::<bool>(), keep_chains in any::<bool>()) {
        let mut record = testing::with_reflector();
        let strip = |host: &mut HostRecord| {
            for connection in &mut host.connections {
                connection.tls = if failed {
                    Attempt::Failed(testing::failure(FailureKind::Timeout))
                } else {
                    Attempt::not_tried("as tested")
                };
            }
            if !keep_chains {
                host.chains.clear();
            }
        };
        record.hosts.iter_mut().for_each(strip);
        strip(&mut testing::seen(&mut record.reflector).host);
        for verdict in judge(&record, knowledge()).hosts {
            prop_assert_ne!(verdict.state, State::Intact);
        }
    }
}

#[test]
fn an_intact_path_is_intact_with_every_check_made() {
    let record = with_every_check(testing::with_reflector());
    let judgement = judge(&record, knowledge());
    for verdict in &judgement.hosts {
        assert_eq!((verdict.state, verdict.confidence), (State::Intact, Confidence::Proven), "{:?}", verdict.evidence);
        assert!(verdict.solutions.is_empty());
        let heard: Vec<&Evidence> = verdict.evidence.iter().filter(|e| e.leaning == Leaning::Against).collect();
        assert!(heard.is_empty(), "{heard:?}");
    }
    assert!(judgement.path.iter().all(|evidence| evidence.leaning == Leaning::For), "{:?}", judgement.path);
    assert!(judgement.findings.is_empty() && judgement.solutions.is_empty());
    assert!(
        judgement.measures.iter().all(|measure| measure.state != Some(State::Degraded)),
        "{:?}",
        judgement.measures
    );
    assert_eq!(judgement.exit, ExitCode::NothingFound);
}

#[test]
fn a_record_in_which_nothing_was_tried_is_unknown_with_reasons() {
    let mut record = testing::clean();
    record.hosts.iter_mut().for_each(testing::forget);
    let judgement = judge(&record, knowledge());
    for verdict in &judgement.hosts {
        assert_eq!(verdict.state, State::Unknown);
        assert_eq!(verdict.reason.as_deref(), Some("not tried: skipped"));
    }
    assert_eq!(judgement.exit, ExitCode::NothingFound);
    assert_eq!(judgement.findings.len(), 1, "it is said that nothing was judged");
    record.hosts.clear();
    assert!(judge(&record, knowledge()).findings.is_empty());
}
