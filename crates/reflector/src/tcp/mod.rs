//! TCP: TLS 1.2 and 1.3, then HTTP/1.1 or HTTP/2 as ALPN says.

mod heads;
mod serve;
mod syn;
mod tap;

pub(crate) use heads::Heads;
pub(crate) use serve::{accept, canonical};
pub(crate) use syn::keep as keep_syns;
