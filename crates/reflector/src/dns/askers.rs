//! Who asked for which label, for a minute.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use model::AskedBy;

/// The 32 hexadecimal digits of a label. A client draws them at random, so nobody else can ask who looked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label(u128);

impl Label {
    const DIGITS: usize = 32;

    /// In either case: resolvers mix the case of what they ask to make answers harder to forge.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let digits = core::str::from_utf8(text).ok()?;
        let is_label = digits.len() == Self::DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_label.then(|| u128::from_str_radix(digits, 16).ok().map(Self))?
    }
}

/// How long a label is remembered from its first question on: longer than a resolver's retries take.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Labels at a time, 500 a second for a minute; about 6 MB. Of more, the oldest are forgotten.
const LABELS: usize = 32_768;
/// Resolvers for one label. A large public one asks from a few addresses.
const ASKERS_PER_LABEL: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Askers {
    by_label: HashMap<Label, Vec<AskedBy>>,
    /// In the order of their first question.
    first_asked: VecDeque<(Instant, Label)>,
}

impl Askers {
    pub(super) fn remember(&mut self, label: Label, asker: AskedBy, now: Instant) {
        self.forget(now);
        if let Some(known) = self.by_label.get_mut(&label) {
            if known.len() < ASKERS_PER_LABEL && !known.contains(&asker) {
                known.push(asker);
            }
            return;
        }
        if self.first_asked.len() >= LABELS
            && let Some((_, oldest)) = self.first_asked.pop_front()
        {
            self.by_label.remove(&oldest);
        }
        self.by_label.insert(label, vec![asker]);
        self.first_asked.push_back((now, label));
    }

    pub(super) fn of(&mut self, label: Label, now: Instant) -> Vec<AskedBy> {
        self.forget(now);
        self.by_label.get(&label).cloned().unwrap_or_default()
    }

    fn forget(&mut self, now: Instant) {
        while let Some((asked, label)) = self.first_asked.front().copied()
            && now.saturating_duration_since(asked) >= REMEMBERED
        {
            self.first_asked.pop_front();
            self.by_label.remove(&label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(last: u8) -> AskedBy {
        AskedBy { address: [192, 0, 2, last].into(), client_subnet: None }
    }

    #[test]
    fn labels_are_random_numbers_and_nothing_else() {
        let label = Label::parse(b"000102030405060708090a0b0c0d0e0f").unwrap();
        assert_eq!(Label::parse(b"000102030405060708090A0B0c0d0e0F"), Some(label));
        for text in [
            &b""[..],
            b"ns",
            b"000102030405060708090a0b0c0d0e0",
            b"000102030405060708090a0b0c0d0e0f0",
            b"+00102030405060708090a0b0c0d0e0f",
            b"000102030405060708090a0b0c0d0e0g",
            &[0xff; 32],
        ] {
            assert_eq!(Label::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_asker_counts_once_and_for_a_minute() {
        let (mut askers, start) = (Askers::default(), Instant::now());
        askers.remember(Label(1), asker(1), start);
        askers.remember(Label(1), asker(1), start);
        askers.remember(Label(1), asker(2), start + REMEMBERED / 2);
        assert_eq!(askers.of(Label(1), start + REMEMBERED / 2), [asker(1), asker(2)]);
        assert_eq!(askers.of(Label(2), start), []);
        assert_eq!(askers.of(Label(1), start + REMEMBERED), []);
        assert!(askers.by_label.is_empty() && askers.first_asked.is_empty());
    }

    #[test]
    fn neither_labels_nor_askers_grow_without_end() {
        let (mut askers, now) = (Askers::default(), Instant::now());
        for last in 0..=255 {
            askers.remember(Label(0), asker(last), now);
        }
        assert_eq!(askers.of(Label(0), now).len(), ASKERS_PER_LABEL);
        for label in 0..=u128::try_from(LABELS).unwrap() {
            askers.remember(Label(label), asker(1), now);
        }
        assert_eq!((askers.by_label.len(), askers.first_asked.len()), (LABELS, LABELS));
        assert_eq!(askers.of(Label(0), now), [], "the oldest went first");
        assert_eq!(askers.of(Label(1), now), [asker(1)]);
    }
}
