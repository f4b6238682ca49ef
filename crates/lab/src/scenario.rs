//! A scenario: one file that says which intermediary stands where, how it is started, and which verdict is due.
//!
//! The files are in `scenarios/`, next to this crate's manifest; a new scenario is one new file. `docs/lab.md` explains
//! the fields.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use model::{SolutionClass, State};
use serde::Deserialize;

use crate::{compared, link, mmdb::Located, network::Where, recorded::Due};

/// One scenario as its file has it. `${name}` is replaced in all texts and commands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Scenario {
    /// The file's name without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) title: String,
    /// What this intermediary does, which version was observed, and why the verdict must be this one.
    pub(crate) page: String,
    pub(crate) place: Place,
    /// Programs that must be there; else the scenario is skipped.
    #[serde(default)]
    pub(crate) programs: Vec<String>,
    /// Whose "Inspection CA" it is.
    #[serde(default = "contoso")]
    pub(crate) company: String,
    /// Certificates that stand in the client's system store, beside the public root.
    #[serde(default)]
    pub(crate) installed: Vec<String>,
    #[serde(default)]
    pub(crate) origin: Origin,
    /// The address that `--resolve` gives for all hosts (place `relay`), or for the hosts of one workload.
    #[serde(default)]
    pub(crate) resolve: BTreeMap<String, String>,
    /// A link with a delay, losses or a rate, in the namespaces.
    pub(crate) link: Option<link::Told>,
    /// What the client's resolv.conf names instead of the lab's own name server, and its search domains.
    #[serde(default)]
    pub(crate) name_servers: Vec<String>,
    #[serde(default)]
    pub(crate) search: Vec<String>,
    /// Further names that the lab's name server knows, with their addresses; those on the server's network are its.
    #[serde(default)]
    pub(crate) names: BTreeMap<String, String>,
    /// Further promises of a workload's host: lines of the service file.
    #[serde(default)]
    pub(crate) promises: BTreeMap<String, String>,
    /// Where networks are: `${places}` is a database that says so.
    #[serde(default)]
    pub(crate) places: BTreeMap<String, Located>,
    /// The user who must be able to write where the product works, if the lab runs as root.
    pub(crate) owner: Option<String>,
    /// Files to write before anything starts.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Commands to run to their end in the middle, before anything starts there.
    #[serde(default)]
    pub(crate) prepare: Vec<Vec<String>>,
    /// Rules of nft for the middle, once everything listens.
    pub(crate) rules: Option<String>,
    /// The client has no network at all.
    #[serde(default)]
    pub(crate) unplugged: bool,
    #[serde(default)]
    pub(crate) start: Vec<Start>,
    #[serde(default)]
    pub(crate) check: Check,
    pub(crate) expect: Expect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// Loopback, without privileges: an explicit proxy that `check` reaches by `--via`. All hosts are `localhost`, each
    /// with a port of its own, because a proxy resolves names itself.
    Proxy,
    /// Loopback, without privileges: a relay on another loopback address, that `check` reaches by `--resolve`.
    Relay,
    /// Network namespaces: a transparent intermediary in the middle. Needs root or CAP_NET_ADMIN.
    Namespaces,
}

/// The far end: `truepath reflect`, unless the scenario says that there is none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Origin {
    pub(crate) start: bool,
    /// Which certificate of the lab's PKI it shows.
    pub(crate) certificate: String,
    /// Whether `check` also asks the reflector for proof.
    pub(crate) reflector: bool,
    /// What the service promises, where it differs from the lab's own service.
    pub(crate) trust: String,
    /// Further flags of `reflect`.
    pub(crate) flags: Vec<String>,
    /// Commands to run to their end where it runs, before it starts.
    pub(crate) prepare: Vec<Vec<String>>,
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            start: true,
            certificate: "origin".into(),
            reflector: false,
            trust: "public".into(),
            flags: Vec::new(),
            prepare: Vec::new(),
        }
    }
}

/// A program to start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Start {
    /// Where in the namespaces; of no meaning on loopback.
    #[serde(default = "middle", rename = "in")]
    pub(crate) place: Where,
    /// Commands to run to their end first.
    #[serde(default)]
    pub(crate) prepare: Vec<Vec<String>>,
    pub(crate) run: Vec<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// `tcp:PORT`, `udp:PORT` or `tcp:ADDRESS:PORT`: it is ready when it listens there.
    pub(crate) listens: Vec<String>,
    /// Files that it makes, without which it is not ready either: a CA of its own.
    #[serde(default)]
    pub(crate) makes: Vec<String>,
}

/// How `check` is called.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Check {
    /// Words before the program, such as `faketime`.
    pub(crate) under: Vec<String>,
    pub(crate) flags: Vec<String>,
}

/// What must come out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Expect {
    pub(crate) exit: u8,
    /// Wall time of the check at most.
    #[serde(default = "a_minute")]
    pub(crate) within_s: u64,
    /// Memory of the check at most.
    #[serde(default = "memory")]
    pub(crate) memory_mib: u64,
    /// Findings that must be there, by id.
    #[serde(default)]
    pub(crate) findings: Vec<String>,
    /// Kinds of solution that must be told for the path, and that must not. An empty list: none at all; unsaid, any may be.
    pub(crate) solutions: Option<Vec<SolutionClass>>,
    #[serde(default)]
    pub(crate) no_solutions: Vec<SolutionClass>,
    /// Evidence about the path as a whole, by id, likewise.
    pub(crate) path: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) no_path: Vec<String>,
    /// What every script that decides at all must decide for a workload's host, as the script returns it.
    #[serde(default)]
    pub(crate) decisions: BTreeMap<String, String>,
    /// What must stand in the record, by JSON pointer (RFC 6901): a value, or a number's bounds.
    #[serde(default)]
    pub(crate) record: BTreeMap<String, Due>,
    /// What must be said of the two ways, where `check` is called with `--compare`; all else here is due of the detour.
    pub(crate) comparison: Option<compared::Due>,
    /// For every host that has no line of its own below.
    pub(crate) all: Verdict,
    /// By workload.
    #[serde(default)]
    pub(crate) workload: BTreeMap<String, Verdict>,
    pub(crate) reflector: Option<Verdict>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Verdict {
    /// One of these: where a device decides by chance, either may be right.
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) state: Vec<State>,
    /// Whether some connections of the host were intercepted and others not; unsaid, either may be.
    pub(crate) partly: Option<bool>,
    /// Evidence ids that must be there, and that must not.
    #[serde(default)]
    pub(crate) has: Vec<String>,
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    /// The product that must come first; `none` where nobody may be named; unsaid, anybody may be.
    pub(crate) attribution: Option<String>,
    /// Kinds of solution that this host's evidence must speak of, and must not. An empty list: none at all.
    pub(crate) solutions: Option<Vec<SolutionClass>>,
    #[serde(default)]
    pub(crate) no_solutions: Vec<SolutionClass>,
}

impl Scenario {
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let mut scenario: Self = toml::from_str(text).with_context(|| format!("scenario {name}"))?;
        name.clone_into(&mut scenario.name);
        Ok(scenario)
    }

    /// Whether it makes a device of its own between the namespaces: a link, or a tunnel.
    pub(crate) fn needs_tun(&self) -> bool {
        self.link.is_some() || self.programs.iter().any(|program| program == "wireguard-go")
    }

    /// Every scenario, by name.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let directory = directory();
        let mut scenarios = Vec::new();
        for entry in fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
                scenarios.push(Self::parse(&name, &fs::read_to_string(&path)?)?);
            }
        }
        ensure!(!scenarios.is_empty(), "no scenarios in {}", directory.display());
        scenarios.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(scenarios)
    }

    /// These, in the order given; all of them where none is named. A name that ends in `*` stands for all that begin so.
    pub(crate) fn select(names: &[String]) -> Result<Vec<Self>> {
        let all = Self::all()?;
        let fits = |name: &str, wanted: &str| match wanted.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == wanted,
        };
        for wanted in names {
            ensure!(
                all.iter().any(|s| fits(&s.name, wanted)),
                "there is no scenario `{wanted}`; `lab list` names them"
            );
        }
        Ok(all.into_iter().filter(|s| names.is_empty() || names.iter().any(|n| fits(&s.name, n))).collect())
    }
}

/// The scenario files, and with them the crate: this program is only ever run from a checkout.
fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn contoso() -> String {
    "Contoso".into()
}

fn middle() -> Where {
    Where::Middle
}

fn a_minute() -> u64 {
    60
}

fn memory() -> u64 {
    60
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<State>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(State),
        Many(Vec<State>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(state) => vec![state],
        OneOrMany::Many(states) => states,
    })
}

#[cfg(test)]
mod tests {
    use super::Scenario;

    #[test]
    fn every_scenario_file_parses() {
        let all = Scenario::all().unwrap();
        assert!(all.iter().any(|scenario| scenario.name.starts_with("direct")));
        for scenario in &all {
            assert!(!scenario.page.trim().is_empty(), "{} has no page", scenario.name);
            assert!(!scenario.title.ends_with('.'), "{}: the title is no sentence", scenario.name);
        }
    }
}
