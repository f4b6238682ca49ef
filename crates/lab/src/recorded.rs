//! What a record must hold, beyond the verdict over it: facts that no rule judges, such as the hops to a host.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use serde_json::Value;

/// What is due at one place of the record.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Due {
    /// A number between these, inclusive.
    Range(Range),
    /// Exactly this.
    Equal(Value),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Range {
    #[serde(default = "least")]
    at_least: f64,
    #[serde(default = "most")]
    at_most: f64,
}

impl Range {
    pub(crate) fn contains(&self, number: f64) -> bool {
        (self.at_least..=self.at_most).contains(&number)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.at_least, self.at_most)
    }
}

/// Every place, named by a JSON pointer (RFC 6901), where the record has something else.
pub(crate) fn differences(due: &BTreeMap<String, Due>, record: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (pointer, due) in due {
        let found = record.pointer(pointer);
        let (fits, expected) = match due {
            Due::Equal(value) => (found == Some(value), value.to_string()),
            Due::Range(range) => {
                (found.and_then(Value::as_f64).is_some_and(|number| range.contains(number)), range.to_string())
            }
        };
        if !fits {
            let found = found.map_or_else(|| nearest(pointer, record), excerpt);
            wrong.push(format!("the record has {found} at {pointer}, expected {expected}"));
        }
    }
    wrong
}

/// What stands above a place that is not there: usually the reason why it is not.
fn nearest(pointer: &str, record: &Value) -> String {
    let mut above = pointer;
    while let Some((parent, _)) = above.rsplit_once('/') {
        if let Some(value) = record.pointer(parent) {
            return format!("nothing, but {} at {parent},", excerpt(value));
        }
        above = parent;
    }
    "nothing".to_owned()
}

fn excerpt(value: &Value) -> String {
    const LENGTH: usize = 300;
    let text = value.to_string();
    if text.chars().count() <= LENGTH { text } else { text.chars().take(LENGTH).chain(['…']).collect() }
}

fn least() -> f64 {
    f64::NEG_INFINITY
}

fn most() -> f64 {
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn places_are_compared_and_their_absence_is_explained() {
        let record =
            serde_json::json!({ "hosts": [{ "route": { "seen": [1.5, null] }, "call": { "not_tried": "no" } }] });
        let due = |text: &str| toml::from_str(text).unwrap();
        let good = due("'/hosts/0/route/seen/0' = { at-least = 1, at-most = 2 }\n'/hosts/0/call/not_tried' = 'no'");
        assert_eq!(differences(&good, &record), Vec::<String>::new());
        let bad = due(
            "'/hosts/0/route/seen/0' = { at-most = 1 }\n'/hosts/0/call/seen/sent' = 3\n'/hosts/0/route/seen/1' = { at-least = 0 }",
        );
        let told = differences(&bad, &record).join("\n");
        for part in [
            "1.5 at /hosts/0/route/seen/0, expected -inf to 1",
            r#"nothing, but {"not_tried":"no"} at /hosts/0/call, at /hosts/0/call/seen/sent, expected 3"#,
            "null at /hosts/0/route/seen/1",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }
}
