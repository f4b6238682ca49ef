//! One direction of the link, as a queue over time: packets go in at one instant and are due at a later one.
//!
//! The clock is an argument. A link does not re-order: every packet is held for the same time behind the same
//! bottleneck, so instants of departure only grow, and a plain queue is enough.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{Counts, Plan};

/// What is held back at most, per direction: two seconds at 64 Mbit/s, or the bandwidth-delay product of 40 ms at
/// 3 Gbit/s. More is dropped from the tail, as a router does.
const LIMIT_OCTETS: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Line {
    plan: Plan,
    queue: VecDeque<(Instant, Vec<u8>)>,
    octets: usize,
    /// When the bottleneck has sent all that it has.
    free_at: Option<Instant>,
    random: u64,
    pub(super) counts: Counts,
}

impl Line {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, queue: VecDeque::new(), octets: 0, free_at: None, random: plan.seed, counts: Counts::default() }
    }

    /// A packet came in.
    pub(super) fn push(&mut self, now: Instant, packet: &[u8]) {
        if self.next_random() % 10_000 < u64::from(self.plan.loss_per_10_000) {
            self.counts.lost += 1;
            return;
        }
        if self.octets + packet.len() > LIMIT_OCTETS {
            self.counts.overflowed += 1;
            return;
        }
        let start = self.free_at.map_or(now, |free_at| free_at.max(now));
        let sent = start + self.time_on_wire(packet.len());
        self.free_at = Some(sent);
        self.octets += packet.len();
        self.queue.push_back((sent + self.plan.delay, packet.to_vec()));
    }

    /// The next packet whose time has come.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        let (_, packet) = self.queue.pop_front_if(|(due, _)| *due <= now)?;
        self.octets -= packet.len();
        Some(packet)
    }

    /// When there is something to do again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.queue.front().map(|(due, _)| *due)
    }

    fn time_on_wire(&self, octets: usize) -> Duration {
        let Some(rate) = self.plan.rate_octets_per_second.filter(|rate| *rate > 0) else { return Duration::ZERO };
        let nanoseconds = u64::try_from(octets).unwrap_or(u64::MAX).saturating_mul(1_000_000_000) / rate;
        Duration::from_nanos(nanoseconds)
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): the same losses for the
    /// same seed, on every machine.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_packet_is_held_for_the_delay_and_order_is_kept() {
        let start = Instant::now();
        let mut line = Line::new(Plan { delay: 20 * MS, ..Plan::default() });
        line.push(start, b"one");
        line.push(start + MS, b"two");
        assert_eq!(line.next_due(), Some(start + 20 * MS));
        assert_eq!(line.pop(start + 19 * MS), None);
        assert_eq!(line.pop(start + 20 * MS).as_deref(), Some(&b"one"[..]));
        assert_eq!(line.pop(start + 20 * MS), None);
        assert_eq!(line.pop(start + 30 * MS).as_deref(), Some(&b"two"[..]));
        assert_eq!(line.next_due(), None);
        assert_eq!(line.octets, 0);
    }

    #[test]
    fn a_rate_spaces_packets_out() {
        let start = Instant::now();
        let mut line = Line::new(Plan { delay: MS, rate_octets_per_second: Some(1_000_000), ..Plan::default() });
        for _ in 0..3 {
            line.push(start, &[0; 1000]);
        }
        for nth in 1..=3 {
            assert_eq!(line.next_due(), Some(start + nth * MS + MS));
            assert!(line.pop(start + nth * MS + MS).is_some());
        }
        // An idle link owes nothing.
        line.push(start + 100 * MS, &[0; 1000]);
        assert_eq!(line.next_due(), Some(start + 102 * MS));
    }

    #[test]
    fn losses_follow_the_seed() {
        let losses = |seed| {
            let start = Instant::now();
            let mut line = Line::new(Plan { loss_per_10_000: 100, seed, ..Plan::default() });
            let lost = |line: &Line| line.counts.lost;
            let mut which = Vec::new();
            for nth in 0..100_000 {
                let before = lost(&line);
                line.push(start, b"x");
                if lost(&line) > before {
                    which.push(nth);
                }
                line.pop(start);
            }
            which
        };
        let some = losses(7);
        assert!((800..1200).contains(&some.len()), "1 % of 100 000, not {}", some.len());
        assert_eq!(some, losses(7));
        assert_ne!(some, losses(8));
        let none = Plan::default();
        let mut line = Line::new(none);
        (0..10_000).for_each(|_| line.push(Instant::now(), b"x"));
        assert_eq!(line.counts.lost, 0);
    }

    #[test]
    fn the_queue_has_a_limit() {
        let start = Instant::now();
        let mut line = Line::new(Plan { delay: MS, ..Plan::default() });
        let packet = vec![0; 1500];
        for _ in 0..20_000 {
            line.push(start, &packet);
        }
        assert!(line.octets <= LIMIT_OCTETS);
        assert_eq!(line.counts.overflowed, 20_000 - (LIMIT_OCTETS / 1500) as u64);
    }
}
