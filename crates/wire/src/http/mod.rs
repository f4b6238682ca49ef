//! HTTP's neighbour protocols and HTTP/1.1 itself, as far as no library shows their octets; and the content that both ends of
//! a test know beforehand.

mod chunked;
mod head;
mod known_links;
mod links;
pub mod specimen;
pub mod websocket;

pub use chunked::{Chunked, ChunkedError};
pub use head::{BodyFraming, HeadError, ResponseHead};
pub use known_links::known_links;
pub use links::LinkHosts;
