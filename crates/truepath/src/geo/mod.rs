//! Where the addresses of a record are: looked up after the run, in databases on this machine.
//!
//! A database is a file that the user gives, or one that `truepath geo fetch` put into the data folder. Two formats are read:
//! MaxMind DB (`.mmdb`), in the nested shape of GeoIP2 and in the flat one of the free databases, and sorted CSV of address
//! ranges (`first,last,asn,organisation`). Nothing is asked of the network. A place is what a database says; where none knows
//! the address, nothing is said, and nothing is ever guessed. Where this machine itself is, only its user knows: the place
//! of its egress is where the traffic leaves, which is the very thing in question.

mod mmdb;
mod ranges;
#[cfg(test)]
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use model::{Attempt, Coordinates, Geo, GeoSource, Here, HostRecord, Place, Record};

use self::mmdb::Mmdb;
use self::ranges::Ranges;
use crate::exit::misuse;

/// Addresses looked up for one record.
const ADDRESSES_LIMIT: usize = 4096;
/// Databases opened, whatever lies in the folder.
const DATABASES_LIMIT: usize = 16;
/// Beside a database, what its licence asks to be shown.
pub(crate) const ATTRIBUTION: &str = "attribution";

/// A database that is open.
pub(crate) enum Database {
    Mmdb(Mmdb),
    Ranges(Ranges),
}

impl Database {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let unreadable = |error: String| misuse(format!("{}: {error}", path.display()));
        if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv")) {
            Ok(Self::Ranges(Ranges::open(path).map_err(|error| unreadable(error.to_string()))?))
        } else {
            Ok(Self::Mmdb(Mmdb::open(path).map_err(unreadable)?))
        }
    }

    /// What it says of an address, where it says anything.
    pub(crate) fn lookup(&mut self, address: IpAddr) -> Option<Place> {
        match self {
            Self::Mmdb(database) => database.lookup(address),
            Self::Ranges(ranges) => ranges.lookup(address),
        }
    }

    pub(crate) fn source(&self, path: &Path) -> GeoSource {
        let (kind, built) = match self {
            Self::Mmdb(database) => (database.kind(), database.built()),
            Self::Ranges(ranges) => ("ASN by address range".to_owned(), ranges.modified()),
        };
        let beside = path.with_added_extension(ATTRIBUTION);
        let attribution = std::fs::read_to_string(beside).ok().map(|text| text.trim().chars().take(400).collect());
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        GeoSource { file, kind, built, attribution }
    }
}

/// Opens each of these files and closes it again: before a run, because after it nobody wants to hear of a typing mistake.
pub(crate) fn readable(given: &[PathBuf]) -> Result<()> {
    given.iter().try_for_each(|file| Database::open(file).map(drop))
}

/// Says where the addresses of the record are. `given` are the files of `--geo`; without any, those in the data folder. A
/// database that cannot be read is told among the sources, and costs nobody the record.
pub(crate) fn locate(record: &mut Record, given: &[PathBuf], here: Option<Coordinates>) {
    let files = if given.is_empty() { usual() } else { given.to_vec() };
    let here = here.map(|at| Here { at, said_by: "--place".to_owned() });
    if files.is_empty() && here.is_none() {
        record.geo =
            Attempt::not_tried("no geographic database: `truepath geo fetch` takes a free one, or give --geo FILE");
        return;
    }
    let addresses = addresses(record);
    let mut geo = Geo { here, places: BTreeMap::new(), sources: Vec::new() };
    for file in files.iter().take(DATABASES_LIMIT) {
        // One at a time, so that few files are open.
        match Database::open(file) {
            Ok(mut database) => {
                for address in &addresses {
                    if let Some(place) = database.lookup(*address) {
                        merge(geo.places.entry(*address).or_default(), place);
                    }
                }
                geo.sources.push(database.source(file));
            }
            Err(error) => geo.sources.push(GeoSource {
                file: file.display().to_string(),
                kind: format!("not read: {error:#}"),
                built: "an unknown day".to_owned(),
                attribution: None,
            }),
        }
    }
    record.geo = Attempt::Seen(geo);
}

/// What all databases together say of one address.
pub(crate) fn show(address: IpAddr, given: &[PathBuf]) -> Result<(Place, Vec<GeoSource>)> {
    let files = if given.is_empty() { usual() } else { given.to_vec() };
    let (mut place, mut sources) = (Place::default(), Vec::new());
    for file in files.iter().take(DATABASES_LIMIT) {
        let mut database = Database::open(file)?;
        if let Some(found) = database.lookup(address) {
            merge(&mut place, found);
            sources.push(database.source(file));
        }
    }
    Ok((place, sources))
}

/// Where `geo fetch` puts databases, and where they are looked for: the folder for data that the platform names.
pub(crate) fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = set("XDG_DATA_HOME").or_else(|| {
        if cfg!(windows) {
            set("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            std::env::home_dir().map(|home| home.join("Library").join("Application Support"))
        } else {
            std::env::home_dir().map(|home| home.join(".local").join("share"))
        }
    })?;
    Some(data.join("truepath").join("geo"))
}

fn usual() -> Vec<PathBuf> {
    let entries = folder().and_then(|folder| std::fs::read_dir(folder).ok());
    let mut files: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "mmdb" || end == "csv"))
        .collect();
    files.sort();
    files
}

/// What one database does not know, another may.
fn merge(place: &mut Place, found: Place) {
    place.at = place.at.or(found.at);
    place.city = place.city.take().or(found.city);
    place.country = place.country.take().or(found.country);
    place.asn = place.asn.or(found.asn);
    place.network = place.network.take().or(found.network);
}

/// Every address that a distance or an owner may be told of: ours as others see it, resolvers, proxies, far ends.
fn addresses(record: &Record) -> BTreeSet<IpAddr> {
    let mut all = BTreeSet::new();
    all.extend(&record.path.name_servers);
    all.extend(record.egress.seen().into_iter().flat_map(|egress| egress.seen.iter().map(|seen| seen.address)));
    if let Some(resolvers) = record.resolver.seen() {
        let ways = [&resolvers.system, &resolvers.direct].into_iter().filter_map(Attempt::seen);
        all.extend(ways.flatten().map(|resolver| resolver.address));
    }
    if let Some(proxy) = record.proxy.seen() {
        all.extend(proxy.proxies.iter().filter_map(|proxy| proxy.address));
    }
    let reflector = record.reflector.seen().map(|reflector| &reflector.host);
    for host in record.hosts.iter().chain(reflector) {
        all.extend(of_host(host));
    }
    all.into_iter().map(|address| address.to_canonical()).take(ADDRESSES_LIMIT).collect()
}

fn of_host(host: &HostRecord) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = host.connections.iter().map(|connection| connection.address.ip()).collect();
    if let Some(dns) = host.dns.seen() {
        let answers = [&dns.system, &dns.direct].into_iter().filter_map(Attempt::seen);
        all.extend(answers.flat_map(|answer| answer.addresses.iter().copied()));
    }
    if let Some(route) = host.route.seen() {
        let hops = [&route.tcp, &route.icmp].into_iter().filter_map(Attempt::seen).flatten();
        all.extend(hops.filter_map(|hop| hop.address));
    }
    all
}
