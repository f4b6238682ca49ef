//! HTTP as all three versions have it: a request with what is known of its connection in, a response out.

mod body;
mod bytes;
mod call;
mod content;
mod events;
mod fidelity;
mod problem;
mod query;
mod reflect;
mod route;
mod websocket;

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use model::Coordinates;
use tokio_rustls::TlsAcceptor;

use crate::admission::Admission;
use crate::dns::Zone;
use crate::media::Media;
use crate::{Limits, SigningKey};

pub(crate) use body::ReplyBody;
pub(crate) use events::MAX_GAP;
pub(crate) use route::{respond, serve_request};

/// Octets of a request head.
pub(crate) const HEAD: usize = 64 << 10;
/// Headers in a request.
pub(crate) const HEADERS: usize = 100;
/// Requests at a time on one HTTP/2 or HTTP/3 connection.
pub(crate) const STREAMS_PER_CONNECTION: u32 = 32;

/// What all connections of a reflector share.
pub(crate) struct Site {
    pub(crate) signing_key: SigningKey,
    pub(crate) tls: TlsAcceptor,
    pub(crate) limits: Limits,
    pub(crate) connections: Arc<Admission>,
    pub(crate) transfers: Arc<Admission>,
    /// The UDP port for STUN and calls, where there is one.
    pub(crate) media: Option<Media>,
    /// Whose names tell which resolver asks, where there is a name server.
    pub(crate) zone: Option<Arc<Zone>>,
    /// Where this reflector is, as its operator says.
    pub(crate) place: Option<Coordinates>,
    pub(crate) extra_headers: Vec<(HeaderName, HeaderValue)>,
}
