//! The endpoint list of one service and cloud instance, at one version.
//!
//! Values here are canonical: lists are sorted and without duplicates, ports are joined ranges, addresses have no bits
//! beyond their prefix. So two lists that say the same are equal, and what is written diffs well. The two indices that
//! answer questions are made once, when a catalogue is made; a catalogue does not change after that.

use core::fmt;

use ipnet::IpNet;

use crate::addresses::AddressIndex;
use crate::hosts::HostIndex;
use crate::names::{Instance, Version};
use crate::pattern::HostPattern;
use crate::ports::Ports;

/// What a vendor publishes about the endpoints of a service.
#[derive(Clone)]
pub struct Catalogue {
    instance: Instance,
    version: Version,
    source: String,
    sets: Vec<EndpointSet>,
    pub(crate) hosts: HostIndex,
    pub(crate) addresses: AddressIndex,
}

/// Endpoints that belong together: every port goes with every host and every network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSet {
    /// The vendor's number for the set. It never changes.
    pub id: u32,
    /// `serviceArea`: `Exchange`, `SharePoint`, `Skype` (which is Teams), `Common`.
    pub area: String,
    /// `serviceAreaDisplayName`.
    pub area_name: Option<String>,
    pub category: Category,
    /// Connectivity is required for the service to be supported.
    pub required: bool,
    /// Routed over ExpressRoute, the vendor's private peering.
    pub express_route: bool,
    /// `urls`. Sets with addresses alone occur.
    pub hosts: Vec<HostPattern>,
    /// `ips`. Sets of the category Default have none: their addresses are not published.
    pub networks: Vec<IpNet>,
    pub tcp: Ports,
    pub udp: Ports,
    /// What is lost without an optional set, in the vendor's words. Left out of the lists that are compiled in.
    pub notes: Option<String>,
}

/// How the vendor wants the traffic treated. Greater means more: Optimize before Allow before Default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    Default,
    Allow,
    Optimize,
}

impl Catalogue {
    /// Puts the sets into canonical form and indexes them. The readers have checked limits and ids before.
    pub(crate) fn new(instance: Instance, version: Version, source: String, mut sets: Vec<EndpointSet>) -> Self {
        for set in &mut sets {
            set.hosts.sort_unstable();
            set.hosts.dedup();
            for network in &mut set.networks {
                *network = network.trunc();
            }
            set.networks.sort_unstable();
            set.networks.dedup();
        }
        sets.sort_by_key(|set| set.id);
        let hosts = HostIndex::new(&sets);
        let addresses = AddressIndex::new(&sets);
        Self { instance, version, source, sets, hosts, addresses }
    }

    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Where the list comes from and when it was made, for people.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The same list without the vendor's prose.
    #[must_use]
    pub fn without_notes(mut self) -> Self {
        for set in &mut self.sets {
            set.notes = None;
        }
        self
    }

    /// By id.
    pub fn sets(&self) -> &[EndpointSet] {
        &self.sets
    }
}

impl PartialEq for Catalogue {
    /// The indices follow from the sets.
    fn eq(&self, other: &Self) -> bool {
        self.instance == other.instance
            && self.version == other.version
            && self.source == other.source
            && self.sets == other.sets
    }
}

impl Eq for Catalogue {}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("instance", &self.instance)
            .field("version", &self.version)
            .field("source", &self.source)
            .field("sets", &self.sets)
            .finish_non_exhaustive()
    }
}

impl Category {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Default, Self::Allow, Self::Optimize]
            .into_iter()
            .find(|category| category.as_str().eq_ignore_ascii_case(text))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "Default",
            Self::Allow => "Allow",
            Self::Optimize => "Optimize",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
