//! Why a reflector does not start. Once it runs, nothing that a client does is an error of the reflector.

use std::io;
use std::net::SocketAddr;

use model::HostName;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("there is no address to listen on")]
    NothingToListenOn,
    #[error("cannot listen on {address} ({protocol})")]
    Listen {
        /// "TCP" or "UDP".
        protocol: &'static str,
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("the zone {zone} leaves no room in an answer: it may have {limit} characters")]
    Zone { zone: HostName, limit: usize },
    #[error("the TLS library refuses the configuration")]
    Tls(#[from] rustls::Error),
    #[error("the QUIC library refuses the configuration")]
    Quic(#[source] Box<dyn std::error::Error + Send + Sync>),
}
