//! The targets of the fuzz crate, as its manifest names them.

use std::path::PathBuf;

use anyhow::bail;
use serde::Deserialize;

use crate::shell::{cargo, output, root};

pub(super) fn manifest() -> PathBuf {
    root().join("fuzz").join("Cargo.toml")
}

/// What is read of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// All targets.
pub(super) fn all() -> anyhow::Result<Vec<String>> {
    let mut metadata = cargo(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]);
    let metadata: Metadata = serde_json::from_str(&output(metadata.arg(manifest()))?)?;
    let targets = metadata.packages.into_iter().flat_map(|package| package.targets);
    Ok(targets.filter(|target| target.kind.iter().any(|kind| kind == "bin")).map(|target| target.name).collect())
}

/// Those that were asked for, all without any.
pub(super) fn chosen(asked: &[String]) -> anyhow::Result<Vec<String>> {
    let all = all()?;
    if let Some(unknown) = asked.iter().find(|name| !all.contains(name)) {
        bail!("no fuzz target `{unknown}`; there are: {}", all.join(", "));
    }
    Ok(if asked.is_empty() { all } else { asked.to_vec() })
}
