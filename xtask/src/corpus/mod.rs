//! `cargo xtask corpus`: what others contributed (`truepath inspect --contribute`, docs/contribute.md), as files of
//! `corpus/clients`.
//!
//! | | |
//! |---|---|
//! | `add FILE` | checks every line, and makes an entry and its golden file of each |
//! | `golden` | writes all golden files anew, for the difference to be read |
//!
//! An entry is refused whole where one line of it breaks a rule: what is in the repository cannot be taken back. Its name
//! follows from its content, so the same kind of handshake is never there twice. The golden file beside it says what is read
//! in the hello today; a test holds the two against each other.

mod entry;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use model::Contribution;

use crate::shell::root;

use entry::{Golden, check, name};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add contributed lines: an entry and a golden file for each.
    Add { file: PathBuf },
    /// Write the golden files of all entries anew.
    Golden,
}

/// Octets of a file that somebody sends. A line has about 5 kB.
const MAX_FILE: u64 = 1 << 20;

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Add { file } => add(file, &folder()),
        Command::Golden => golden(&folder()),
    }
}

fn folder() -> PathBuf {
    root().join("corpus").join("clients")
}

fn add(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let shown = file.display();
    let size = fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
    ensure!(size <= MAX_FILE, "{shown} is larger than {MAX_FILE} octets");
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let read = || -> anyhow::Result<(Contribution, Golden)> {
            let entry: Contribution = serde_json::from_str(line)?;
            let golden = check(&entry)?;
            Ok((entry, golden))
        };
        entries.push(read().with_context(|| format!("{shown}, line {number}"))?);
    }
    ensure!(!entries.is_empty(), "{shown} has no lines");
    for (entry, golden) in entries {
        let name = name(&entry, &golden)?;
        let path = folder.join(format!("{name}.json"));
        if path.exists() {
            let known: Contribution = serde_json::from_slice(&fs::read(&path)?)?;
            let same = Contribution { day: known.day.clone(), ..entry } == known;
            ensure!(same, "{} is there with another content", path.display());
            println!("{name} is there since {}", known.day);
            continue;
        }
        write(&path, &entry)?;
        write(&folder.join(format!("{name}.golden.json")), &golden)?;
        println!("{name}");
    }
    Ok(())
}

fn golden(folder: &Path) -> anyhow::Result<()> {
    for (path, entry) in entries(folder)? {
        let golden = check(&entry).with_context(|| path.display().to_string())?;
        write(&golden_path(&path)?, &golden)?;
    }
    Ok(())
}

/// All entries, by name.
fn entries(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Contribution)>> {
    let mut entries = Vec::new();
    for file in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = file?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            bail!("{} has no name", path.display())
        };
        if name.ends_with(".json") && !name.ends_with(".golden.json") {
            let entry = serde_json::from_slice(&fs::read(&path)?).with_context(|| path.display().to_string())?;
            entries.push((path, entry));
        }
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(entries)
}

fn golden_path(entry: &Path) -> anyhow::Result<PathBuf> {
    let stem = entry.file_stem().and_then(|stem| stem.to_str()).context("a file without a name")?;
    Ok(entry.with_file_name(format!("{stem}.golden.json")))
}

fn write(path: &Path, value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_says_what_its_golden_file_says() {
        let entries = entries(&folder()).unwrap();
        assert!(entries.len() >= 10, "{} entries", entries.len());
        for (path, entry) in entries {
            let shown = path.display();
            let golden = check(&entry).unwrap_or_else(|error| panic!("{shown}: {error:#}"));
            let kept: Golden = serde_json::from_slice(&fs::read(golden_path(&path).unwrap()).unwrap()).unwrap();
            assert_eq!(golden, kept, "{shown}");
            let name = name(&entry, &golden).unwrap();
            assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(name.as_str()));
        }
    }

    #[test]
    fn an_entry_is_added_once_and_a_bad_line_refuses_all() {
        let scratch = std::env::temp_dir().join(format!("truepath-corpus-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        let (path, entry) = entries(&folder()).unwrap().swap_remove(0);
        let later = Contribution { day: "2027-01-01".to_owned(), ..entry.clone() };
        let line = |entry: &Contribution| serde_json::to_string(entry).unwrap();
        let file = scratch.join("contributed.ndjson");

        let mut bad = entry.clone();
        bad.user_agent = Some("tool 192.0.2.1".to_owned());
        fs::write(&file, format!("{}\n{}\n", line(&entry), line(&bad))).unwrap();
        let error = format!("{:#}", add(&file, &scratch).unwrap_err());
        assert!(error.ends_with("line 2: `user_agent` holds an address"), "{error}");
        assert_eq!(entries(&scratch).unwrap().len(), 0);

        fs::write(&file, format!("{}\n\n{}\n", line(&entry), line(&later))).unwrap();
        add(&file, &scratch).unwrap();
        let added = entries(&scratch).unwrap();
        assert_eq!(added.len(), 1);
        assert_eq!((added[0].0.file_name(), &added[0].1), (path.file_name(), &entry));
        assert!(golden_path(&added[0].0).unwrap().exists());
        fs::remove_dir_all(&scratch).unwrap();
    }
}
