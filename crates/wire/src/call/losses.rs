//! The pattern of losses: random ones do a listener less harm than the same number in a row.

/// Runs of packets lost one after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    pub lost: u32,
    /// The longest run.
    pub longest: u32,
    /// BurstR of ITU-T G.107: the mean length of the runs divided by the mean that random loss of the same share would have,
    /// which is 1 / (1 - share). 1 where nothing was lost.
    pub burst_ratio: f64,
}

/// Of what came and what did not, in the order of sending.
pub fn losses(came: &[bool]) -> Losses {
    let runs = came.split(|came| *came).map(<[bool]>::len).filter(|length| *length > 0);
    let (mut count, mut lost, mut longest) = (0_u32, 0_u32, 0_u32);
    for run in runs {
        let run = u32::try_from(run).unwrap_or(u32::MAX);
        count = count.saturating_add(1);
        lost = lost.saturating_add(run);
        longest = longest.max(run);
    }
    let sent = u32::try_from(came.len()).unwrap_or(u32::MAX);
    let burst_ratio = if lost == 0 {
        1.0
    } else {
        let share = f64::from(lost) / f64::from(sent);
        f64::from(lost) / f64::from(count) * (1.0 - share)
    };
    Losses { lost, longest, burst_ratio }
}

#[cfg(test)]
mod tests {
    use super::losses;

    #[test]
    fn runs_are_counted() {
        let of = |pattern: &str| losses(&pattern.chars().map(|c| c == '.').collect::<Vec<_>>());
        for (pattern, lost, longest, burst_ratio) in [
            ("", 0, 0, 1.0),
            ("....", 0, 0, 1.0),
            // One of ten, by itself: random loss of 10 % has runs of 1.11.
            ("...x......", 1, 1, 0.9),
            ("...xxx....x....xx...", 6, 3, 2.0 * 0.7),
            ("xxxx", 4, 4, 0.0),
        ] {
            let found = of(pattern);
            assert_eq!((found.lost, found.longest), (lost, longest), "{pattern}");
            assert!((found.burst_ratio - burst_ratio).abs() < 1e-9, "{pattern}: {}", found.burst_ratio);
        }
    }

    /// Independent losses give a ratio of 1.
    #[test]
    fn random_loss_has_a_ratio_of_one() {
        let mut state = 42_u64;
        let came: Vec<bool> = (0..200_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                !(state >> 33).is_multiple_of(20)
            })
            .collect();
        assert!((losses(&came).burst_ratio - 1.0).abs() < 0.02, "{}", losses(&came).burst_ratio);
    }
}
