//! Printing: the one place where this program writes to its standard output.

use std::io::Write;

/// A line of output. A reader that has gone away is no reason to stop, for there is a network to clean up.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let _gone = writeln!(out, "{}", text.as_ref());
    let _gone = out.flush();
}
