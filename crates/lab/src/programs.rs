//! Where the products are.

use std::{env, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use crate::install;

/// A program or a module by its path, or a program by its name: in the lab's own Python environment, in `PATH`, or where Debian keeps daemons,
/// which is not in every user's `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = [install::python_programs()]
        .into_iter()
        .chain(env::split_paths(&path))
        .chain(["/usr/sbin", "/sbin", "/usr/lib/squid"].map(PathBuf::from));
    directories.map(|directory| directory.join(program)).find(is_executable)
}

fn is_executable(path: &PathBuf) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
