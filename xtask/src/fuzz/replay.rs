//! The seeds of the fuzz targets, each run once: what was found once stays found.
//!
//! A fuzz target that is built without the sanitizers, by the stable compiler, still runs the files that it is given. So
//! this needs no nightly toolchain and belongs to the ordinary tests. A target without seeds gets one empty input, which
//! proves that it starts.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::targets;
use crate::shell::{cargo, program, root, run as execute, target_folder};
use crate::steps::Done;

/// Files given to one process: far below what a command line may hold.
const BATCH: usize = 200;

pub(crate) fn replay() -> anyhow::Result<Done> {
    if !targets::manifest().is_file() {
        return Ok(Done::Skipped("there is no fuzz/Cargo.toml".to_owned()));
    }
    let built = target_folder().join("fuzz-replay");
    let mut build = cargo(["build", "--locked", "--bins", "--manifest-path"]);
    execute(build.arg(targets::manifest()).arg("--target-dir").arg(&built))?;
    let empty = built.join("empty");
    std::fs::write(&empty, []).with_context(|| format!("cannot write {}", empty.display()))?;
    let mut total = 0;
    for target in targets::all()? {
        let mut inputs = inputs(&root().join("fuzz"), &target)?;
        total += inputs.len();
        eprintln!("{target}: {} inputs", inputs.len());
        inputs.push(empty.clone());
        for batch in inputs.chunks(BATCH) {
            run_quietly(&built.join("debug").join(&target), batch)?;
        }
    }
    eprintln!("{total} inputs replayed");
    Ok(Done::Passed)
}

/// The files of a target: seeds that are kept with the sources, and what fuzzing on this machine added.
fn inputs(fuzz: &Path, target: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut inputs = Vec::new();
    for folder in ["seeds", "corpus"].map(|kind| fuzz.join(kind).join(target)).iter().filter(|folder| folder.is_dir()) {
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            inputs.extend(Some(entry?.path()).filter(|path| path.is_file()));
        }
    }
    inputs.sort();
    Ok(inputs)
}

/// libFuzzer prints three lines for each file; they are shown only where one of the files breaks something.
fn run_quietly(target: &Path, batch: &[PathBuf]) -> anyhow::Result<()> {
    let output = program(target).args(batch).output().with_context(|| format!("cannot run {}", target.display()))?;
    if !output.status.success() {
        let log = String::from_utf8_lossy(&output.stderr);
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        bail!("{} ended with {}", target.display(), output.status);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::inputs;

    #[test]
    fn seeds_and_corpus_are_both_replayed() {
        let folder = std::env::temp_dir().join(format!("xtask-replay-{}", std::process::id()));
        for (kind, file) in [("seeds", "b"), ("corpus", "a")] {
            std::fs::create_dir_all(folder.join(kind).join("t")).expect("a folder");
            std::fs::write(folder.join(kind).join("t").join(file), "x").expect("a file");
        }
        let found = inputs(&folder, "t").expect("readable");
        assert_eq!(found, [folder.join("corpus/t/a"), folder.join("seeds/t/b")]);
        assert!(inputs(&folder, "other").expect("readable").is_empty());
        std::fs::remove_dir_all(&folder).expect("removable");
    }
}
