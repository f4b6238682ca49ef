//! Octets over time.

use std::time::Duration;

const QUARTER_MS: u128 = 250;
/// Quarters of a second that are kept: a minute, three times as long as a download may take.
const QUARTERS_LIMIT: usize = 240;

/// Counted from the first octet on: the time before it is the far end's, and another check's.
#[derive(Debug, Default)]
pub(super) struct Transfer {
    first: Option<Duration>,
    last: Duration,
    octets: u64,
    quarters: Vec<u64>,
}

impl Transfer {
    /// So many octets came, so long after the start of a clock that runs on.
    pub(super) fn push(&mut self, octets: usize, at: Duration) {
        if octets == 0 {
            return;
        }
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let first = *self.first.get_or_insert(at);
        self.last = at;
        self.octets = self.octets.saturating_add(octets);
        let quarter = at.saturating_sub(first).as_millis() / QUARTER_MS;
        let quarter = usize::try_from(quarter).unwrap_or(usize::MAX).min(QUARTERS_LIMIT - 1);
        if self.quarters.len() <= quarter {
            self.quarters.resize(quarter + 1, 0);
        }
        if let Some(sum) = self.quarters.get_mut(quarter) {
            *sum = sum.saturating_add(octets);
        }
    }

    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    pub(super) fn took(&self) -> Duration {
        self.last.saturating_sub(self.first.unwrap_or(self.last))
    }

    pub(super) fn into_quarters(self) -> Vec<u64> {
        self.quarters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_stand_in_the_quarter_in_which_they_came() {
        let mut transfer = Transfer::default();
        for (octets, at_ms) in [(10, 1000), (1, 1249), (2, 1250), (0, 1400), (4, 1999), (8, 2000)] {
            transfer.push(octets, Duration::from_millis(at_ms));
        }
        assert_eq!((transfer.octets(), transfer.took()), (25, Duration::from_secs(1)));
        assert_eq!(transfer.into_quarters(), [11, 2, 0, 4, 8]);
    }

    #[test]
    fn a_transfer_without_end_takes_no_memory() {
        let mut transfer = Transfer::default();
        transfer.push(1, Duration::ZERO);
        transfer.push(5, Duration::from_secs(1_000_000));
        assert_eq!(transfer.into_quarters().len(), QUARTERS_LIMIT);
        assert_eq!(Transfer::default().took(), Duration::ZERO);
    }
}
