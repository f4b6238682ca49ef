//! Makes the table of clusters from captured hellos whose senders are known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use model::HelloFacts;

use super::features::Features;

/// A hello, and who sent it.
#[derive(Clone, Debug)]
pub struct CapturedHello {
    pub hello: HelloFacts,
    /// A row of the table of interceptors, or the name of a program that intercepts nothing.
    pub program: String,
    pub build: String,
    pub intercepts: bool,
    /// The TLS library, as people call it; empty where nobody knows.
    pub library: String,
    /// What the library sends when nobody configures it.
    pub default: bool,
}

/// So many lists of cipher suites in hellos that are otherwise equal are those of a product's clients.
const COPIED: usize = 4;

/// The text of a table of clusters; `source` says where the captures come from and when they were made.
pub fn clusters_of(captured: &[CapturedHello], source: &str) -> String {
    let mut suites: BTreeMap<(&str, Features), BTreeSet<Vec<u16>>> = BTreeMap::new();
    for seen in captured.iter().filter(|seen| seen.intercepts) {
        let (rest, own) = without_suites(&seen.hello);
        suites.entry((&seen.program, rest)).or_default().insert(own);
    }
    let copies = |program: &str, rest: &Features| {
        // Cheap to ask: both are in the map, or the program intercepts nothing.
        suites.get(&(program, rest.clone())).is_some_and(|lists| lists.len() >= COPIED)
    };
    let mut clusters: BTreeMap<(Option<Vec<u16>>, Features), Members> = BTreeMap::new();
    for seen in captured {
        let (rest, own) = without_suites(&seen.hello);
        let own = (!(seen.intercepts && copies(&seen.program, &rest))).then_some(own);
        clusters.entry((own, rest)).or_default().add(seen);
    }
    let mut rows: Vec<String> =
        clusters.iter().map(|((own, rest), members)| row(own.as_deref(), rest, members, source)).collect();
    rows.sort();
    rows.join("\n")
}

/// The features of a hello but for its cipher suites, and these.
fn without_suites(hello: &HelloFacts) -> (Features, Vec<u16>) {
    let mut features = Features::of(hello);
    let suites = std::mem::take(&mut features.cipher_suites);
    (features, suites)
}

/// Who sends a hello: builds by program.
#[derive(Default)]
struct Members<'c> {
    library: &'c str,
    default: bool,
    products: BTreeMap<&'c str, BTreeSet<&'c str>>,
    also: BTreeMap<&'c str, BTreeSet<&'c str>>,
}

impl<'c> Members<'c> {
    fn add(&mut self, seen: &'c CapturedHello) {
        if self.library.is_empty() {
            self.library = &seen.library;
        }
        self.default |= seen.default;
        let members = if seen.intercepts { &mut self.products } else { &mut self.also };
        members.entry(&seen.program).or_default().insert(&seen.build);
    }
}

fn row(own: Option<&[u16]>, rest: &Features, members: &Members<'_>, source: &str) -> String {
    let codes = |list: &[u16]| list.iter().map(|code| format!("{code:04x}")).collect::<Vec<_>>().join(" ");
    let library = if members.library.is_empty() { UNNAMED } else { members.library };
    let mut text = format!("[[cluster]]\nlibrary = {}\n", quoted(library));
    if members.default {
        text.push_str("default = true\n");
    }
    let lists = [
        ("cipher_suites", own.map_or_else(|| "copied".to_owned(), codes)),
        ("extensions", codes(&rest.extensions)),
        ("supported_groups", codes(&rest.supported_groups)),
        ("point_formats", codes(&rest.point_formats)),
        ("signature_algorithms", codes(&rest.signature_algorithms)),
        ("supported_versions", codes(&rest.supported_versions)),
    ];
    for (name, list) in lists {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} = \"{list}\"");
    }
    for (name, members) in [("products", &members.products), ("also", &members.also)] {
        if members.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{name} = [");
        for (program, builds) in members {
            let builds: Vec<String> =
                builds.iter().filter(|build| !build.is_empty()).map(|build| quoted(build)).collect();
            let _ = writeln!(text, "    {{ name = {}, builds = [{}] }},", quoted(program), builds.join(", "));
        }
        text.push_str("]\n");
    }
    let _ = writeln!(text, "source = {}", quoted(source));
    text
}

/// In place of a library's name.
pub(super) const UNNAMED: &str = "a TLS library without a name";

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
