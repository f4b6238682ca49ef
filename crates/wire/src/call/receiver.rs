//! What one end counts of the packets that it gets.

/// Counts distinct packets, copies, reordering and jitter. The arrival's time is an argument, by a clock that begins
/// wherever it likes.
#[derive(Clone, Debug)]
pub struct Receiver {
    seen: Vec<bool>,
    arrived: u32,
    duplicated: u32,
    reordered: u32,
    /// NextExp of RFC 4737 section 3.3.
    next_expected: u32,
    jitter_us: f64,
    /// When the packet before was sent, by the sender's clock, and when it came, by ours.
    before_us: Option<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    New,
    /// It was there before.
    Duplicate,
    /// No packet of this call has such a number.
    Unknown,
}

/// No time on a path is longer, in microseconds: a sender's clock that jumps says nothing of the path.
const LONGEST_US: i64 = 60_000_000;

impl Receiver {
    /// For a call of so many packets: the only memory that it takes, one octet for each.
    pub fn new(packets: u32) -> Self {
        let packets = usize::try_from(packets).unwrap_or(usize::MAX);
        Self {
            seen: vec![false; packets],
            arrived: 0,
            duplicated: 0,
            reordered: 0,
            next_expected: 0,
            jitter_us: 0.0,
            before_us: None,
        }
    }

    pub fn receive(&mut self, sequence: u32, sent_us: u64, arrived_us: u64) -> Arrival {
        let Some(seen) = usize::try_from(sequence).ok().and_then(|place| self.seen.get_mut(place)) else {
            return Arrival::Unknown;
        };
        if std::mem::replace(seen, true) {
            self.duplicated = self.duplicated.saturating_add(1);
            return Arrival::Duplicate;
        }
        self.arrived = self.arrived.saturating_add(1);
        if sequence < self.next_expected {
            self.reordered = self.reordered.saturating_add(1);
        } else {
            self.next_expected = sequence.saturating_add(1);
        }
        if let Some((sent_before_us, arrived_before_us)) = self.before_us.replace((sent_us, arrived_us)) {
            let arrivals = arrived_us.wrapping_sub(arrived_before_us).cast_signed();
            let sendings = sent_us.wrapping_sub(sent_before_us).cast_signed();
            self.add_jitter(arrivals.wrapping_sub(sendings));
        }
        Arrival::New
    }

    /// RFC 3550 section 6.4.1 and appendix A.8: J += (|D| - J) / 16.
    fn add_jitter(&mut self, difference_us: i64) {
        let difference_us = difference_us.saturating_abs().min(LONGEST_US);
        // At most a minute in microseconds, so the conversion loses nothing.
        let difference_us = f64::from(i32::try_from(difference_us).unwrap_or(i32::MAX));
        self.jitter_us += (difference_us - self.jitter_us) / 16.0;
    }

    pub fn arrived(&self) -> u32 {
        self.arrived
    }

    pub fn duplicated(&self) -> u32 {
        self.duplicated
    }

    pub fn reordered(&self) -> u32 {
        self.reordered
    }

    /// In milliseconds.
    pub fn jitter_ms(&self) -> f64 {
        // To whole microseconds, as times are stored.
        self.jitter_us.round() / 1e3
    }

    /// For each packet of the call, in order, whether it came.
    pub fn seen(&self) -> &[bool] {
        &self.seen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn receive(receiver: &mut Receiver, sequences: &[u32]) -> Vec<Arrival> {
        let pace = |n: u32| u64::from(n) * 20_000;
        let arrivals = (0..).zip(sequences);
        arrivals.map(|(n, sequence)| receiver.receive(*sequence, pace(*sequence), pace(n))).collect()
    }

    #[test]
    fn reordering_is_that_of_rfc_4737() {
        let mut receiver = Receiver::new(10);
        // Section 7: two packets that come after one sent later are reordered; the early one is not.
        receive(&mut receiver, &[0, 1, 4, 2, 3, 5, 5, 9]);
        assert_eq!((receiver.arrived(), receiver.reordered(), receiver.duplicated()), (7, 2, 1));
        assert_eq!(receiver.seen().iter().filter(|seen| !**seen).count(), 3);
    }

    #[test]
    fn numbers_beyond_the_call_are_not_of_it() {
        let mut receiver = Receiver::new(2);
        assert_eq!(receive(&mut receiver, &[2, u32::MAX, 1]), [Arrival::Unknown, Arrival::Unknown, Arrival::New]);
        assert_eq!(receiver.arrived(), 1);
    }

    #[test]
    fn jitter_is_that_of_rfc_3550() {
        let mut steady = Receiver::new(100);
        for n in 0..100 {
            // Another clock, which began elsewhere.
            steady.receive(n, u64::from(n) * 20_000, 7_000_000 + u64::from(n) * 20_000);
        }
        assert_eq!(steady.jitter_ms(), 0.0);
        // Every other packet 8 ms late: |D| is 8 ms each time, and J comes close to it: 8 (1 - (15/16)^99).
        let mut uneven = Receiver::new(100);
        for n in 0..100 {
            uneven.receive(n, u64::from(n) * 20_000, u64::from(n) * 20_000 + u64::from(n % 2) * 8_000);
        }
        assert!((uneven.jitter_ms() - 7.987).abs() < 0.001, "{}", uneven.jitter_ms());
    }

    proptest! {
        #[test]
        fn any_times_are_counted_without_harm(
            packets in prop::collection::vec((0_u32..40, any::<u64>(), any::<u64>()), 0..80)
        ) {
            let mut receiver = Receiver::new(32);
            for (sequence, sent, arrived) in &packets {
                receiver.receive(*sequence, *sent, *arrived);
            }
            prop_assert!(receiver.jitter_ms() >= 0.0 && receiver.jitter_ms() <= 60_000.0);
            let mut distinct: Vec<u32> = packets.iter().map(|packet| packet.0).filter(|n| *n < 32).collect();
            let all = distinct.len();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(receiver.arrived() as usize, distinct.len());
            prop_assert_eq!(receiver.duplicated() as usize, all - distinct.len());
            prop_assert!(receiver.reordered() <= receiver.arrived());
        }
    }
}
