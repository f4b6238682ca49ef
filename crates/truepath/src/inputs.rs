//! Files and built-in data, read into the values that checks and judgement work with. Every error names the file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Result;
use catalog::{Catalogue, Instance, Profile, Version};
use model::{Failure, FailureKind, Milliseconds, Operation, Target};
use probe::Trust;
use wire::x509::{CtLogs, Roots};

use crate::cli;
use crate::config::Config;
use crate::exit::misuse;

/// No input of ours is larger: the largest endpoint list is 100 KB, a record of 256 hosts a few MB.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// Reads a whole file, `-` being standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut octets = Vec::new();
    let reading = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(FILE_LIMIT + 1).read_to_end(&mut octets)
    } else {
        File::open(path).and_then(|file| file.take(FILE_LIMIT + 1).read_to_end(&mut octets))
    };
    reading.map_err(|error| misuse(format!("{}: {error}", path.display())))?;
    if octets.len() as u64 > FILE_LIMIT {
        return Err(misuse(format!("{}: larger than {} MiB", path.display(), FILE_LIMIT >> 20)));
    }
    Ok(octets)
}

pub(crate) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        misuse(format!("{}: not text: octet {place} is not UTF-8", path.display()))
    })
}

/// The service to test: one that is built in, or a file; and its endpoint list, where it has one.
pub(crate) fn profile(service: &cli::Service) -> Result<(Profile, Option<Catalogue>)> {
    let name = service.service.as_str();
    let tenant = service.tenant.as_deref();
    let is_file = name.contains(['/', '\\', '.']) || Path::new(name).is_file();
    let mut profile = if is_file {
        let text = read_text(Path::new(name))?;
        Profile::parse(&text, tenant).map_err(|error| misuse(format!("{name}: {error}")))?
    } else {
        Profile::builtin(name, tenant).map_err(|error| misuse(error.to_string()))?
    };
    let catalogue = catalogue(service.catalogue.as_deref(), &profile)?;
    if let Some(catalogue) = &catalogue {
        profile.bind(catalogue);
    }
    Ok((profile, catalogue))
}

fn catalogue(asked: Option<&str>, profile: &Profile) -> Result<Option<Catalogue>> {
    let builtin = |instance: &str, version: Option<&str>| {
        catalog::builtin::catalogue(instance, version).map(Some).map_err(|error| misuse(error.to_string()))
    };
    match (asked, &profile.instance) {
        (None, None) => Ok(None),
        (None, Some(instance)) => builtin(instance, profile.catalogue.as_deref()),
        (Some(asked), _) if !asked.contains(['/', '\\', '.']) && !Path::new(asked).is_file() => builtin(asked, None),
        (Some(file), instance) => {
            let path = Path::new(file);
            let octets = read(path)?;
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let invalid = |error: &dyn std::fmt::Display| misuse(format!("{file}: {error}"));
            let instance =
                Instance::parse(instance.as_deref().unwrap_or("worldwide")).map_err(|error| invalid(&error))?;
            // The web service's answer does not hold its version; the file's name is the best that there is.
            let version = Version::parse(&stem).or_else(|_| Version::parse("file")).map_err(|error| invalid(&error))?;
            Catalogue::read(&octets, instance, version, file).map(Some).map_err(|error| invalid(&error))
        }
    }
}

/// Roots and logs.
pub(crate) fn trust(knowledge: &cli::Knowledge, profile: &Profile) -> Result<Trust> {
    let (public, public_source) = public_roots(knowledge)?;
    let (logs, logs_source) = ct_logs(knowledge)?;
    let given = given_roots(knowledge)?;
    Ok(Trust {
        public,
        public_source,
        system: system_roots(),
        given,
        logs,
        logs_source,
        public_issuers: public_issuers(&profile.targets),
    })
}

/// Names of public intermediates: those that the profile expects.
pub(crate) fn public_issuers<'a>(targets: impl IntoIterator<Item = &'a Target>) -> Vec<String> {
    let mut names: Vec<String> =
        targets.into_iter().flat_map(|target| target.promises.issuers.iter().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The roots of a private service of the user's own, and the file that they come from.
pub(crate) fn given_roots(knowledge: &cli::Knowledge) -> Result<Option<(Roots, String)>> {
    let Some(path) = &knowledge.trust_roots else { return Ok(None) };
    Ok(Some((pem_roots(path)?, path.display().to_string())))
}

pub(crate) fn public_roots(knowledge: &cli::Knowledge) -> Result<(Roots, String)> {
    match &knowledge.public_roots {
        Some(path) => Ok((pem_roots(path)?, path.display().to_string())),
        None => Ok((Roots::from_anchors(webpki_roots::TLS_SERVER_ROOTS), "Mozilla, compiled in".to_owned())),
    }
}

pub(crate) fn ct_logs(knowledge: &cli::Knowledge) -> Result<(CtLogs, String)> {
    match &knowledge.ct_logs {
        Some(path) => {
            let logs = CtLogs::from_json(&read(path)?);
            Ok((logs.map_err(|error| misuse(format!("{}: {error}", path.display())))?, path.display().to_string()))
        }
        None => Ok((CtLogs::builtin(), "compiled in".to_owned())),
    }
}

fn pem_roots(path: &Path) -> Result<Roots> {
    let roots = Roots::from_pem(&read(path)?).map_err(|error| misuse(format!("{}: {error}", path.display())))?;
    if roots.is_empty() {
        return Err(misuse(format!("{}: no certificate in PEM form", path.display())));
    }
    Ok(roots)
}

/// The machine's own store. That it cannot be read is a fact for the record, not an error.
fn system_roots() -> Result<Roots, Failure> {
    let loaded = rustls_native_certs::load_native_certs();
    if loaded.certs.is_empty() {
        let why = loaded.errors.first().map_or_else(|| "the store is empty".to_owned(), ToString::to_string);
        return Err(Failure {
            operation: Operation::Handshake,
            kind: FailureKind::Local,
            detail: format!("the system's trust store: {why}"),
            after_ms: Milliseconds::default(),
        });
    }
    Ok(Roots::from_der(loaded.certs.iter().map(|certificate| certificate.as_ref())))
}

/// What the judgement works with.
pub(crate) fn knowledge(knowledge: &cli::Knowledge) -> Result<detect::Knowledge> {
    let config = Config::load(knowledge.config.as_deref())?;
    let mut known = detect::Knowledge::builtin();
    if let Some(path) = &knowledge.interceptors {
        let text = read_text(path)?;
        known = known.with_interceptors(&text).map_err(|error| misuse(format!("{}: {error}", path.display())))?;
    }
    config.name_devices(known)
}
