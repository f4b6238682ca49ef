//! `truepath inspect`: the TLS handshakes in a capture, one line of JSON for each.
//!
//! Handshakes go to standard output as they are completed. Standard error tells at the end what was looked at, what was not
//! and why, and where a file was damaged: what could be read is written nevertheless, and the exit code is 2.

mod contribute;
mod summary;
mod told;

use std::io::{self, BufWriter, Read, StdoutLock, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use aws_lc_rs::rand;
use wire::capture::{FileDamage, Inspector, Limits};

use crate::classify::open;
use crate::cli;
use crate::exit::{self, misuse};
use crate::live;

use self::contribute::Contributions;
use self::summary::Summary;

/// Octets of the file that are read at a time: few calls of the system, and they still lie in the processor's cache when they
/// are looked at. As many as `open` reads ahead, so that they are not copied twice.
const CHUNK: usize = 256 << 10;

pub(crate) fn run(arguments: &cli::Inspect) -> Result<ExitCode> {
    let mut inspector = inspector()?;
    let mut output = Output::new(arguments);
    match (&arguments.file, &arguments.live) {
        (Some(file), _) => inspect_file(file, arguments.quiet, &mut inspector, &mut output),
        (None, Some(interface)) => {
            let options = live::Options { interface, seconds: arguments.seconds };
            live::run(&options, &mut inspector, |event, inspector| {
                on_event(event, interface, arguments.quiet, inspector, &mut output)
            })?;
            output.end()?;
            Ok(ExitCode::SUCCESS)
        }
        (None, None) => Err(misuse("a FILE is needed, or --live")),
    }
}

fn inspect_file(path: &Path, quiet: bool, inspector: &mut Inspector, output: &mut Output<'_>) -> Result<ExitCode> {
    let broken = read(open(path)?, inspector, output)?;
    output.end()?;
    if let Some(error) = broken {
        return Err(misuse(format!("{}: {error}", path.display())));
    }
    let damage = inspector.damage();
    if let Some(damage) = damage.filter(|_| quiet || inspector.counts().packets == 0) {
        return Err(misuse(format!("{}: {damage}", path.display())));
    }
    if !quiet {
        tell(inspector, damage, output)?;
    }
    Ok(if damage.is_some() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS })
}

/// Handshakes go out at once: somebody may be watching. Whoever asked with a signal is answered in any case.
fn on_event(
    event: live::Event,
    interface: &str,
    quiet: bool,
    inspector: &mut Inspector,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut text = match event {
        live::Event::Packets => {
            output.take(inspector)?;
            return output.flush();
        }
        live::Event::Started if quiet => return Ok(()),
        live::Event::Started => format!("listening on {interface}\n"),
        live::Event::Ended { .. } if quiet => return Ok(()),
        live::Event::Tell { .. } | live::Event::Ended { .. } => told::counts(inspector.counts()),
    };
    if let live::Event::Tell { dropped } | live::Event::Ended { dropped } = event {
        text.push_str(&told::dropped(dropped));
    }
    io::stderr().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// An inspector with a key of its own, so that nobody who sends packets can know where they fall in its tables.
fn inspector() -> Result<Inspector> {
    let mut key = [[0; 8]; 2];
    rand::fill(key.as_flattened_mut()).map_err(|_| anyhow!("no random numbers"))?;
    Ok(Inspector::new(key.map(u64::from_ne_bytes), Limits::default()))
}

/// Reads to the end, or to where the input breaks: that is told, and what came before it is written nevertheless.
fn read(mut input: impl Read, inspector: &mut Inspector, output: &mut Output<'_>) -> Result<Option<io::Error>> {
    let mut chunk = vec![0; CHUNK];
    let mut broken = None;
    while inspector.damage().is_none() {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => inspector.push(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
        output.take(inspector)?;
    }
    inspector.finish();
    output.take(inspector)?;
    Ok(broken)
}

/// Where handshakes go.
struct Output<'a> {
    out: BufWriter<StdoutLock<'static>>,
    form: Form<'a>,
}

enum Form<'a> {
    Lines,
    /// What is written when all is read.
    Summary(Summary),
    Contributions(Contributions<'a>),
}

impl<'a> Output<'a> {
    fn new(arguments: &'a cli::Inspect) -> Self {
        let form = if arguments.contribute {
            Form::Contributions(Contributions::new(&arguments.about))
        } else if arguments.summary {
            Form::Summary(Summary::default())
        } else {
            Form::Lines
        };
        Self { out: BufWriter::with_capacity(64 << 10, io::stdout().lock()), form }
    }

    /// Writes what was completed.
    fn take(&mut self, inspector: &mut Inspector) -> Result<()> {
        for found in inspector.drain() {
            match &mut self.form {
                Form::Summary(summary) => summary.add(&found),
                Form::Contributions(contributions) => contributions.add(&found),
                Form::Lines => {
                    serde_json::to_writer(&mut self.out, &found).map_err(io::Error::from)?;
                    self.out.write_all(b"\n")?;
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    fn end(&mut self) -> Result<()> {
        match &self.form {
            Form::Lines => {}
            Form::Summary(summary) => self.out.write_all(summary.render().as_bytes())?,
            Form::Contributions(contributions) => contributions.write(&mut self.out)?,
        }
        self.out.flush()?;
        Ok(())
    }
}

fn tell(inspector: &Inspector, damage: Option<&FileDamage>, output: &Output<'_>) -> Result<()> {
    let mut text = told::counts(inspector.counts());
    if let Some(damage) = damage.filter(|_| inspector.counts().packets > 0) {
        text.push_str(&format!("the file could not be read further {damage}\n"));
    }
    if let Form::Contributions(contributions) = &output.form {
        text.push_str(&contributions.told());
    }
    io::stderr().lock().write_all(text.as_bytes())?;
    Ok(())
}
