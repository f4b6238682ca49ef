//! Programs that are no browsers: what each is built on, and whether a ClientHello can be of that.
//!
//! `data/clients.toml` says which TLS libraries a program can be built on, and what every hello of a library has in common,
//! whatever its settings. That is wide on purpose: a program says little about its build, and being no browser is no sign of
//! anything. So a hello that no library of the program could send is unlikely, and impossible only where the program is
//! known to be built on nothing else.

use model::{HelloFacts, Transport};
use serde::Deserialize;

use super::Fit;
use super::browsers::{Browsers, Test, TestRow};
use super::tls::{self, Lists, broken};
use super::user_agent::{Browser, Engine, Family, Platform};

#[derive(Clone, Debug, Default)]
pub(super) struct Tools {
    libraries: Vec<Library>,
    clients: Vec<Client>,
    /// The first letter of each name, small, with the name and its row; sorted.
    names: Vec<(u8, String, usize)>,
}

#[derive(Clone, Debug)]
struct Library {
    name: String,
    made: Made,
    /// Products that decrypt are built on it.
    interceptors: bool,
}

#[derive(Clone, Debug)]
enum Made {
    Tests(Vec<Test>),
    /// A browser's engine, in any version.
    Engine(Engine),
}

#[derive(Clone, Debug)]
struct Client {
    platforms: Vec<Platform>,
    /// Places in the list of libraries.
    libraries: Vec<usize>,
    fixed: bool,
    borrowed: bool,
}

/// What came of holding a hello against a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToolFit<'t> {
    pub(super) fit: Fit,
    /// The library that the hello can be of.
    pub(super) library: Option<&'t str>,
    /// Interceptors are built on it too.
    pub(super) shared: bool,
    /// Scripts write this name into requests of other programs.
    pub(super) borrowed: bool,
}

impl Tools {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let libraries = file.library.into_iter().map(LibraryRow::read).collect::<Result<Vec<_>, _>>()?;
        let rows = file.client.into_iter().map(|row| row.read(&libraries));
        let (names, clients): (Vec<Vec<String>>, Vec<Client>) =
            rows.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let mut names: Vec<(u8, String, usize)> = names
            .into_iter()
            .enumerate()
            .flat_map(|(row, names)| names.into_iter().map(move |name| (initial(&name), name, row)))
            .collect();
        names.sort_unstable();
        Ok(Self { libraries, clients, names })
    }

    /// Holds a hello against the program of this name. `view` is the engine that the program says it shows pages with.
    pub(super) fn compare(
        &self,
        (name, platform, view): (&str, Platform, Option<Browser>),
        hello: &HelloFacts,
        told: Option<Transport>,
        browsers: &Browsers,
    ) -> ToolFit<'_> {
        let silent = |why| ToolFit { fit: Fit::Silent(why), library: None, shared: false, borrowed: true };
        let Some(client) = self.client(name, platform) else {
            return silent("a program that the table of clients does not know");
        };
        let lists = Lists::of(hello);
        let fits = |library: &&Library| match &library.made {
            Made::Tests(tests) => tests.iter().all(|test| broken(test, &lists).is_none()),
            Made::Engine(engine) => {
                let any = any_version(*engine, platform);
                let view = view.filter(|view| view.engine == *engine).unwrap_or(any);
                tls::compare(&view, hello, told, browsers) == Fit::Fits
            }
        };
        let own = || client.libraries.iter().filter_map(|place| self.libraries.get(*place));
        if let Some(library) = own().find(fits) {
            // Tests are wide, so a hello may pass those of several libraries. It is nobody else's only where it can be of no
            // library that interceptors are built on.
            // An engine's rules are narrow: what fits one is of that browser's build of its library.
            let narrow = matches!(library.made, Made::Engine(_));
            let shared = self.libraries.iter().filter(|library| library.interceptors && !narrow).find(fits);
            return ToolFit {
                fit: Fit::Fits,
                library: Some(&shared.filter(|_| !library.interceptors).unwrap_or(library).name),
                shared: shared.is_some(),
                borrowed: client.borrowed,
            };
        }
        let names: Vec<String> = own().map(|library| library.name.clone()).collect();
        let detail = format!(
            "{} is built on {}, which sends no such ClientHello",
            crate::text::quoted(name),
            crate::text::listed_up_to(&names, MOST_NAMED)
        );
        let fit = if client.fixed { Fit::Impossible(detail) } else { Fit::Unlikely(detail) };
        ToolFit { fit, library: None, shared: false, borrowed: client.borrowed }
    }

    /// The row with the longest name that this one begins with, on this platform.
    fn client(&self, name: &str, platform: Platform) -> Option<&Client> {
        let first = self.names.partition_point(|(letter, ..)| *letter < initial(name));
        let same = self.names.get(first..)?.iter().take_while(|(letter, ..)| *letter == initial(name));
        let there = same.filter(|(_, known, _)| begins(name, known)).filter_map(|(_, known, row)| {
            let client = self.clients.get(*row)?;
            let runs = client.platforms.is_empty() || client.platforms.contains(&platform);
            runs.then_some((known.len(), client))
        });
        there.max_by_key(|(length, _)| *length).map(|(_, client)| client)
    }
}

fn initial(name: &str) -> u8 {
    name.bytes().next().unwrap_or_default().to_ascii_lowercase()
}

/// Libraries that one sentence names.
const MOST_NAMED: usize = 3;

/// Whole words, so that "gitlab" is not "git".
fn begins(name: &str, known: &str) -> bool {
    let (Some(start), Some(rest)) = (name.get(..known.len()), name.get(known.len()..)) else { return false };
    start.eq_ignore_ascii_case(known) && !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn any_version(engine: Engine, platform: Platform) -> Browser {
    // What Apple's systems send is recorded for them alone.
    let platform = match (engine, platform) {
        (Engine::WebKit, Platform::Ios) => Platform::Ios,
        (Engine::WebKit, _) => Platform::MacOs,
        (_, platform) => platform,
    };
    Browser { family: Family::Other, version: 0, engine, core: None, platform, system: 0, embedded: true }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    library: Vec<LibraryRow>,
    client: Vec<ClientRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LibraryRow {
    name: String,
    engine: Option<String>,
    #[serde(default)]
    tests: Vec<TestRow>,
    interceptors: bool,
    source: String,
}

impl LibraryRow {
    fn read(self) -> Result<Library, String> {
        let wrong = |why: &str| format!("the library {}: {why}", self.name);
        if self.source.is_empty() {
            return Err(wrong("its source is not told"));
        }
        let made = match &self.engine {
            Some(name) if self.tests.is_empty() => {
                Made::Engine(Engine::named(name).ok_or_else(|| wrong("no such engine"))?)
            }
            None if !self.tests.is_empty() => {
                let tests = self.tests.iter().map(TestRow::read).collect::<Result<_, _>>();
                Made::Tests(tests.map_err(wrong)?)
            }
            _ => return Err(wrong("one of `engine` and `tests` must be there")),
        };
        Ok(Library { made, interceptors: self.interceptors, name: self.name })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientRow {
    names: Vec<String>,
    #[serde(default)]
    platforms: Vec<String>,
    libraries: Vec<String>,
    #[serde(default)]
    fixed: bool,
    #[serde(default)]
    borrowed: bool,
    source: String,
}

impl ClientRow {
    fn read(self, known: &[Library]) -> Result<(Vec<String>, Client), String> {
        let wrong = |why: &str| format!("the client {:?}: {why}", self.names);
        if self.names.is_empty() || self.names.iter().any(String::is_empty) || self.source.is_empty() {
            return Err(wrong("its name or its source is not told"));
        }
        let library = |name: &String| known.iter().position(|library| library.name == *name);
        let libraries: Option<Vec<usize>> = self.libraries.iter().map(library).collect();
        let platforms: Option<Vec<Platform>> = self.platforms.iter().map(|name| Platform::named(name)).collect();
        let client = Client {
            libraries: libraries.filter(|all| !all.is_empty()).ok_or_else(|| wrong("no such library"))?,
            platforms: platforms.ok_or_else(|| wrong("no such platform"))?,
            fixed: self.fixed,
            borrowed: self.borrowed,
        };
        Ok((self.names, client))
    }
}

#[cfg(test)]
mod tests;
