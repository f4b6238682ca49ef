//! The link as a scenario's file has it, in the units that people use for lines.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::{Plan, Side};

/// `[link]` of a scenario. What is unsaid is a perfect wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Told {
    pub(crate) side: Side,
    /// Not in place of the wire but beside it, on the near side.
    pub(crate) beside: bool,
    /// One way.
    delay_ms: u32,
    /// Up to so much more, at random; the order stays.
    jitter_ms: u32,
    loss_percent: f64,
    /// Packets that skip the delay and so overtake others.
    overtaking_percent: f64,
    /// In each direction.
    rate_mbit: Option<f64>,
    /// What waits before the bottleneck at most: how deep its buffer is.
    queue_kib: Option<u32>,
    /// Which packets are lost: the same for the same number.
    seed: u64,
}

impl Told {
    pub(crate) fn plan(&self) -> Result<Plan> {
        Ok(Plan {
            delay: Duration::from_millis(self.delay_ms.into()),
            jitter: Duration::from_millis(self.jitter_ms.into()),
            loss_per_10_000: per_10_000(self.loss_percent)?,
            early_per_10_000: per_10_000(self.overtaking_percent)?,
            seed: self.seed,
            rate_octets_per_second: self.rate_mbit.map(octets_per_second).transpose()?,
            queue_octets: self.queue_kib.map(|kib| usize::try_from(kib).map(|kib| kib << 10)).transpose()?,
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn per_10_000(percent: f64) -> Result<u16> {
    ensure!((0.0..=100.0).contains(&percent), "{percent} is no percentage");
    Ok((percent * 100.0).round() as u16)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn octets_per_second(mbit: f64) -> Result<u64> {
    ensure!((0.01..=100_000.0).contains(&mbit), "{mbit} Mbit/s is no rate of a line");
    Ok((mbit * 1e6 / 8.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_the_file() {
        let told: Told = toml::from_str(
            "delay-ms = 20\njitter-ms = 5\nloss-percent = 0.5\novertaking-percent = 2\nrate-mbit = 8\nqueue-kib = 64",
        )
        .unwrap();
        let plan = told.plan().unwrap();
        assert_eq!((plan.delay, plan.jitter), (Duration::from_millis(20), Duration::from_millis(5)));
        assert_eq!((plan.loss_per_10_000, plan.early_per_10_000), (50, 200));
        assert_eq!((plan.rate_octets_per_second, plan.queue_octets), (Some(1_000_000), Some(65_536)));
        for wrong in ["loss-percent = 101", "rate-mbit = 0", "overtaking-percent = -1"] {
            assert!(toml::from_str::<Told>(wrong).unwrap().plan().is_err(), "{wrong}");
        }
    }
}
