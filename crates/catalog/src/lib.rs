//! Published endpoint lists, and the profiles of the services we trust.
//!
//! A [`Catalogue`] is what a vendor publishes: endpoint sets with host patterns, address ranges, ports and a category.
//! It is read from the vendor's JSON ([`Catalogue::from_json`]) or from our own compact text
//! ([`Catalogue::from_compact`]), and it answers which set a host or an address belongs to and why
//! ([`Catalogue::host`], [`Catalogue::address`]). A [`Profile`] is what we test: the concrete hosts of a service and what
//! each promises, read from a service file.
//!
//! Both are data. The newest list of every cloud instance and the profile `microsoft-365` are compiled in
//! ([`builtin`]); any of them can be replaced by a file. This crate does no I/O: bytes come in, values go out, and every
//! length and count that a file can grow has a limit in [`limits`].

mod addresses;
pub mod builtin;
mod catalogue;
mod compact;
mod hosts;
mod issuers;
mod json;
pub mod limits;
mod matching;
mod names;
mod pattern;
mod ports;
mod profile;
mod service;
#[cfg(test)]
mod tests;
mod workloads;

pub use catalogue::{Catalogue, Category, EndpointSet};
pub use json::ListError;
pub use matching::{Because, Match, Query, Transport};
pub use names::{Instance, InvalidName, Version};
pub use pattern::{HostPattern, InvalidHostPattern};
pub use ports::{InvalidPorts, PortRange, Ports};
pub use profile::{Profile, ProfileError};
pub use service::{Problem, ServiceError};
