//! What a run leaves when it is killed: processes, namespaces, directories. The next run finds them by the lab's own names
//! and removes those whose run is no more.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{network, process::Ledger, shared_memory};

const PREFIX: &str = "truepath-lab-";

/// The directory of a run: its keys, and a directory for each scenario.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    pub(crate) path: PathBuf,
    /// Something in it is worth reading.
    pub(crate) keep: bool,
    /// Locked while the run lives: the kernel gives it back however the run ends.
    _lock: File,
}

impl RunDirectory {
    /// In the temporary directory, where products that give up root's rights can still read.
    pub(crate) fn create() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
        // One of the same name is of an earlier process that had our id.
        let _absent = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        let lock = File::create(lock(&path))?;
        lock.lock().context("no lock on the run's directory")?;
        Ok(Self { path, keep: false, _lock: lock })
    }

    pub(crate) fn ledger(&self) -> Ledger {
        ledger(&self.path)
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        let _absent = fs::remove_file(ledger(&self.path).0);
        if !self.keep {
            let _absent = fs::remove_dir_all(&self.path);
        }
    }
}

/// Ends and removes what runs left that are no more. Logs stay: somebody may want to know why.
pub(crate) fn remove() -> Result<()> {
    let temporary = std::env::temp_dir();
    for entry in fs::read_dir(&temporary).with_context(|| temporary.display().to_string())?.flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|id| id.parse().ok());
        if id.is_some_and(|id| !is_alive(id)) {
            ledger(&entry.path()).end_all();
        }
    }
    network::remove_leftovers(is_alive);
    shared_memory::remove_leftovers(is_alive);
    Ok(())
}

fn ledger(directory: &Path) -> Ledger {
    Ledger(directory.join("processes"))
}

fn lock(directory: &Path) -> PathBuf {
    directory.join("lock")
}

/// Whether this run still goes on: its lock is held, or a process of its id has our name (its directory may lie elsewhere).
/// A killed process may still wait for its parent to take notice: proc_pid_stat(5) has the name in brackets, then the state.
fn is_alive(id: u32) -> bool {
    let directory = std::env::temp_dir().join(format!("{PREFIX}{id}"));
    let held = File::open(lock(&directory)).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    held || stat.split_once("(lab) ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}
