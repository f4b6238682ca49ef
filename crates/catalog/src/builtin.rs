//! What is compiled in: the newest endpoint list of every cloud instance, and the profiles of known services.
//!
//! The lists are in our own format under `data/endpoints`; `cargo xtask catalogue import` makes such a file from the
//! JSON of the web service. The worldwide instance has two: the newest one that the vendor published and that is publicly
//! archived, and the state of 2026-08-11, which was reconstructed from it and from an independent record of the changes
//! since. The newer state is the default, and its version says what it is. The list of `germany` is the last one of the
//! German cloud that closed in October 2021: it matters for old rules on old devices.

use crate::catalogue::Catalogue;
use crate::json::ListError;
use crate::names::excerpt;

/// An endpoint list that is compiled in.
#[derive(Clone, Copy, Debug)]
pub struct List {
    pub instance: &'static str,
    pub version: &'static str,
    text: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    #[error("no endpoint list of instance `{instance}` is compiled in; there are {known}")]
    Instance { instance: String, known: String },
    #[error("version `{version}` of instance `{instance}` is not compiled in; there are {known}")]
    Version { instance: String, version: String, known: String },
    #[error(transparent)]
    List(#[from] ListError),
}

macro_rules! list {
    ($instance:literal, $version:literal) => {
        List {
            instance: $instance,
            version: $version,
            text: include_str!(concat!("../data/endpoints/", $instance, "-", $version, ".txt")),
        }
    };
}

/// By instance, and within an instance the default first.
pub const LISTS: &[List] = &[
    list!("worldwide", "reconstructed-2026-08-11"),
    list!("worldwide", "2025063000"),
    list!("china", "2024032900"),
    list!("france", "2026033100"),
    list!("germany", "2021102900"),
    list!("usgovdod", "2024073100"),
    list!("usgovgcchigh", "2024073100"),
];

/// Service files that are compiled in, by the id of the service.
pub const SERVICES: &[(&str, &str)] = &[("microsoft-365", include_str!("../data/services/microsoft-365.toml"))];

/// The endpoint list of an instance: the version that is asked for, or the default.
pub fn catalogue(instance: &str, version: Option<&str>) -> Result<Catalogue, BuiltinError> {
    let of_instance = || LISTS.iter().filter(|list| list.instance.eq_ignore_ascii_case(instance));
    let Some(list) = of_instance().find(|list| version.is_none_or(|version| list.version == version)) else {
        let instance = excerpt(instance);
        let versions: Vec<&str> = of_instance().map(|list| list.version).collect();
        return Err(match version {
            Some(version) if !versions.is_empty() => {
                BuiltinError::Version { instance, version: excerpt(version), known: versions.join(", ") }
            }
            _ => {
                let mut known: Vec<&str> = LISTS.iter().map(|list| list.instance).collect();
                known.dedup();
                BuiltinError::Instance { instance, known: known.join(", ") }
            }
        });
    };
    Ok(list.read()?)
}

impl List {
    pub fn read(&self) -> Result<Catalogue, ListError> {
        Catalogue::from_compact(self.text)
    }

    /// As it is compiled in.
    pub fn text(&self) -> &'static str {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::{LISTS, catalogue};

    #[test]
    fn every_list_reads_and_is_what_its_file_name_says() {
        for list in LISTS {
            let read = list.read().unwrap();
            assert_eq!((read.instance().as_str(), read.version().as_str()), (list.instance, list.version));
            assert!(!read.sets().is_empty() && !read.source().is_empty());
            assert_eq!(read.to_compact(), list.text, "{} is not in canonical form", list.version);
        }
    }

    #[test]
    fn the_counts_are_those_of_the_sources() {
        for (instance, version, sets, hosts, networks) in [
            ("worldwide", "reconstructed-2026-08-11", 62, 199, 129),
            ("worldwide", "2025063000", 65, 205, 129),
            ("china", "2024032900", 20, 47, 101),
            ("france", "2026033100", 3, 5, 2),
            ("germany", "2021102900", 29, 80, 69),
            ("usgovdod", "2024073100", 28, 92, 37),
            ("usgovgcchigh", "2024073100", 26, 87, 40),
        ] {
            let list = catalogue(instance, Some(version)).unwrap();
            let count = |of: fn(&crate::EndpointSet) -> usize| list.sets().iter().map(of).sum::<usize>();
            let counts = (list.sets().len(), count(|set| set.hosts.len()), count(|set| set.networks.len()));
            assert_eq!(counts, (sets, hosts, networks), "{instance} {version}");
        }
    }

    #[test]
    fn the_newest_state_is_the_default_and_says_that_it_is_reconstructed() {
        let list = catalogue("Worldwide", None).unwrap();
        assert_eq!(list.version().as_str(), "reconstructed-2026-08-11");
        assert!(!list.version().is_published());
        assert!(list.source().contains("reconstructed"), "{}", list.source());
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        assert_eq!(
            catalogue("mars", None).unwrap_err().to_string(),
            "no endpoint list of instance `mars` is compiled in; there are worldwide, china, france, germany, usgovdod, usgovgcchigh"
        );
        assert_eq!(
            catalogue("worldwide", Some("2018063000")).unwrap_err().to_string(),
            "version `2018063000` of instance `worldwide` is not compiled in; there are reconstructed-2026-08-11, 2025063000"
        );
    }
}
