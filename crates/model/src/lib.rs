//! The nouns that two processes or a disk must agree on.
//!
//! Everything here is stored or sent: a check's [`Record`], the facts in it, the [`Judgement`] over it and the
//! reflector's [`Answer`]. Nothing here acts: no parsing of network bytes, no sockets, no clock. Each stored root
//! carries a version `v`; readers ignore fields they do not know, and a field that may be missing says why it is.

mod attempt;
mod bytes;
mod certificate;
mod connection;
mod http;
mod name;
mod quic;
mod record;
mod reflection;
mod resolution;
mod stream;
mod target;
mod time;
mod verdict;
mod websocket;

pub use attempt::{Attempt, Failure, FailureKind, Operation};
pub use bytes::{Base64Bytes, HexBytes};
pub use certificate::{CertificateFacts, Chain, ChainFacts, SctFact, SctSource, SctStatus, Validation};
pub use connection::{Connection, TlsSession, Transport};
pub use http::{Body, Header, Http, HttpExchange};
pub use name::{HostName, InvalidHostName};
pub use quic::{Http3, Quic, VersionNegotiation};
pub use record::{
    Feature, HostRecord, Options, PathFacts, Record, RecordError, ReflectorRecord, ServiceRef, Tcp,
    TimestampsInHandshake, Tls, TrustFacts,
};
pub use reflection::{Answer, ArrivedHeader, Reflection, SealedAnswer};
pub use resolution::{Dns, DnsAnswer};
pub use stream::Stream;
pub use target::{Promises, StreamPromise, Target, Trust, WebSocketAnswer, WebSocketPromise};
pub use time::{Milliseconds, Timestamp};
pub use verdict::{
    Attribution, Class, Confidence, ConnectionVerdict, Evidence, ExitCode, Finding, HostVerdict, Judgement, Leaning,
    State, WorkloadVerdict,
};
pub use websocket::{WebSocket, WebSocketEnd, WebSocketSession};
