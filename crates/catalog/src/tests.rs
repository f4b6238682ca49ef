//! The crate from outside: lists in, answers out; service files in, profiles or one line of error out.

mod formats;
mod lookups;
mod services;
