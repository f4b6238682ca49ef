//! Who really spoke: the client on the last leg, held against what the request says of itself.
//!
//! In goes one [`Observation`] of a service's own edge, with the facts of its ClientHello; out comes a
//! [`Classification`]. Comparisons, each a module of its own and each independent of the others: [`tls`], [`http2`] and
//! [`syn`] hold bytes against what the User-Agent claims ([`user_agent`]), as the tables of [`browsers`] and [`tools`] have
//! it; [`headers`] looks for what intermediaries add, and says whether the request otherwise looks like that browser;
//! [`cluster`] says whose hello it resembles. [`verdict`] puts them together, and [`attribution`] names who it is.
//!
//! It is a pure function of its arguments and remembers nothing. Who has many requests on one connection, or many equal
//! connections, may keep answers himself.

mod attribution;
mod browsers;
mod cluster;
mod headers;
mod http2;
mod knowledge;
mod signs;
mod syn;
#[cfg(test)]
mod testing;
mod tls;
mod tools;
mod user_agent;
mod verdict;

pub use cluster::{CapturedHello, clusters_of};
pub use knowledge::{ClientKnowledge, ClientKnowledgeError};
pub use signs::{ClientSign, client_signs};

use model::{Classification, HelloFacts, HelloSource, Observation, Transport};

use crate::text::quoted;
use crate::{Interceptor, Knowledge};
use attribution::{Witnesses, attribute};
use cluster::Resemblance;
use headers::{Likeness, RequestMarks};
use http2::Preface;
use user_agent::{Browser, Claim, Platform};
use verdict::Seen;

/// What is known about clients and intermediaries, made ready for one observation after the other.
#[derive(Clone, Debug)]
pub struct Classifier {
    clients: ClientKnowledge,
    interceptors: Vec<Interceptor>,
    marks: RequestMarks,
}

impl Classifier {
    pub fn new(clients: ClientKnowledge, knowledge: &Knowledge) -> Self {
        let kept = |row: &&Interceptor| !clients.forgotten.contains(&row.product);
        let interceptors: Vec<Interceptor> = knowledge.interceptors().iter().filter(kept).cloned().collect();
        let marks = RequestMarks::new(&interceptors);
        Self { clients, interceptors, marks }
    }

    /// `network`: the autonomous system of the client's address, where somebody looked it up.
    pub fn classify(
        &self,
        observation: &Observation<'_>,
        hello: Option<&HelloFacts>,
        network: Option<u32>,
    ) -> Classification {
        let http = observation.http.as_ref();
        let added = http.map(|http| self.marks.seen(http)).unwrap_or_default();
        let network = network.filter(|number| self.interceptors.iter().any(|row| row.asn.contains(number)));
        let preface = http.and_then(|http| http.h2.as_deref()).and_then(Preface::parse);
        let seen = match user_agent::read(observation.user_agent.as_deref()) {
            Claim::Browser(browser) => self.browser(&browser, observation, hello, preface.as_ref()),
            Claim::Tool { name, engine, platform } => self.tool((name, platform, engine), observation, hello),
            Claim::Nothing => Seen::silent("the request does not say what sent it"),
            Claim::Nonsense => Seen::silent("the User-Agent says nothing that can be compared"),
        };
        // Whose hello it is costs more than all the rest, and matters only where something is wrong or nothing else is known.
        let resembled = match hello {
            Some(hello) if seen.tool || seen.hello != Fit::Fits => self.clients.clusters.resembling(hello),
            _ => Resemblance::Unknown,
        };
        let seen = Seen {
            added: &added,
            network: network.map(|number| format!("the connection comes from AS{number}, the network of a product")),
            product_hello: one_product(&resembled),
            websocket: websocket(observation),
            ..seen
        };
        verdict::verdict(&seen, || {
            let habits = http.map(|http| self.clients.habits.seen(http)).unwrap_or_default();
            let preface = preface.as_ref().filter(|_| seen.http2 != Fit::Fits);
            let witnesses = Witnesses {
                hello: resembled,
                preface: preface.and_then(|preface| self.clients.http2.stack(preface)),
                added: &added,
                habits: &habits,
                network,
            };
            attribute(&witnesses, &self.interceptors)
        })
    }

    fn browser(
        &self,
        browser: &Browser,
        observation: &Observation<'_>,
        hello: Option<&HelloFacts>,
        preface: Option<&Preface>,
    ) -> Seen<'_> {
        let over = transport(observation);
        let syn = observation.tcp.as_ref().and_then(|tcp| tcp.syn.as_ref()).filter(|_| over != Some(Transport::Quic));
        let version = browser.engine_version();
        let recorded = version.is_some_and(|version| version <= self.clients.browsers.newest(browser.engine));
        let whole = hello.is_some_and(|hello| hello.source == HelloSource::Octets);
        Seen {
            hello: match hello {
                Some(hello) => tls::compare(browser, hello, over, &self.clients.browsers),
                None => Fit::Silent(NO_HELLO),
            },
            fits: match version {
                Some(version) => format!("its ClientHello is that of {} {version}", browser.engine.name()),
                None => format!("its ClientHello is that of {}", browser.engine.name()),
            },
            certain: recorded && whole && !browser.embedded,
            http2: match preface {
                Some(preface) => http2::compare(browser, preface, &self.clients.http2),
                None => Fit::Silent("no HTTP/2 preface was recorded"),
            },
            syn: match syn {
                Some(syn) => self.clients.stacks.compare(browser.platform, syn),
                None => Fit::Silent("no SYN was recorded"),
            },
            ceiling: http2::ceiling(browser, observation, hello),
            rewritten: match &observation.http {
                Some(http) => headers::rewritten(browser, http),
                None => Fit::Silent("no request was recorded"),
            },
            likeness: headers::likeness(browser, observation),
            ..Seen::silent("")
        }
    }

    fn tool(
        &self,
        tool: (&str, Platform, Option<Browser>),
        observation: &Observation<'_>,
        hello: Option<&HelloFacts>,
    ) -> Seen<'_> {
        let Some(hello) = hello else { return Seen { tool: true, ..Seen::silent(NO_HELLO) } };
        let found = self.clients.tools.compare(tool, hello, transport(observation), &self.clients.browsers);
        let likeness = match &found.fit {
            Fit::Impossible(_) if found.borrowed => Likeness::Unlike("scripts write this name into requests of others"),
            _ => Likeness::Unknown,
        };
        Seen {
            fits: match found.library {
                Some(library) => {
                    format!("its ClientHello can be that of {library}, which {} is built on", quoted(tool.0))
                }
                None => String::new(),
            },
            shared: found.library.filter(|_| found.shared),
            tool: true,
            likeness,
            hello: found.fit,
            ..Seen::silent("")
        }
    }
}

impl Default for Classifier {
    fn default() -> Self {
        Self::new(ClientKnowledge::builtin(), &Knowledge::builtin())
    }
}

const NO_HELLO: &str = "no ClientHello was recorded";

/// What the recorder says of the transport, which counts where the hello does not say so itself.
fn transport(observation: &Observation<'_>) -> Option<Transport> {
    let http3 = observation.http.as_ref().and_then(|http| http.version.as_deref()).is_some_and(|v| v.starts_with('3'));
    observation.transport.or(http3.then_some(Transport::Quic))
}

/// Why a hello is one product's own.
fn one_product(resembled: &Resemblance<'_>) -> Option<String> {
    let Resemblance::Same(cluster) = resembled else { return None };
    cluster.is_specific().then(|| {
        let library = &cluster.library;
        format!("its ClientHello is that of {library} as one product configures it and no other known program")
    })
}

/// What became of a WebSocket, where it did not open or was cut.
fn websocket(observation: &Observation<'_>) -> Option<String> {
    let websocket = observation.websocket.as_ref()?;
    let what = match &*websocket.outcome {
        "refused" => "was refused",
        "reset" => "was reset",
        "timeout" => "was never answered",
        // Without a close frame (RFC 6455 section 7.1.5).
        "closed" if websocket.close_code == Some(1_006) => "ended without a close frame",
        _ => return None,
    };
    Some(format!("a WebSocket {what}"))
}

/// How one kind of bytes fits what the request says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Nothing to compare, and why.
    Silent(&'static str),
    Fits,
    /// An expected field is broken: seldom, but not unheard of.
    Unlikely(String),
    /// No version under any policy does this.
    Impossible(String),
}
