//! TCP as it stands on the wire: the opening segment, which says whose network stack opened the connection.

mod syn;

pub(crate) use syn::syn_of;
pub use syn::{SynError, parse_syn};
