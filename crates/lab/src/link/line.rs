//! One direction of the link, as a queue over time: packets go in at one instant and are due at a later one.
//!
//! The clock is an argument. Jitter is what a queue elsewhere on the path makes of it: a packet may wait longer, and then
//! those behind it wait too, so the order stays. Order is lost only by packets that the plan lets overtake: they skip the
//! delay, as if they had gone another way.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

use super::{Counts, Plan};

/// What is held back at most, per direction: two seconds at 64 Mbit/s, or the bandwidth-delay product of 40 ms at
/// 3 Gbit/s. More is dropped from the tail, as a router does.
const LIMIT_OCTETS: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Line {
    plan: Plan,
    /// By the instant when it is due, then in the order in which they came: a packet's number stands before it.
    queue: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    octets: usize,
    /// When the bottleneck has sent all that it has.
    free_at: Option<Instant>,
    /// When the last packet that keeps its place is due.
    last_due: Option<Instant>,
    number: u64,
    random: u64,
    pub(super) counts: Counts,
}

impl Line {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan,
            queue: BinaryHeap::new(),
            octets: 0,
            free_at: None,
            last_due: None,
            number: 0,
            random: plan.seed,
            counts: Counts::default(),
        }
    }

    /// A packet came in.
    pub(super) fn push(&mut self, now: Instant, packet: &[u8]) {
        if self.chance(self.plan.loss_per_10_000) {
            self.counts.lost += 1;
            return;
        }
        let start = self.free_at.map_or(now, |free_at| free_at.max(now));
        let backlog = start.saturating_duration_since(now);
        let sent = start + self.time_on_wire(packet.len());
        let deepest = self.plan.queue_octets.map(|octets| self.time_on_wire(octets));
        if self.octets + packet.len() > LIMIT_OCTETS || deepest.is_some_and(|deepest| backlog > deepest) {
            self.counts.overflowed += 1;
            return;
        }
        self.free_at = Some(sent);
        self.octets += packet.len();
        let due = if self.chance(self.plan.early_per_10_000) {
            self.counts.early += 1;
            sent
        } else {
            let due = sent + self.plan.delay + self.jitter();
            *self.last_due.insert(self.last_due.map_or(due, |last| last.max(due)))
        };
        self.number += 1;
        self.queue.push(Reverse((due, self.number, packet.to_vec())));
    }

    /// The next packet whose time has come.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((_, _, packet)) = self.queue.pop()?;
        self.octets -= packet.len();
        Some(packet)
    }

    /// When there is something to do again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse((due, _, _))| *due)
    }

    fn time_on_wire(&self, octets: usize) -> Duration {
        let Some(rate) = self.plan.rate_octets_per_second.filter(|rate| *rate > 0) else { return Duration::ZERO };
        let nanoseconds = u64::try_from(octets).unwrap_or(u64::MAX).saturating_mul(1_000_000_000) / rate;
        Duration::from_nanos(nanoseconds)
    }

    fn chance(&mut self, per_10_000: u16) -> bool {
        per_10_000 > 0 && self.next_random() % 10_000 < u64::from(per_10_000)
    }

    /// Evenly between nothing and the plan's most, in microseconds.
    fn jitter(&mut self) -> Duration {
        match u64::try_from(self.plan.jitter.as_micros()) {
            Ok(most @ 1..) => Duration::from_micros(self.next_random() % (most + 1)),
            _ => Duration::ZERO,
        }
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
    fn jitter_keeps_the_order_and_stays_within_its_bounds() {
        let start = Instant::now();
        let mut line = Line::new(Plan { delay: 10 * MS, jitter: 30 * MS, seed: 7, ..Plan::default() });
        let mut dues = Vec::new();
        for nth in 0..1000_u32 {
            line.push(start + nth * MS, &nth.to_be_bytes());
        }
        for nth in 0..1000_u32 {
            let due = line.next_due().unwrap();
            assert_eq!(line.pop(due).unwrap(), nth.to_be_bytes());
            // What waits behind another waits no longer than that one does.
            assert!((start + (nth + 10) * MS..=start + (nth + 40) * MS).contains(&due));
            dues.push(due);
        }
        assert!(dues.is_sorted());
        let longest = (0..1000).map(|nth| dues[nth as usize] - (start + nth * MS)).max().unwrap();
        assert!(longest > 38 * MS, "{longest:?}");
    }

    #[test]
    fn what_may_overtake_skips_the_delay() {
        let start = Instant::now();
        let plan = Plan { delay: 50 * MS, early_per_10_000: 1000, seed: 3, ..Plan::default() };
        let mut line = Line::new(plan);
        for nth in 0..1000_u32 {
            line.push(start + nth * 20 * MS, &nth.to_be_bytes());
        }
        let mut order = Vec::new();
        while let Some(packet) = line.pop(start + 60_000 * MS) {
            order.push(u32::from_be_bytes(packet.try_into().unwrap()));
        }
        let overtaken = order.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert_eq!(order.len(), 1000);
        assert!((60..140).contains(&line.counts.early), "{}", line.counts.early);
        assert!(overtaken > 50, "{overtaken}");
    }

    #[test]
    fn a_bounded_queue_drops_what_would_wait_longer() {
        let start = Instant::now();
        let plan = Plan { rate_octets_per_second: Some(1_000_000), queue_octets: Some(10_000), ..Plan::default() };
        let mut line = Line::new(plan);
        (0..100).for_each(|_| line.push(start, &[0; 1000]));
        // The one on the wire, and those that wait until the queue is full.
        assert_eq!(line.counts.overflowed, 89);
        let last = std::iter::from_fn(|| line.pop(start + 1000 * MS)).count();
        assert_eq!(last, 11);
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
