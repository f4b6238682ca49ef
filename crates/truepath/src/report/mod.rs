//! The answer, for a person or for a program.

mod comparison;
mod html;
pub(crate) mod list;
mod text;

pub(crate) use self::text::clean;

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Result;
use detect::Knowledge;
use model::{Comparison, ComparisonJudgement, Judgement, Record};
use serde::Serialize;

use crate::cli::Output;
use crate::exit::misuse;

/// What `--json` prints; docs/record.md has every field.
#[derive(Serialize)]
struct Report<'a> {
    v: u32,
    record: &'a Record,
    judgement: &'a Judgement,
}

/// What `--json` prints of a comparison.
#[derive(Serialize)]
struct ComparisonReport<'a> {
    v: u32,
    comparison: &'a Comparison,
    judgement: &'a ComparisonJudgement,
}

/// Prints the answer, and writes the page where one was asked for.
pub(crate) fn print(record: &Record, judgement: &Judgement, knowledge: &Knowledge, output: &Output) -> Result<()> {
    save(output, || html::render(record, knowledge, output.include_personal))?;
    let report = Report { v: Record::VERSION, record, judgement };
    write(output, &report, |paint| text::render(record, judgement, paint))
}

pub(crate) fn print_comparison(
    comparison: &Comparison,
    judgement: &ComparisonJudgement,
    knowledge: &Knowledge,
    output: &Output,
) -> Result<()> {
    save(output, || html::render_comparison(comparison, knowledge, output.include_personal))?;
    let report = ComparisonReport { v: Comparison::VERSION, comparison, judgement };
    write(output, &report, |paint| comparison::render(comparison, judgement, paint))
}

/// The page, whole or not at all: a reader must not find half of one.
fn save(output: &Output, page: impl Fn() -> String) -> Result<()> {
    let Some(path) = &output.html else { return Ok(()) };
    let mut beside = path.clone().into_os_string();
    beside.push(format!(".{}.part", std::process::id()));
    let written = if path.exists() && !path.is_file() {
        // A pipe or a terminal, which can be written to and not replaced.
        std::fs::write(path, page())
    } else {
        let whole = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside);
        whole.and_then(|mut file| file.write_all(page().as_bytes())).and_then(|()| std::fs::rename(&beside, path))
    };
    written.map_err(|error| misuse(format!("--html {}: {error}", path.display())))
}

/// Prints the answer. A reader who has closed the pipe has read enough: the verdict stands, and so does the exit code.
fn write(output: &Output, report: &impl Serialize, render: impl Fn(text::Paint) -> String) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut text = Vec::new();
    if output.json {
        serde_json::to_writer(&mut text, report)?;
        text.push(b'\n');
    } else if !output.quiet {
        // https://no-color.org: any value but the empty one asks for none.
        let unwanted = output.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = if !unwanted && out.is_terminal() { text::Paint::Colour } else { text::Paint::Plain };
        text = render(paint).into_bytes();
    }
    match out.write_all(&text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
