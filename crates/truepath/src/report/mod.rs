//! The answer, for a person or for a program.

pub(crate) mod list;
mod text;

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Result;
use model::{Judgement, Record};
use serde::Serialize;

use crate::cli::Output;

/// What `--json` prints; docs/record.md has every field.
#[derive(Serialize)]
struct Report<'a> {
    v: u32,
    record: &'a Record,
    judgement: &'a Judgement,
}

/// Prints the answer. A reader who has closed the pipe has read enough: the verdict stands, and so does the exit code.
pub(crate) fn print(record: &Record, judgement: &Judgement, output: &Output) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut text = Vec::new();
    if output.json {
        serde_json::to_writer(&mut text, &Report { v: Record::VERSION, record, judgement })?;
        text.push(b'\n');
    } else if !output.quiet {
        // https://no-color.org: any value but the empty one asks for none.
        let unwanted = output.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = if !unwanted && out.is_terminal() { text::Paint::Colour } else { text::Paint::Plain };
        text = text::render(record, judgement, paint).into_bytes();
    }
    match out.write_all(&text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
