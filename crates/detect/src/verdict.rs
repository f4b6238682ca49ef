//! Evidence to state: of each connection, each host, each workload, and the exit code.

mod connection;
mod exit;
mod host;
mod workload;

pub(crate) use exit::exit;
pub(crate) use host::host;
pub(crate) use workload::workloads;
