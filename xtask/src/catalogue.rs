//! `cargo xtask catalogue import FILE.json INSTANCE VERSION SOURCE`: makes the compact endpoint list that is compiled
//! in from the JSON of the web service.
//!
//! The vendor's notes are left out: they are prose, and the lists hold facts alone. SOURCE is one line of text that says
//! where the list comes from and when it was made. A new file is compiled in once `crates/catalog/src/builtin.rs` names it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use catalog::{Catalogue, Instance, Version};

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    match args {
        [verb, file, instance, version, source] if verb == "import" => {
            let path = import(Path::new(file), instance, version, source)?;
            let path = path.display();
            say(&format!("wrote {path}"))
        }
        _ => bail!("usage: cargo xtask catalogue import FILE.json INSTANCE VERSION SOURCE"),
    }
}

fn import(file: &Path, instance: &str, version: &str, source: &str) -> anyhow::Result<PathBuf> {
    let name = file.display();
    let text = fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let list = Catalogue::from_json(&text, Instance::parse(instance)?, Version::parse(version)?, source)
        .with_context(|| format!("{name} is not an endpoint list"))?
        .without_notes();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/catalog/data/endpoints").join(format!(
        "{}-{}.txt",
        list.instance(),
        list.version()
    ));
    fs::write(&path, list.to_compact()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn say(line: &str) -> anyhow::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}").context("cannot write to the standard output")
}
