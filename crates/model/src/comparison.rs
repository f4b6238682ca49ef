//! What `check --compare` saw: the same checks over two ways, in turns, within one minute.

use serde::{Deserialize, Serialize};

use crate::{Judgement, Milliseconds, Record, RecordError, Timestamp};

/// Two ways to the same hosts: as the traffic goes today, and past the device in question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub v: u32,
    pub started: Timestamp,
    pub took_ms: Milliseconds,
    pub detour: ComparedWay,
    pub bypass: ComparedWay,
    /// The timed rounds, in order. Each went both ways, one right after the other, with the first one alternating.
    pub rounds: Vec<Round>,
}

impl Comparison {
    pub const VERSION: u32 = 1;

    /// Reads a stored comparison: itself, or the output of `check --compare --json` that holds one. `None` where the text is
    /// JSON of another kind, such as a record.
    pub fn from_json(text: &[u8]) -> Result<Option<Self>, RecordError> {
        let json = |error: serde_json::Error| RecordError::Json(error.to_string());
        let mut value: serde_json::Value = serde_json::from_slice(text).map_err(json)?;
        if let Some(comparison) = value.get_mut("comparison").filter(|comparison| comparison.is_object()) {
            value = comparison.take();
        }
        let Some(detour) = value.get("detour") else { return Ok(None) };
        let versions = [Some(&value), detour.get("record"), value.pointer("/bypass/record")];
        for version in versions.into_iter().flatten().filter_map(|value| value.get("v")?.as_u64()) {
            if version > u64::from(Self::VERSION) {
                return Err(RecordError::Version(u32::try_from(version).unwrap_or(u32::MAX)));
            }
        }
        serde_json::from_value(value).map(Some).map_err(json)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedWay {
    /// For a person: `through http://proxy.contoso.example:8080`, "direct", "by interface wg0".
    pub name: String,
    /// One whole run of all checks that were asked for.
    pub record: Record,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    pub detour_first: bool,
    pub samples: Vec<Sample>,
}

/// One phase of one host in one round, both ways. Where either way had no answer there is no sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// `host:port`.
    pub host: String,
    pub phase: Phase,
    pub detour: f64,
    pub bypass: f64,
}

/// What a person waits for, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Name resolution on this machine; through a proxy, the proxy resolves the name and this is the proxy's own name.
    Dns,
    /// TCP, and with an explicit proxy its CONNECT.
    Connect,
    Tls,
    /// Request to the first octet of the response.
    FirstByte,
    /// All of the above: what a first request costs.
    Total,
    /// Request to the first event of an event stream.
    Stream,
    /// Megabytes per second.
    Download,
}

impl Phase {
    pub const ALL: [Self; 7] =
        [Self::Dns, Self::Connect, Self::Tls, Self::FirstByte, Self::Total, Self::Stream, Self::Download];

    /// More is better, and the unit is MB/s; of all others, less is better, in milliseconds.
    pub fn is_rate(self) -> bool {
        self == Self::Download
    }
}

/// What the comparison says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonJudgement {
    pub v: u32,
    pub detour: Judgement,
    pub bypass: Judgement,
    pub costs: Vec<Cost>,
    /// Protocol properties that hosts have past the device and lose through it.
    pub losses: Vec<Loss>,
    /// Features that work past the device and are broken through it.
    pub features: Vec<String>,
    /// The answer in a sentence or two: what a bypass would gain.
    pub summary: String,
}

/// What the detour costs in one phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub phase: Phase,
    pub hosts: usize,
    pub rounds: usize,
    /// Medians over all samples.
    pub detour: f64,
    pub bypass: f64,
    /// Median over the rounds of: the median over the hosts of detour minus bypass.
    pub difference: f64,
    /// Interval that holds the true median with at least 95 % confidence (order statistics of the rounds, no assumption on
    /// their distribution); absent with fewer than six rounds, which cannot give one.
    pub interval: Option<(f64, f64)>,
}

impl Cost {
    /// The interval lies on one side of zero.
    pub fn is_significant(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// One property that hosts lose on the detour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// "HTTP version", "TLS version", "key exchange", "WebSocket".
    pub what: String,
    /// "HTTP/3", "X25519MLKEM768"; and what there is instead, "HTTP/1.1", "X25519", "refused".
    pub bypass: String,
    pub detour: String,
    /// `host:port` of each host concerned.
    pub hosts: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{Phase, Sample};

    /// What is judged again from a file must be what was judged when it was written.
    #[test]
    fn numbers_read_back_to_the_last_bit() {
        for number in 1..20_000 {
            let time = f64::from(number) * 0.007;
            let sample = Sample { host: String::new(), phase: Phase::Total, detour: time + 31.4, bypass: time / 3.0 };
            let text = serde_json::to_string(&sample).expect("a sample can be written");
            assert_eq!(serde_json::from_str::<Sample>(&text).expect("and read"), sample, "{text}");
        }
    }
}
