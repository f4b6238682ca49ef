//! How often `classify` is right on the labelled connections of the corpus. `cargo xtask bench accuracy` shows each of them,
//! and what becomes of it without what was learnt from the product or the client; here the lines are held.

use serde_json::Value;

use crate::program::truepath;

const CONNECTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/observations/captures-2026-11.ndjson");

#[test]
fn interception_is_found_and_nobody_honest_is_accused() {
    let labels: Vec<Value> = std::fs::read_to_string(CONNECTIONS)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["label"].take())
        .collect();
    let ran = truepath(&["classify", CONNECTIONS]);
    let verdicts: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((ran.code, verdicts.len()), (10, labels.len()), "{}", ran.err);

    let of = |kind: &str, intercepted: bool, states: &[&str]| {
        let group = || {
            let pairs = labels.iter().zip(&verdicts);
            pairs.filter(|(label, _)| label["kind"] == kind && label["intercepted"] == intercepted)
        };
        let said = group().filter(|(_, verdict)| states.iter().any(|state| verdict["state"] == **state)).count();
        assert!(group().count() > 80, "too few to say anything");
        (said, group().count())
    };
    let (found, intercepted) = of("browser", true, &["intercepted"]);
    assert!(found * 100 >= intercepted * 98, "found {found} of {intercepted}");
    let (flagged, genuine) = of("browser", false, &["intercepted", "manipulated"]);
    assert!(flagged * 1000 <= genuine * 5, "flagged {flagged} of {genuine} genuine browsers");
    let (flagged, honest) = of("tool", false, &["intercepted", "manipulated"]);
    assert_eq!(flagged, 0, "of {honest} programs that say what they are");
}
