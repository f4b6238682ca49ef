//! Shared memory objects that a product leaves when it ends: Squid in the foreground never removes its own, and what one
//! user's Squid left keeps another user's from starting. So each gets a name of ours (`squid -n`), by which it is removed.

use std::fs;

const DIRECTORY: &str = "/dev/shm";
const PREFIX: &str = "tplab";

/// A name for one scenario of one run. Dropping it removes the objects that begin with it.
#[derive(Debug)]
pub(crate) struct ServiceName(String);

impl ServiceName {
    pub(crate) fn new(slot: usize) -> Self {
        // Letters and digits are all that Squid takes.
        Self(format!("{PREFIX}{}x{slot}", std::process::id()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ServiceName {
    fn drop(&mut self) {
        let own = format!("{}-", self.0);
        remove(|name| name.starts_with(&own));
    }
}

/// Removes the objects of runs that are no more.
pub(crate) fn remove_leftovers(alive: impl Fn(u32) -> bool) {
    remove(|name| {
        let run = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('x'));
        run.and_then(|(id, _)| id.parse().ok()).is_some_and(|id| !alive(id))
    });
}

fn remove(which: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(DIRECTORY).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(&which) {
            let _not_ours = fs::remove_file(entry.path());
        }
    }
}
