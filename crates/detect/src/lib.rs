//! Facts to evidence to verdict.
//!
//! [`judge()`] takes a [`model::Record`] and what is known about intermediaries ([`Knowledge`]), and returns the
//! [`model::Judgement`] over it. It is a pure function: no I/O, no clock, no randomness, and no failure: a record
//! that is damaged or empty gives a judgement that says `unknown` and why. An old record can be judged again with new
//! knowledge.
//!
//! Six steps, each in a module of its own:
//! - [`rules()`]: facts to evidence on each host, one file for each rule and one line for each in the table;
//! - [`path_rules()`]: the same over the record as a whole: settings, routes, egress, resolver, endpoints;
//! - `verdict`: evidence to the state of each connection, host and workload, and the exit code;
//! - `attribution`: who does it, ranked, with reasons;
//! - `solutions` and `measures`: the kinds of solution on the path, and what was measured, in a line each;
//! - `findings`: what to tell a person.
//!
//! The invariant above all others: a missing answer is never read as a clean path. `intact` needs positive proof for
//! the very connection; all else that is not proven is `unknown` with its reason.

mod attribution;
mod client;
mod comparison;
mod context;
mod findings;
mod judge;
mod knowledge;
mod measures;
mod mos;
mod page;
mod path;
mod rules;
mod solutions;
mod standing;
mod text;
mod verdict;
mod view;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod testing;

pub use attribution::{HeaderMark, Interceptor, PageMark};
pub use client::{
    CapturedHello, Classifier, ClientKnowledge, ClientKnowledgeError, ClientSign, client_signs, clusters_of,
};
pub use comparison::{compare, samples};
pub use judge::judge;
pub use knowledge::{AdminName, Knowledge, KnowledgeError};
pub use page::evidence_page;
pub use path::{PathRule, path_rules};
pub use rules::{Rule, rules};
