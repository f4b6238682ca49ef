//! What an endpoint list asks of a network as a whole: prefixes to send by the shortest way, and names that must answer.
//!
//! A list speaks of service areas and a profile of workloads, the words that people use: the area `Skype` is the workload
//! "Teams", and `Common` holds several. Which is which is not written down anywhere a second time. It follows from the
//! hosts of the profile and the sets that they belong to.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use model::{Endpoint, HostName};

use crate::catalogue::{Catalogue, Category, EndpointSet};
use crate::matching::Query;
use crate::profile::Profile;

/// The ports on which a name can be asked with HTTP.
const ASKED_PORTS: [u16; 2] = [80, 443];

impl Profile {
    /// Workload and prefix for each prefix that the vendor wants sent by the shortest way: the category Optimize.
    pub fn optimize_prefixes(&self, catalogue: &Catalogue) -> Vec<(String, IpNet)> {
        let workloads = Workloads::new(self, catalogue);
        let mut prefixes: Vec<(String, IpNet)> = Vec::new();
        for set in catalogue.sets().iter().filter(|set| set.category == Category::Optimize) {
            let workload = workloads.of_set(set);
            for network in &set.networks {
                let entry = (workload.to_owned(), *network);
                if !prefixes.contains(&entry) {
                    prefixes.push(entry);
                }
            }
        }
        prefixes
    }

    /// Every name of a required set that can be asked with HTTP, once for each port. Patterns with a star stand for no
    /// name in particular and are left out.
    pub fn required_endpoints(&self, catalogue: &Catalogue) -> Vec<Endpoint> {
        let workloads = Workloads::new(self, catalogue);
        let mut required: Vec<&EndpointSet> = catalogue.sets().iter().filter(|set| set.required).collect();
        // A name may be in several sets. As everywhere, the higher category counts, then the lower id.
        required.sort_by_key(|set| (std::cmp::Reverse(set.category), set.id));
        let mut known = BTreeSet::new();
        let mut endpoints = Vec::new();
        for set in required {
            for host in set.hosts.iter().filter(|pattern| pattern.is_exact()) {
                let Ok(host) = HostName::parse(host.as_str()) else { continue };
                for port in ASKED_PORTS.into_iter().filter(|port| set.tcp.contains(*port)) {
                    if known.insert((host.clone(), port)) {
                        endpoints.push(Endpoint {
                            host: host.clone(),
                            port,
                            set: set.id,
                            workload: workloads.of_host(&host, set).to_owned(),
                            category: set.category.as_str().to_owned(),
                        });
                    }
                }
            }
        }
        endpoints
    }
}

/// Which workload a set is of, by what the profile says of the hosts in it.
struct Workloads<'a> {
    by_host: BTreeMap<&'a HostName, &'a str>,
    by_set: BTreeMap<u32, &'a str>,
    by_area: BTreeMap<&'a str, &'a str>,
}

impl<'a> Workloads<'a> {
    fn new(profile: &'a Profile, catalogue: &'a Catalogue) -> Self {
        let (mut by_host, mut by_set, mut by_area) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for target in &profile.targets {
            by_host.insert(&target.host, target.workload.as_str());
            if let Some(found) = catalogue.host(&target.host, Query::tcp(target.port)) {
                let set: &mut Vec<&str> = by_set.entry(found.set.id).or_default();
                set.push(&target.workload);
                let area: &mut Vec<&str> = by_area.entry(found.set.area.as_str()).or_default();
                area.push(&target.workload);
            }
        }
        let decided = |names: Vec<&'a str>| majority(&names);
        Self {
            by_host,
            by_set: by_set.into_iter().filter_map(|(id, names)| Some((id, decided(names)?))).collect(),
            by_area: by_area.into_iter().filter_map(|(area, names)| Some((area, decided(names)?))).collect(),
        }
    }

    fn of_host(&self, host: &HostName, set: &'a EndpointSet) -> &'a str {
        self.by_host.get(host).copied().unwrap_or_else(|| self.of_set(set))
    }

    /// The workload of most of the profile's hosts in the set, or else in its service area; where neither says so, the
    /// area by the vendor's own name.
    fn of_set(&self, set: &'a EndpointSet) -> &'a str {
        let by_hosts = self.by_set.get(&set.id).or_else(|| self.by_area.get(set.area.as_str()));
        by_hosts.copied().unwrap_or_else(|| set.area_name.as_deref().unwrap_or(&set.area))
    }
}

/// The name that more than half of the entries have.
fn majority<'a>(names: &[&'a str]) -> Option<&'a str> {
    let of = |name: &str| names.iter().filter(|other| **other == name).count();
    names.iter().copied().find(|name| of(name) * 2 > names.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{Catalogue, Profile, builtin};

    fn microsoft() -> (Profile, Catalogue) {
        (Profile::builtin("microsoft-365", None).unwrap(), builtin::catalogue("worldwide", None).unwrap())
    }

    #[test]
    fn optimize_prefixes_go_by_the_names_that_people_know() {
        let (profile, catalogue) = microsoft();
        let prefixes = profile.optimize_prefixes(&catalogue);
        let count = |workload: &str| prefixes.iter().filter(|(name, _)| name == workload).count();
        assert_eq!((count("Exchange"), count("SharePoint"), count("Teams")), (27, 10, 3));
        assert_eq!(prefixes.len(), 40);
        assert!(prefixes.iter().any(|(name, net)| name == "Teams" && net.to_string() == "52.112.0.0/14"));
    }

    #[test]
    fn endpoints_are_concrete_names_of_required_sets_once_for_each_port() {
        let (profile, catalogue) = microsoft();
        let endpoints = profile.required_endpoints(&catalogue);
        let ports = |port: u16| endpoints.iter().filter(|endpoint| endpoint.port == port).count();
        assert_eq!((ports(80), ports(443)), (65, 94));
        let unique: BTreeSet<_> = endpoints.iter().map(|endpoint| (&endpoint.host, endpoint.port)).collect();
        assert_eq!(unique.len(), endpoints.len());
        let one = |host: &str| endpoints.iter().find(|e| e.host.as_str() == host && e.port == 443).unwrap();
        let shown = |host: &str| (one(host).set, one(host).workload.as_str(), one(host).category.as_str());
        // A host of the profile, one whose set the profile knows, and one whose area is all that is known.
        assert_eq!(shown("outlook.office.com"), (1, "Exchange", "Optimize"));
        assert_eq!(shown("login.microsoftonline.com"), (56, "Sign-in", "Allow"));
        assert_eq!(shown("teams.microsoft.com"), (12, "Teams", "Allow"));
        let unknown: BTreeSet<_> = endpoints.iter().map(|endpoint| endpoint.workload.as_str()).collect();
        assert!(!unknown.contains("Skype"), "{unknown:?}");
    }

    #[test]
    fn an_area_that_the_profile_has_no_host_of_keeps_its_own_name() {
        let list = "truepath-endpoints 1\ninstance worldwide\nversion test\nsource test\n\n\
                    set 1 Fax Optimize required\nname Contoso Fax\ntcp 443\nhost fax.example\nnet 192.0.2.0/24\n";
        let catalogue = Catalogue::from_compact(list).unwrap();
        let (profile, _) = microsoft();
        assert_eq!(
            profile.optimize_prefixes(&catalogue),
            [("Contoso Fax".to_owned(), "192.0.2.0/24".parse().unwrap())]
        );
        assert_eq!(profile.required_endpoints(&catalogue).len(), 1);
    }
}
