//! The program as its users meet it: from outside, by its arguments, output and exit code.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at what it did not expect")]

mod accuracy;
mod contribute;
mod edges;
mod inspect;
mod live;
mod program;
mod records;
mod reflector;
mod usage;
