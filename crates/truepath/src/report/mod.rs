//! The answer, for a person or for a program.

pub(crate) mod list;
mod text;

use std::io::{IsTerminal, Write};

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

pub(crate) fn print(record: &Record, judgement: &Judgement, output: &Output) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if output.json {
        serde_json::to_writer(&mut out, &Report { v: Record::VERSION, record, judgement })?;
        writeln!(out)?;
    } else if !output.quiet {
        // https://no-color.org: any value but the empty one asks for none.
        let unwanted = output.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = if !unwanted && out.is_terminal() { text::Paint::Colour } else { text::Paint::Plain };
        out.write_all(text::render(record, judgement, paint).as_bytes())?;
    }
    out.flush()?;
    Ok(())
}
