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
    let mut record = testing::with_reflector();
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
