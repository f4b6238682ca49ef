//! The table of clusters, as data. `cargo xtask clusters` writes it from labelled captures.

use std::collections::{BTreeMap, BTreeSet};

use model::{HelloFacts, HelloSource};
use serde::Deserialize;

use super::features::{Features, Keys, Scope, Sketch};
use super::made::UNNAMED;

/// Clusters of equal hellos, and an index over them.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Clusters {
    rows: Vec<Cluster>,
    index: BTreeMap<(Scope, u64), Vec<usize>>,
}

/// Programs that send one and the same hello.
#[derive(Clone, Debug)]
pub(in crate::client) struct Cluster {
    features: Features,
    sketch: Sketch,
    /// The product takes the cipher suites from its client.
    copies_suites: bool,
    /// The TLS library, as people call it.
    pub(in crate::client) library: String,
    /// What the library sends when nobody configures it: so the table says, or an honest program sends one like it.
    default: bool,
    /// What honest programs do with the same library is known, so that what is different here is the product's own doing.
    understood: bool,
    /// Rows of the table of interceptors.
    pub(in crate::client) products: Vec<Member>,
    /// Programs that intercept nothing.
    pub(in crate::client) also: Vec<Member>,
}

/// A program and the builds that were captured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::client) struct Member {
    pub(in crate::client) name: String,
    pub(in crate::client) builds: Vec<String>,
}

impl Cluster {
    /// The hello stands for one product: nobody else is known to send it, and it is known not to be the library's own.
    pub(in crate::client) fn is_specific(&self) -> bool {
        self.products.len() == 1 && self.also.is_empty() && !self.default && self.understood
    }

    /// It names a library and nobody who uses it.
    pub(in crate::client) fn is_of_everybody(&self) -> bool {
        self.default || !self.also.is_empty()
    }

    pub(super) fn sketch(&self) -> &Sketch {
        &self.sketch
    }
}

impl Clusters {
    pub(in crate::client) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let rows = file.cluster.into_iter().map(Row::read).collect::<Result<_, _>>()?;
        Ok(Self::of(rows))
    }

    fn of(mut rows: Vec<Cluster>) -> Self {
        let honest: Vec<Features> =
            rows.iter().filter(|row| !row.also.is_empty()).map(|row| row.features.clone()).collect();
        for row in rows.iter_mut().filter(|row| row.also.is_empty() && !row.copies_suites) {
            row.default |= honest.iter().any(|honest| honest.alike(&row.features));
        }
        let libraries: BTreeSet<String> =
            rows.iter().filter(|row| !row.also.is_empty()).map(|row| row.library.clone()).collect();
        for row in &mut rows {
            row.understood = row.library != UNNAMED && libraries.contains(&row.library);
        }
        let mut index: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            let scopes: &[Scope] = if row.copies_suites { &[Scope::WithoutSuites] } else { &[Scope::All, Scope::Ja3] };
            let keys = Keys::of(&row.features);
            for scope in scopes {
                index.entry((*scope, keys.key(*scope))).or_default().push(place);
            }
        }
        Self { rows, index }
    }

    pub(in crate::client) fn rows(&self) -> &[Cluster] {
        &self.rows
    }

    /// The cluster of equal hellos; where only some features are known, the one cluster that has them.
    pub(super) fn equal(&self, hello: &HelloFacts) -> Option<&Cluster> {
        let scopes: &[Scope] = match hello.source {
            HelloSource::Octets => &[Scope::All, Scope::WithoutSuites],
            HelloSource::Ja3Text => &[Scope::Ja3],
            HelloSource::SuitesAndGroups => &[],
        };
        let keys = Keys::of_hello(hello);
        scopes.iter().find_map(|scope| {
            let places = self.index.get(&(*scope, keys.key(*scope)))?;
            let features = Features::of(hello);
            let rows = places.iter().filter_map(|place| self.rows.get(*place));
            let mut same = rows.filter(|row| row.features.equals(&features, *scope));
            let first = same.next()?;
            (same.next().is_none() || features.whole).then_some(first)
        })
    }

    /// As if nobody had ever captured this product.
    pub(in crate::client) fn forget_product(&mut self, product: &str) {
        self.forget(|cluster| cluster.products.retain(|known| known.name != product));
    }

    /// As if nobody had ever captured this build of a program that intercepts nothing.
    pub(in crate::client) fn forget_build(&mut self, build: &str) {
        self.forget(|cluster| {
            cluster.also.iter_mut().for_each(|known| known.builds.retain(|captured| captured != build));
            cluster.also.retain(|known| !known.builds.is_empty());
        });
    }

    fn forget(&mut self, mut from: impl FnMut(&mut Cluster)) {
        self.rows.iter_mut().for_each(&mut from);
        let rows = std::mem::take(&mut self.rows);
        *self = Self::of(rows.into_iter().filter(|row| !row.products.is_empty() || !row.also.is_empty()).collect());
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cluster: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    library: String,
    #[serde(default)]
    default: bool,
    cipher_suites: String,
    extensions: String,
    supported_groups: String,
    point_formats: String,
    signature_algorithms: String,
    supported_versions: String,
    #[serde(default)]
    products: Vec<Member>,
    #[serde(default)]
    also: Vec<Member>,
    source: String,
}

impl Row {
    fn read(self) -> Result<Cluster, String> {
        let wrong = |what: &str| format!("a cluster of {}: {what}", self.library);
        let codes = |text: &str| -> Result<Vec<u16>, String> {
            text.split_ascii_whitespace()
                .map(|code| u16::from_str_radix(code, 16).map_err(|_| wrong(&format!("`{code}` is no code point"))))
                .collect()
        };
        if self.products.is_empty() && self.also.is_empty() || self.source.is_empty() {
            return Err(wrong("it has no member or no source"));
        }
        let copies_suites = self.cipher_suites == "copied";
        let mut extensions = codes(&self.extensions)?;
        extensions.sort_unstable();
        let features = Features {
            cipher_suites: if copies_suites { Vec::new() } else { codes(&self.cipher_suites)? },
            extensions,
            supported_groups: codes(&self.supported_groups)?,
            point_formats: codes(&self.point_formats)?,
            signature_algorithms: codes(&self.signature_algorithms)?,
            supported_versions: codes(&self.supported_versions)?,
            whole: true,
        };
        Ok(Cluster {
            sketch: Sketch::of(&features, copies_suites),
            features,
            copies_suites,
            library: self.library,
            default: self.default,
            understood: false,
            products: self.products,
            also: self.also,
        })
    }
}
