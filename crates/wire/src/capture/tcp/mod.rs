//! TCP connections as a capture shows them: both directions put back in order, as far as to the end of the hellos.

mod answer;
mod connection;
mod hello;
mod prologue;
mod reassembly;
mod syn;

pub(super) use self::answer::take_hello as take_server_hello;
pub(super) use self::connection::{Connection, Reading};
