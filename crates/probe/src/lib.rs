//! The checks: sockets out, facts back. A check records what it saw and never says what that means; `detect` does,
//! from the record alone.
//!
//! [`run()`] takes the targets of a service and [`Settings`] and gives a [`model::Record`]. Every host is resolved once,
//! then its checks run side by side, each over connections of its own, because an intermediary may treat two
//! connections to one host differently. All bytes from the network are hostile: every read has a limit in octets and
//! in time, and a peer that misbehaves ends its own measurement and no other.

mod check;
mod checks;
mod connect;
mod exact;
mod failure;
mod far_end;
mod guard;
mod host;
mod http_client;
mod net;
mod proxy;
mod reflect;
mod run;
mod settings;
mod tap;
mod tls;
mod trust;
mod turn;

pub use check::{CHECKS, Check, Scope};
pub use checks::evaluate_script;
pub use net::{BoxFuture, ByteStream, Connecting, InterfaceError, Net, SystemNet};
pub use proxy::{InvalidProxy, Proxy};
pub use run::{Event, OurFailure, Targets, run};
pub use settings::{InvalidResolve, ReflectorAddress, Resolve, ScriptWorker, Settings};
pub use trust::Trust;
pub use turn::Turn;
