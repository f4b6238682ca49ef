//! The nouns that two processes or a disk must agree on.
//!
//! Everything here is stored or sent: a check's [`Record`], the facts in it, the [`Judgement`] over it and the
//! reflector's [`Answer`]. Nothing here acts: no parsing of network bytes, no sockets, no clock. Each stored root
//! carries a version `v`; readers ignore fields they do not know, and a field that may be missing says why it is.

mod attempt;
mod bytes;
mod casb;
mod certificate;
mod classification;
mod comparison;
mod connection;
mod content;
mod contribution;
mod endpoints;
mod fidelity;
mod handshake;
mod hello;
mod http;
mod media;
mod name;
mod observation;
mod place;
mod proxy;
mod quic;
mod record;
mod reflection;
mod resolution;
mod route;
mod stream;
mod target;
mod text;
mod time;
mod verdict;
mod websocket;

pub use attempt::{Attempt, Failure, FailureKind, Operation};
pub use bytes::{Base64Bytes, HexBytes};
pub use casb::{Casb, Redirect};
pub use certificate::{CertificateFacts, Chain, ChainFacts, SctFact, SctSource, SctStatus, Validation};
pub use classification::{Classification, ClassifiedLine, Sign};
pub use comparison::{ComparedWay, Comparison, ComparisonJudgement, Cost, Loss, Phase, Round, Sample};
pub use connection::{Connection, TlsSession, Transport};
pub use content::{Content, ContentOutcome, ContentTest};
pub use contribution::{ContributedServer, Contribution, ContributionError, Program};
pub use endpoints::{Endpoint, EndpointAnswer, EndpointStatus};
pub use fidelity::{Difference, DifferenceKind, Fidelity, FidelityTest, Way};
pub use handshake::{CapturedHandshake, CapturedServer};
pub use hello::{HelloFacts, HelloSource};
pub use http::{Body, Header, Http, HttpExchange};
pub use media::{Call, CallReport, CallTerms, Download, GrantedCall, Media, StunAnswer, StunRequest, StunTry};
pub use name::{HostName, InvalidHostName};
pub use observation::{Observation, ObservedHello, ObservedHttp, ObservedSyn, ObservedTcp, ObservedWebSocket, Vantage};
pub use place::{AskedBy, Coordinates, Egress, EgressAddress, Geo, GeoSource, Here, Place, ResolverAddress, Resolvers};
pub use proxy::{
    ProxyAnswer, ProxyConnect, ProxyDecision, ProxyFacts, ProxyRoute, ProxyScript, ProxySetting, ProxySource,
    ProxySourceKind,
};
pub use quic::{Http3, Quic, VersionNegotiation};
pub use record::{
    Destination, Feature, HostRecord, Options, PathFacts, Record, RecordError, ReflectorRecord, ServiceRef, Tcp,
    TimestampsInHandshake, Tls, TrustFacts,
};
pub use reflection::{Answer, ArrivedBody, ArrivedHeader, Reflection, SealedAnswer, Syn};
pub use resolution::{Dns, DnsAnswer};
pub use route::{Hop, Interface, InterfaceKind, PrefixRoute, Route, RouteSample, Vpn};
pub use stream::Stream;
pub use target::{Promises, StreamPromise, Target, Trust, WebSocketAnswer, WebSocketPromise};
pub use text::Text;
pub use time::{Milliseconds, Timestamp};
pub use verdict::{
    Attribution, Class, Confidence, ConnectionVerdict, Evidence, ExitCode, Finding, HostVerdict, Judgement, Leaning,
    Measure, Solution, SolutionClass, State, WorkloadVerdict,
};
pub use websocket::{WebSocket, WebSocketEnd, WebSocketSession};
