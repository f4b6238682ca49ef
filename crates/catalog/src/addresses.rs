//! Finds every address range that holds an address.
//!
//! Ranges are CIDR blocks, so two of them either have nothing in common or one holds the other. Sorted by their first
//! address they cut the number line into stretches, each with one innermost block; its parents are the other answers.
//! A lookup is a binary search and a walk up the parents.

use core::cmp::Reverse;
use core::net::IpAddr;

use ipnet::IpNet;

use crate::catalogue::EndpointSet;
use crate::hosts::Found;
use crate::matching::Rank;

#[derive(Clone, Debug, Default)]
pub(crate) struct AddressIndex {
    ipv4: Line<u32>,
    ipv6: Line<u128>,
}

/// The number line of one address family.
#[derive(Clone, Debug, Default)]
struct Line<N> {
    /// The first address of each stretch; it ends where the next begins.
    starts: Vec<N>,
    /// The innermost block of each stretch, by its place in `blocks`.
    innermost: Vec<Option<usize>>,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
struct Block {
    found: Found,
    /// The next wider block, or an equal one.
    parent: Option<usize>,
}

impl AddressIndex {
    pub(crate) fn new(sets: &[EndpointSet]) -> Self {
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        for (set, endpoints) in sets.iter().enumerate() {
            for (item, network) in endpoints.networks.iter().enumerate() {
                let rank = Rank {
                    category: endpoints.category,
                    specificity: usize::from(network.prefix_len()),
                    id: Reverse(endpoints.id),
                };
                let found = Found { rank, set, item };
                match network {
                    IpNet::V4(net) => ipv4.push((net.network().to_bits(), net.broadcast().to_bits(), found)),
                    IpNet::V6(net) => ipv6.push((net.network().to_bits(), net.broadcast().to_bits(), found)),
                }
            }
        }
        Self {
            ipv4: Line::new(ipv4, |last| last.checked_add(1)),
            ipv6: Line::new(ipv6, |last: u128| last.checked_add(1)),
        }
    }

    /// Calls `take` for each range that holds the address. An IPv4 address within IPv6 (RFC 4291 section 2.5.5.2) is
    /// looked up as what it is.
    #[inline]
    pub(crate) fn each(&self, address: IpAddr, take: impl FnMut(Found)) {
        match address.to_canonical() {
            IpAddr::V4(address) => self.ipv4.each(address.to_bits(), take),
            IpAddr::V6(address) => self.ipv6.each(address.to_bits(), take),
        }
    }
}

impl<N: Ord + Copy> Line<N> {
    fn new(mut ranges: Vec<(N, N, Found)>, next: impl Fn(N) -> Option<N>) -> Self {
        ranges.sort_by_key(|&(first, last, _)| (first, Reverse(last)));
        let mut line = Self { starts: Vec::new(), innermost: Vec::new(), blocks: Vec::with_capacity(ranges.len()) };
        // The blocks that are open at the current place, widest first, with their last addresses.
        let mut open: Vec<(N, usize)> = Vec::new();
        for (first, last, found) in ranges {
            line.close(&mut open, Some(first), &next);
            let parent = open.last().map(|&(_, place)| place);
            let place = line.blocks.len();
            line.blocks.push(Block { found, parent });
            line.stretch(first, Some(place));
            open.push((last, place));
        }
        line.close(&mut open, None, &next);
        line
    }

    /// Ends the open blocks that end before `first`, or all of them.
    fn close(&mut self, open: &mut Vec<(N, usize)>, first: Option<N>, next: &impl Fn(N) -> Option<N>) {
        while let Some((last, _)) = open.pop_if(|(last, _)| first.is_none_or(|first| *last < first)) {
            if let Some(after) = next(last) {
                self.stretch(after, open.last().map(|&(_, place)| place));
            }
        }
    }

    /// Begins a stretch; a later word on the same place replaces the earlier.
    fn stretch(&mut self, start: N, innermost: Option<usize>) {
        if self.starts.last() == Some(&start) {
            self.innermost.pop();
        } else {
            self.starts.push(start);
        }
        self.innermost.push(innermost);
    }

    #[inline]
    fn each(&self, address: N, mut take: impl FnMut(Found)) {
        let after = self.starts.partition_point(|start| *start <= address);
        let mut place = after.checked_sub(1).and_then(|stretch| self.innermost.get(stretch).copied().flatten());
        while let Some(block) = place.and_then(|place| self.blocks.get(place)) {
            take(block.found);
            place = block.parent;
        }
    }
}
