//! Which endpoint set a host or an address belongs to, and why that one.
//!
//! Several sets may match. The vendor's rule decides first: where an endpoint is in more than one category, the highest
//! counts (web service page of 2025-01-08). Within a category the most specific pattern or range wins, then the set with
//! the lowest id. A port or a transport in the question leaves only the sets that publish it.

use core::cmp::Reverse;
use core::fmt;
use core::net::IpAddr;

use ipnet::IpNet;
use model::HostName;

use crate::catalogue::{Catalogue, Category, EndpointSet};
use crate::hosts::Found;
use crate::pattern::HostPattern;

/// What is asked beyond the host or the address. The default asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub transport: Option<Transport>,
    pub port: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    Tcp,
    Udp,
}

/// The endpoint set that an endpoint belongs to. `T` is what matched: a [`HostPattern`] or an [`IpNet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'a, T> {
    pub set: &'a EndpointSet,
    pub by: &'a T,
    pub because: Because,
    /// The next best, which lost.
    pub over: Option<(&'a EndpointSet, &'a T)>,
}

/// What decided between the match and the next best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Because {
    /// Nothing else matches.
    Only,
    Category,
    Specificity,
    LowestId,
}

impl Query {
    pub fn tcp(port: u16) -> Self {
        Self { transport: Some(Transport::Tcp), port: Some(port) }
    }

    pub fn udp(port: u16) -> Self {
        Self { transport: Some(Transport::Udp), port: Some(port) }
    }

    fn admits(self, set: &EndpointSet) -> bool {
        let on = |transport: Transport| {
            let ports = match transport {
                Transport::Tcp => &set.tcp,
                Transport::Udp => &set.udp,
            };
            self.port.map_or_else(|| !ports.is_empty(), |port| ports.contains(port))
        };
        match (self.transport, self.port) {
            (None, None) => true,
            (None, Some(_)) => on(Transport::Tcp) || on(Transport::Udp),
            (Some(transport), _) => on(transport),
        }
    }
}

impl Catalogue {
    /// The endpoint set of a host.
    pub fn host(&self, host: &HostName, query: Query) -> Option<Match<'_, HostPattern>> {
        let mut best = Best::default();
        self.hosts.each(host, |found| self.consider(&mut best, found, query));
        self.answer(best, |set| &set.hosts)
    }

    /// The endpoint set of an address.
    pub fn address(&self, address: IpAddr, query: Query) -> Option<Match<'_, IpNet>> {
        let mut best = Best::default();
        self.addresses.each(address, |found| self.consider(&mut best, found, query));
        self.answer(best, |set| &set.networks)
    }

    /// Every set and pattern that matches a host, best first.
    pub fn all_of_host(&self, host: &HostName, query: Query) -> Vec<(&EndpointSet, &HostPattern)> {
        let mut all = Vec::new();
        self.hosts.each(host, |found| all.push(found));
        self.sorted(all, query, |set| &set.hosts)
    }

    /// Every set and range that an address is in, best first.
    pub fn all_of_address(&self, address: IpAddr, query: Query) -> Vec<(&EndpointSet, &IpNet)> {
        let mut all = Vec::new();
        self.addresses.each(address, |found| all.push(found));
        self.sorted(all, query, |set| &set.networks)
    }

    #[inline]
    fn consider(&self, best: &mut Best, found: Found, query: Query) {
        if query == Query::default() || self.sets().get(found.set).is_some_and(|set| query.admits(set)) {
            best.consider(found);
        }
    }

    fn resolve<T>(&self, found: Found, items: fn(&EndpointSet) -> &Vec<T>) -> Option<(&EndpointSet, &T)> {
        let set = self.sets().get(found.set)?;
        items(set).get(found.item).map(|item| (set, item))
    }

    fn answer<T>(&self, best: Best, items: fn(&EndpointSet) -> &Vec<T>) -> Option<Match<'_, T>> {
        let first = best.first?;
        let (set, by) = self.resolve(first, items)?;
        let because = best.second.map_or(Because::Only, |second| first.rank.over(second.rank));
        Some(Match { set, by, because, over: best.second.and_then(|second| self.resolve(second, items)) })
    }

    fn sorted<T>(
        &self,
        mut all: Vec<Found>,
        query: Query,
        items: fn(&EndpointSet) -> &Vec<T>,
    ) -> Vec<(&EndpointSet, &T)> {
        all.sort_by_key(|found| Reverse(found.order()));
        all.into_iter().filter_map(|found| self.resolve(found, items)).filter(|(set, _)| query.admits(set)).collect()
    }
}

/// The two best of what was found.
#[derive(Default)]
struct Best {
    first: Option<Found>,
    second: Option<Found>,
}

impl Best {
    #[inline]
    fn consider(&mut self, found: Found) {
        let beats = |other: &Option<Found>| other.is_none_or(|other| found.order() > other.order());
        if beats(&self.first) {
            self.second = self.first.replace(found);
        } else if beats(&self.second) {
            self.second = Some(found);
        }
    }
}

impl Found {
    /// The place within a set settles what the rank leaves open, so that an answer never depends on the index.
    fn order(self) -> (Rank, Reverse<usize>) {
        (self.rank, Reverse(self.item))
    }
}

/// Greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) category: Category,
    pub(crate) specificity: usize,
    pub(crate) id: Reverse<u32>,
}

impl Rank {
    fn over(self, other: Self) -> Because {
        if self.category != other.category {
            Because::Category
        } else if self.specificity != other.specificity {
            Because::Specificity
        } else {
            Because::LowestId
        }
    }
}

impl<T: fmt::Display> fmt::Display for Match<'_, T> {
    /// `set 12 (Skype, Allow) by *.teams.microsoft.com; higher category than set 78 (Common, Default) by *.microsoft.com`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |f: &mut fmt::Formatter<'_>, set: &EndpointSet, by: &T| {
            write!(f, "set {} ({}, {}) by {by}", set.id, set.area, set.category)
        };
        name(f, self.set, self.by)?;
        let Some((set, by)) = self.over else { return Ok(()) };
        f.write_str(match self.because {
            Because::Only => "; before ",
            Because::Category => "; higher category than ",
            Because::Specificity => "; more specific than ",
            Because::LowestId => "; lower id than ",
        })?;
        name(f, set, by)
    }
}
