//! The process that evaluates one script: it reads a question, and writes what it asks and what it has decided, a line of
//! JSON each.
//!
//! It has no business with the network: names are resolved by the process that started it. It ends by itself a moment after
//! the deadline that it was given, even where it was left behind and the engine is at an operation that knows no end.

use std::cell::RefCell;
use std::io::{self, BufRead, Read, Write};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use model::{Attempt, FailureKind, HostName, Operation, ProxyRoute, Timestamp};
use serde::{Deserialize, Serialize};
use wire::pac::{Moment, Pac, PacError, World};

use crate::failure::Stopwatch;

/// How long after its deadline a worker ends that nobody ended. Whoever waits for it waits less.
const LAST_MOMENT: Duration = Duration::from_millis(500);
/// Octets of one line: a script of the greatest length as text of JSON, in which an octet takes up to six.
const LINE_LIMIT: u64 = 8 * 1024 * 1024;

/// What a worker is asked; it answers with [`Said::Outcome`] for each host, in their order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) script: String,
    pub(super) hosts: Vec<(HostName, u16)>,
    pub(super) now: Timestamp,
    pub(super) offset_seconds: i32,
    /// The addresses from which this machine sends.
    pub(super) own: Vec<IpAddr>,
    /// How long it may take.
    pub(super) milliseconds: u64,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// Asks for the addresses of this name; the answer is a line with a list of them.
    Resolve(String),
    Outcome(Attempt<ProxyRoute>),
}

/// Evaluates the proxy auto-configuration script of the first line of `input`, for the process at the other end. It is all
/// that the process does, and ends it when it takes too long.
pub fn evaluate_script(input: impl BufRead + 'static, output: impl Write + 'static) -> io::Result<()> {
    let pipe = Pipe { input: Box::new(input), output: Box::new(output) };
    let pipe = Rc::new(RefCell::new(pipe));
    let question: Question = pipe.borrow_mut().hear()?;
    let limit = Duration::from_millis(question.milliseconds);
    let deadline = Instant::now() + limit;
    std::thread::spawn(move || {
        std::thread::sleep(limit + LAST_MOMENT);
        std::process::exit(1);
    });
    let outside = Outside { pipe: pipe.clone(), own: question.own, deadline };
    let watch = Stopwatch::start();
    let moment = Moment { now: question.now, offset_seconds: question.offset_seconds };
    let pac = Pac::load(&question.script, Rc::new(outside), moment);
    for (host, port) in &question.hosts {
        let outcome = match &pac {
            Ok(pac) => decide(pac, host, *port, deadline),
            Err(error) => failed(error, watch, deadline),
        };
        pipe.borrow_mut().say(&Said::Outcome(outcome))?;
    }
    Ok(())
}

fn decide(pac: &Pac, host: &HostName, port: u16, deadline: Instant) -> Attempt<ProxyRoute> {
    let watch = Stopwatch::start();
    if Instant::now() >= deadline {
        return Attempt::Failed(watch.timed_out(Operation::Exchange, watch.elapsed()));
    }
    match pac.find(host, port) {
        Ok(decision) => {
            let (line, rule) = decision.rule.map(|rule| (rule.line, rule.text)).unzip();
            let took_ms = watch.elapsed().into();
            Attempt::Seen(ProxyRoute { result: decision.result, rule, line, took_ms, resolved: decision.resolved })
        }
        Err(error) => failed(&error, watch, deadline),
    }
}

fn failed(error: &PacError, watch: Stopwatch, deadline: Instant) -> Attempt<ProxyRoute> {
    let kind = match error {
        PacError::TooMuchWork if Instant::now() >= deadline => {
            return Attempt::Failed(watch.timed_out(Operation::Exchange, watch.elapsed()));
        }
        PacError::TooLong | PacError::TooMuchWork => FailureKind::TooLarge,
        PacError::NoFunction | PacError::Script(_) | PacError::NoResult => FailureKind::Protocol,
    };
    Attempt::Failed(watch.failure(Operation::Exchange, kind, error.to_string()))
}

/// The process that asked.
struct Pipe {
    input: Box<dyn BufRead>,
    output: Box<dyn Write>,
}

impl Pipe {
    fn hear<T: for<'de> Deserialize<'de>>(&mut self) -> io::Result<T> {
        let mut line = Vec::new();
        (&mut self.input).take(LINE_LIMIT).read_until(b'\n', &mut line)?;
        Ok(serde_json::from_slice(&line)?)
    }

    fn say(&mut self, said: &Said) -> io::Result<()> {
        let mut line = serde_json::to_vec(said)?;
        line.push(b'\n');
        self.output.write_all(&line)?;
        self.output.flush()
    }
}

/// What a script may learn of the world.
struct Outside {
    pipe: Rc<RefCell<Pipe>>,
    own: Vec<IpAddr>,
    deadline: Instant,
}

impl World for Outside {
    fn resolve(&self, name: &str) -> Vec<IpAddr> {
        let mut pipe = self.pipe.borrow_mut();
        // Where nobody listens any more, no name resolves, and what comes next fails to be told.
        pipe.say(&Said::Resolve(name.to_owned())).and_then(|()| pipe.hear()).unwrap_or_default()
    }

    fn own_addresses(&self) -> Vec<IpAddr> {
        self.own.clone()
    }

    fn may_go_on(&self) -> bool {
        Instant::now() < self.deadline
    }
}
