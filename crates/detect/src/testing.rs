//! Records for tests: a clean one as `check` makes it on an intact path, and small changes to it.

mod chains;
mod changes;
mod failures;
mod host;
mod judged;
mod line;
mod path;
mod record;
mod reflector;
mod values;

pub(crate) use chains::{intercept, intercept_tcp, mint, operator_leaf};
pub(crate) use changes::*;
pub(crate) use failures::*;
pub(crate) use host::*;
pub(crate) use judged::*;
pub(crate) use line::*;
pub(crate) use path::*;
pub(crate) use record::*;
pub(crate) use reflector::*;
pub(crate) use values::{days_before, failure, later, name, seen, time};
