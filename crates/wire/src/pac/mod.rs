//! Proxy auto-configuration: what a script decides for a host, and which of its rules decided.
//!
//! A script is a program of somebody else's. It runs in an engine that has no files, no network and no clock: it is told
//! the time, and names are resolved by the [`World`] that the caller gives. Its size, memory, stack, work, questions and
//! answer are bounded by the constants below. The work is counted: jumps and calls of the script, and what helpers compare.
//! The engine asks the world every ten thousand jumps and calls whether the script may go on, and a caller with a clock says
//! no after a while. What one operation of the language works through in between is charged for before it starts
//! (`prelude.js`): for a method of strings the product of the lengths, for one of lists the length. Texts are not limited in
//! length, because tables of host names in one text are common, and because `+` makes long ones without any method. So
//! the operators are not bounded: two texts of a gigabyte, in pieces that take no memory, are compared by one `==`, a product of
//! whole numbers of a million bits is one `*`, and a million of either stand in one script without a jump. A caller that
//! takes scripts from the network runs them in a process that it can end.
//!
//! The helper functions behave as those of Chromium (`net/proxy_resolution`), the IPv6 ones of Microsoft's extension among
//! them. There is no standard; where browsers differ, the module of the helper says what was chosen.
//!
//! Which rule decided is found with a copy of the script that reports each `return` before it returns
//! (`instrument`). Both are asked, and the rule is told only where their answers agree: a script that the copy
//! misunderstands has an answer and no rule.

mod dates;
mod engine;
mod helpers;
mod instrument;
mod result;
mod tokens;

use std::net::IpAddr;
use std::rc::Rc;

use model::{HostName, Timestamp};

use engine::Engine;
use instrument::Marked;
pub use result::{Choice, ProxyScheme, choices};

/// Octets of a script. Chromium refuses larger ones too (`kDefaultMaxResponseBytes`).
pub const SCRIPT_LIMIT: usize = 1024 * 1024;
/// What one engine may allocate: the largest script allowed, as a table of host names, fits.
const MEMORY_LIMIT: usize = 16 * 1024 * 1024;
/// The engine's own stack; threads have at least 2 MiB.
const STACK_LIMIT: usize = 256 * 1024;
/// Units of work, of loading and of each decision. One is about a jump or a call of the script, or a character compared by
/// a helper. A script with ten thousand rules that are tried one after the other needs half of it.
const WORK_LIMIT: u64 = 5_000_000;
/// Names asked for one decision, as Chromium limits them (`kMaxUniqueResolveDnsPerExec`). Beyond them nothing resolves.
const NAMES_LIMIT: usize = 20;
/// Characters of a decision. Thirty proxies fit.
const RESULT_LIMIT: usize = 2048;

/// What a script may learn of the world outside.
pub trait World {
    /// The addresses of a name; none where it does not resolve.
    fn resolve(&self, name: &str) -> Vec<IpAddr>;

    /// The addresses from which this machine sends.
    fn own_addresses(&self) -> Vec<IpAddr>;

    /// Asked now and then while the script works: `false` ends it.
    fn may_go_on(&self) -> bool {
        true
    }
}

/// The time that the script is told.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: Timestamp,
    /// Seconds east of UTC: scripts speak of local time unless they say `GMT`.
    pub offset_seconds: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacError {
    #[error("the script is longer than {SCRIPT_LIMIT} octets")]
    TooLong,
    #[error("the script has no function FindProxyForURL")]
    NoFunction,
    /// What the engine says, for a person to read.
    #[error("the script failed: {0}")]
    Script(String),
    #[error("the script worked for longer than it may")]
    TooMuchWork,
    #[error("FindProxyForURL did not return a string of at most {RESULT_LIMIT} characters")]
    NoResult,
}

/// What a script decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// As the script returned it, without white space around: [`choices`] reads it.
    pub result: String,
    /// The rule that decided; absent where it cannot be told for sure.
    pub rule: Option<Rule>,
    /// Names that were resolved on the way, each once.
    pub resolved: Vec<String>,
}

/// A `return` of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// From 1.
    pub line: u32,
    /// The statement, with the `if` that it belongs to, and the last helper that answered true before it.
    pub text: String,
}

/// A script, loaded.
#[derive(Debug)]
pub struct Pac {
    plain: Engine,
    marked: Option<(Engine, Vec<Marked>)>,
}

impl Pac {
    /// Loads a script, which runs what stands outside of its functions.
    pub fn load(script: &str, world: Rc<dyn World>, moment: Moment) -> Result<Self, PacError> {
        if script.len() > SCRIPT_LIMIT {
            return Err(PacError::TooLong);
        }
        let plain = Engine::load(script, world.clone(), moment)?;
        let instrumented = instrument::instrument(script);
        let marked = Engine::load(&instrumented.script, world, moment).ok().map(|engine| (engine, instrumented.rules));
        Ok(Self { plain, marked })
    }

    /// Asks what way to take to `https://host:port/`, which is all that browsers tell a script of an https URL.
    pub fn find(&self, host: &HostName, port: u16) -> Result<Decision, PacError> {
        let url = if port == 443 { format!("https://{host}/") } else { format!("https://{host}:{port}/") };
        self.find_url(&url, host.as_str())
    }

    fn find_url(&self, url: &str, host: &str) -> Result<Decision, PacError> {
        let answer = self.plain.find(url, host)?;
        let rule = self.marked.as_ref().and_then(|(engine, rules)| {
            let again = engine.find(url, host).ok().filter(|again| again.result == answer.result)?;
            // Where all that a rule says is to ask another function, the rule is to be found there.
            let mut marks = again.marks.iter().map(|mark| Some((rules.get(mark.number)?, mark.last_true.as_deref())));
            let (mut marked, mut last_true) = marks.next()??;
            while marked.is_call_alone {
                let Some(Some(inner)) = marks.next() else { break };
                (marked, last_true) = inner;
            }
            let text = match last_true {
                Some(helper) => format!("{}; true: {helper}", marked.text),
                None => marked.text.clone(),
            };
            Some(Rule { line: marked.line, text })
        });
        Ok(Decision { result: answer.result, rule, resolved: answer.resolved })
    }
}

#[cfg(test)]
mod tests;
