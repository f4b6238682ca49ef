//! How the program ends: the documented exit codes, and one line for whoever called it wrongly.

use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;

/// Wrong usage, or input that cannot be read.
pub(crate) const USAGE: u8 = 2;
/// Our own failure.
const OURS: u8 = 1;

/// An error that is the caller's to mend: a flag, a file, a value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);

/// Shorthand for the common case.
pub(crate) fn misuse(what: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Misuse(what.into()))
}

/// Help and version go to standard output; every mistake is one line.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(USAGE);
    }
    let text = error.render().to_string();
    let mut said = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with("Usage:") || line.starts_with("For more information") {
            break;
        }
        if !said.is_empty() {
            said.push_str(if said.ends_with(':') { " " } else { "; " });
        }
        said.push_str(line);
    }
    let _ = writeln!(std::io::stderr(), "{said}; see `truepath --help`");
    ExitCode::from(USAGE)
}

/// One line with the whole chain of causes.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    if broken_pipe.into_iter().any(|io| io.kind() == std::io::ErrorKind::BrokenPipe) {
        // Whoever read our output has enough of it.
        return ExitCode::SUCCESS;
    }
    let text = format!("{error:#}");
    let line: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let _ = writeln!(std::io::stderr(), "error: {}", line.join("; "));
    let ours = error.downcast_ref::<Misuse>().is_none();
    ExitCode::from(if ours { OURS } else { USAGE })
}
