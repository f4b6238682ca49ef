//! Finds every pattern that matches a host, in one walk from the end of the name to its beginning.
//!
//! Every pattern is a fixed end with a star, a fixed beginning or nothing before it (see [`crate::pattern`]). The ends
//! are kept in a radix tree that is read backwards: each node holds a piece of a name, and the patterns whose end is
//! complete there. A lookup follows one branch, so its cost is the length of the name and not the size of the list.

use core::cmp::Reverse;

use model::HostName;

use crate::catalogue::EndpointSet;
use crate::matching::Rank;

#[derive(Clone, Debug, Default)]
pub(crate) struct HostIndex {
    root: Node,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// The piece of a name that leads here from the parent, in reading order.
    piece: Box<[u8]>,
    /// Patterns with a star before the end that is complete here.
    starred: Vec<Entry>,
    /// Patterns that are complete here and match nothing longer.
    exact: Vec<Entry>,
    /// The last octet of each child's piece, and the children in the same order.
    last: Vec<u8>,
    children: Vec<Node>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// What the host must begin with, before the star.
    begin: Box<[u8]>,
    found: Found,
}

/// A pattern of a set, by their places in the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) rank: Rank,
    pub(crate) set: usize,
    pub(crate) item: usize,
}

impl HostIndex {
    pub(crate) fn new(sets: &[EndpointSet]) -> Self {
        let mut root = Node::default();
        for (set, endpoints) in sets.iter().enumerate() {
            for (item, pattern) in endpoints.hosts.iter().enumerate() {
                let (begin, end) = pattern.ends();
                let rank = Rank {
                    category: endpoints.category,
                    specificity: pattern.specificity(),
                    id: Reverse(endpoints.id),
                };
                let found = Found { rank, set, item };
                root.insert(end.as_bytes(), pattern.is_exact(), Entry { begin: begin.as_bytes().into(), found });
            }
        }
        Self { root }
    }

    /// Calls `take` for each pattern that matches.
    #[inline]
    pub(crate) fn each(&self, host: &HostName, mut take: impl FnMut(Found)) {
        let mut node = &self.root;
        let mut left = host.as_str().as_bytes();
        loop {
            for entry in node.starred.iter().filter(|entry| left.starts_with(&entry.begin)) {
                take(entry.found);
            }
            let Some(last) = left.last() else {
                node.exact.iter().for_each(|entry| take(entry.found));
                return;
            };
            let child = node.last.iter().position(|octet| octet == last).and_then(|place| node.children.get(place));
            let Some((child, rest)) = child.and_then(|child| Some((child, left.strip_suffix(&*child.piece)?))) else {
                return;
            };
            (node, left) = (child, rest);
        }
    }
}

impl Node {
    fn insert(&mut self, end: &[u8], exact: bool, entry: Entry) {
        let Some(last) = end.last() else {
            if exact {
                self.exact.push(entry)
            } else {
                self.starred.push(entry)
            }
            return;
        };
        let place = match self.last.iter().position(|octet| octet == last) {
            Some(place) => place,
            None => {
                self.last.push(*last);
                self.children.push(Self { piece: end.into(), ..Self::default() });
                self.children.len() - 1
            }
        };
        let Some(child) = self.children.get_mut(place) else { return };
        let common = end.iter().rev().zip(child.piece.iter().rev()).take_while(|(one, other)| one == other).count();
        if common < child.piece.len() {
            child.split(common);
        }
        let (rest, _) = end.split_at(end.len() - common);
        child.insert(rest, exact, entry);
    }

    /// Keeps the last `common` octets of the piece here and moves the rest, with all that hangs on it, one level down.
    fn split(&mut self, common: usize) {
        let piece = core::mem::take(&mut self.piece);
        let (begin, end) = piece.split_at(piece.len() - common);
        let below = Self { piece: begin.into(), ..core::mem::take(self) };
        *self = Self { piece: end.into(), last: begin.last().copied().into_iter().collect(), ..Self::default() };
        self.children.push(below);
    }
}
