//! Flows: who speaks with whom, in a table that cannot grow beyond its limit.

mod key;
mod siphash;
mod table;

pub(super) use self::key::{Ends, FlowKey, Side};
pub(super) use self::siphash::SipKey;
pub(super) use self::table::Table;
