//! A table of flows with a limit: when it is full, the oldest flow makes room.
//!
//! Entries are kept in the order in which they were opened, as a list through a slab, so that every operation takes the
//! same few steps however many flows there are.

use std::collections::HashMap;

use super::{FlowKey, SipKey};

#[derive(Debug)]
pub(in crate::capture) struct Table<V> {
    places: HashMap<FlowKey, u32, SipKey>,
    entries: Vec<Entry<V>>,
    limit: usize,
    /// The first of the vacant entries, which are a list through `next`.
    vacant: u32,
    oldest: u32,
    newest: u32,
}

#[derive(Debug)]
struct Entry<V> {
    /// `None` where the entry is vacant.
    flow: Option<(FlowKey, V)>,
    older: u32,
    newer: u32,
}

/// No entry.
const NONE: u32 = u32::MAX;

impl<V> Table<V> {
    pub(in crate::capture) fn new(limit: usize, key: SipKey) -> Self {
        let places = HashMap::with_hasher(key);
        let limit = limit.clamp(1, 1 << 30);
        Self { places, entries: Vec::new(), limit, vacant: NONE, oldest: NONE, newest: NONE }
    }

    #[cfg(test)]
    pub(in crate::capture) fn len(&self) -> usize {
        self.places.len()
    }

    pub(in crate::capture) fn get_mut(&mut self, key: &FlowKey) -> Option<&mut V> {
        let place = *self.places.get(key)?;
        self.entry_mut(place)?.flow.as_mut().map(|(_, value)| value)
    }

    /// Opens a flow that is not there yet. Gives back the oldest one where there was no room.
    pub(in crate::capture) fn insert(&mut self, key: FlowKey, value: V) -> Option<(FlowKey, V)> {
        let evicted = if self.places.len() < self.limit { None } else { self.pop_oldest() };
        let entry = Entry { flow: Some((key, value)), older: self.newest, newer: NONE };
        let place = if self.vacant == NONE {
            let place = u32::try_from(self.entries.len()).unwrap_or(NONE);
            self.entries.push(entry);
            place
        } else {
            let place = self.vacant;
            if let Some(vacant) = self.entry_mut(place) {
                let next = vacant.newer;
                *vacant = entry;
                self.vacant = next;
            }
            place
        };
        match self.entry_mut(self.newest) {
            Some(newest) => newest.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
        self.places.insert(key, place);
        evicted
    }

    pub(in crate::capture) fn remove(&mut self, key: &FlowKey) -> Option<V> {
        let place = self.places.remove(key)?;
        self.vacate(place).map(|(_, value)| value)
    }

    pub(in crate::capture) fn pop_oldest(&mut self) -> Option<(FlowKey, V)> {
        let flow = self.vacate(self.oldest)?;
        self.places.remove(&flow.0);
        Some(flow)
    }

    fn vacate(&mut self, place: u32) -> Option<(FlowKey, V)> {
        let vacant = self.vacant;
        let entry = self.entry_mut(place)?;
        let flow = entry.flow.take()?;
        let (older, newer) = (entry.older, entry.newer);
        entry.newer = vacant;
        self.vacant = place;
        match self.entry_mut(older) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.entry_mut(newer) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        Some(flow)
    }

    fn entry_mut(&mut self, place: u32) -> Option<&mut Entry<V>> {
        self.entries.get_mut(usize::try_from(place).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Ends;
    use super::*;

    fn key(port: u16) -> FlowKey {
        Ends { source: (1, port), destination: (2, 443) }.key().0
    }

    proptest! {
        /// Against the simplest thing that can be right: a list in order of opening.
        #[test]
        fn it_is_a_list_of_limited_length(
            limit in 1_usize..6,
            steps in prop::collection::vec((0_u8..4, 0_u16..8), 0..200),
        ) {
            let mut table = Table::new(limit, SipKey([1, 2]));
            let mut model: Vec<(u16, usize)> = Vec::new();
            for (number, (step, port)) in steps.into_iter().enumerate() {
                let place = model.iter().position(|(known, _)| *known == port);
                match step {
                    0 | 1 if place.is_none() => {
                        let evicted = (model.len() == limit).then(|| model.remove(0));
                        model.push((port, number));
                        prop_assert_eq!(table.insert(key(port), number), evicted.map(|(port, value)| (key(port), value)));
                    }
                    2 => {
                        let removed = place.map(|place| model.remove(place).1);
                        prop_assert_eq!(table.remove(&key(port)), removed);
                    }
                    3 => {
                        let oldest = (!model.is_empty()).then(|| model.remove(0));
                        prop_assert_eq!(table.pop_oldest(), oldest.map(|(port, value)| (key(port), value)));
                    }
                    _ => {}
                }
                prop_assert_eq!(table.len(), model.len());
                prop_assert!(table.entries.len() <= limit);
                for port in 0..8 {
                    let value = model.iter().find(|(known, _)| *known == port).map(|(_, value)| *value);
                    prop_assert_eq!(table.get_mut(&key(port)).copied(), value);
                }
            }
        }
    }
}
