//! One host of a run: its addresses, and the ledger of every connection and chain that its checks saw.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use tokio::sync::{Semaphore, SemaphorePermit};

use model::{
    Attempt, Base64Bytes, Chain, Connection, Failure, HexBytes, HostName, Milliseconds, Operation, Target, Timestamp,
    TlsSession, Transport,
};

use crate::checks;
use crate::checks::route::Turns;
use crate::connect::connect;
use crate::failure::{Stopwatch, within};
use crate::net::Net;
use crate::settings::Settings;
use crate::tap::Tapped;
use crate::tls::{self, Hello, Prepared};
use crate::trust::Trust;

/// Distinct chains kept for one host. An honest host shows one or two.
const CHAINS_LIMIT: usize = 32;

/// The sizes to choose from lie below those to which tunnels and access lines clamp a SYN on its way (1 220 octets is the
/// least that IPv6 asks of every link, RFC 8200 section 5), so that a size that arrives as another one was not clamped.
const LEAST_MSS: u16 = 1_000;
const MSS_CHOICES: u16 = 181;
/// How long a connection waits for its turn to be opened.
const PATIENCE: Duration = Duration::from_millis(250);
/// Checks whose bodies or frames fill a congestion window.
const BULKY: [&str; 3] = [checks::download::CHECK.name, checks::fidelity::CHECK.name, checks::websocket::CHECK.name];

/// What every check of a run shares.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) net: Arc<dyn Net>,
    pub(crate) settings: Settings,
    pub(crate) trust: Arc<Trust>,
    /// The machine's own time at the start, and how long ago that was.
    pub(crate) started: Timestamp,
    pub(crate) watch: Stopwatch,
    /// Which hosts the `route` check follows.
    pub(crate) routes: Turns,
    /// Connections that may be opened at one time, where no long chain of round trips waits behind them.
    pub(crate) openings: Semaphore,
}

impl Context {
    /// The machine's own time, right or wrong.
    pub(crate) fn now(&self) -> Timestamp {
        self.started.after(self.watch.elapsed())
    }
}

/// What every check of one host shares.
pub(crate) struct Host {
    pub(crate) context: Arc<Context>,
    pub(crate) target: Target,
    /// Where to connect: the host's addresses, or the explicit proxy's.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The host's own addresses, for UDP, which no HTTP proxy carries.
    pub(crate) own_addresses: Vec<SocketAddr>,
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    connections: Vec<Connection>,
    chains: Vec<SeenChain>,
    links: BTreeSet<HostName>,
}

#[derive(Debug)]
struct SeenChain {
    certificates: Vec<Vec<u8>>,
    scts: Option<Vec<u8>>,
    ocsp: Option<Vec<u8>>,
    /// Held against the roots already.
    held: Option<Chain>,
}

/// What a check wants of one TLS connection.
pub(crate) struct Wanted<'a> {
    pub(crate) check: &'static str,
    pub(crate) purpose: &'static str,
    pub(crate) hello: Hello,
    pub(crate) alpn: &'a [&'a str],
    pub(crate) sni: bool,
    /// A configuration that was used before: only with the very same one are its tickets used.
    pub(crate) prepared: Option<Prepared>,
}

/// A TLS connection in use.
pub(crate) struct Opened {
    pub(crate) stream: tls::Stream,
    /// Its place in the ledger.
    pub(crate) connection: usize,
    pub(crate) session: TlsSession,
    pub(crate) connect_ms: Milliseconds,
}

/// A TLS connection that did not come about, and its place in the ledger where there was an address at all.
#[derive(Debug)]
pub(crate) struct NotOpened {
    pub(crate) connection: Option<usize>,
    pub(crate) failure: Failure,
}

impl From<NotOpened> for Failure {
    fn from(not_opened: NotOpened) -> Self {
        not_opened.failure
    }
}

impl Host {
    pub(crate) fn new(
        context: Arc<Context>,
        target: Target,
        addresses: Vec<SocketAddr>,
        own_addresses: Vec<SocketAddr>,
    ) -> Self {
        Self { context, target, addresses, own_addresses, ledger: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.context.settings
    }

    /// Connects and shakes hands, and notes down both, however they end.
    pub(crate) async fn open(&self, wanted: Wanted<'_>) -> Result<Opened, NotOpened> {
        let settings = self.settings();
        let _turn = self.turn(&wanted).await;
        let watch = Stopwatch::start();
        let sni = wanted.sni.then(|| self.target.host.clone());
        let mut connection = Connection {
            check: wanted.check.to_owned(),
            purpose: wanted.purpose.to_owned(),
            transport: Transport::Tcp,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            sni,
            via_proxy: settings.via.is_some(),
            connect_ms: None,
            mss: None,
            answer_ms: None,
            proxy_ms: None,
            tls: Attempt::not_tried("there was no connection"),
            chain: None,
            client_hello: None,
        };
        let connected =
            match connect(&*self.context.net, settings, &self.addresses, &self.target, self.mss(&wanted)).await {
                Ok(connected) => connected,
                Err(not) => {
                    let index = not.address.map(|address| {
                        connection.address = address;
                        connection.connect_ms = not.connect_ms;
                        connection.tls = Attempt::Failed(not.failure.clone());
                        self.note(connection)
                    });
                    return Err(NotOpened { connection: index, failure: not.failure });
                }
            };
        connection.address = connected.address;
        connection.connect_ms = Some(connected.connect_ms);
        connection.mss = connected.mss;
        connection.proxy_ms = connected.proxy_ms;
        let local =
            |error: rustls::Error| watch.failure(Operation::Handshake, model::FailureKind::Local, error.to_string());
        let prepared = match wanted.prepared {
            Some(prepared) => Ok(prepared),
            None => tls::prepare(wanted.hello, wanted.alpn, wanted.sni, None),
        };
        let Prepared { config, chain: presented } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Err(NotOpened { connection: None, failure: local(error) }),
        };
        presented.clear();
        let (stream, hellos) = Tapped::new(connected.stream);
        let handshake = tls::handshake(stream, &hellos, config, &self.target.host, watch);
        let result = within(settings.timeout, watch, Operation::Handshake, handshake).await;
        connection.client_hello = hellos.client().map(HexBytes);
        connection.answer_ms = hellos.answer_after().map(Milliseconds::from);
        connection.chain = presented.certificates().and_then(|certificates| self.note_chain(certificates));
        match result {
            Ok((stream, session)) => {
                connection.tls = Attempt::Seen(session.clone());
                let connect_ms = connected.connect_ms;
                Ok(Opened { stream, connection: self.note(connection), session, connect_ms })
            }
            Err(failure) => {
                connection.tls = Attempt::Failed(failure.clone());
                Err(NotOpened { connection: Some(self.note(connection)), failure })
            }
        }
    }

    /// A maximum segment size for the SYN to announce that nobody would choose, so that the reflector can tell our SYN from
    /// another's. Only there, where somebody tells what arrived, and not where an explicit proxy sends the SYN; nor for
    /// what sends much, which small segments would slow down. The rest fits into as many segments as ever, or one more.
    fn mss(&self, wanted: &Wanted<'_>) -> Option<u16> {
        let settings = self.settings();
        if !self.is_reflector() || BULKY.contains(&wanted.check) || settings.via.is_some() {
            return None;
        }
        let mut octet = [0];
        SystemRandom::new().fill(&mut octet).ok()?;
        let [octet] = octet;
        Some(LEAST_MSS + u16::from(octet) % MSS_CHOICES)
    }

    /// Waits until few enough connections are being opened: hundreds of handshakes at once would wait for this machine's
    /// processors, and the time of each would be that of all. What has the most round trips before it is let through: it
    /// says how long the run takes, and the others have time while it waits for the network. Nobody waits long for those
    /// that hang.
    async fn turn(&self, wanted: &Wanted<'_>) -> Option<SemaphorePermit<'_>> {
        if wanted.check == checks::websocket::CHECK.name || self.is_reflector() {
            return None;
        }
        tokio::time::timeout(PATIENCE, self.context.openings.acquire()).await.ok()?.ok()
    }

    fn is_reflector(&self) -> bool {
        let reflector = self.settings().reflector.as_ref();
        reflector.is_some_and(|reflector| reflector.host == self.target.host && reflector.port == self.target.port)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a connection down; the number is its place in [`model::HostRecord::connections`].
    pub(crate) fn note(&self, connection: Connection) -> usize {
        let mut ledger = self.ledger();
        ledger.connections.push(connection);
        ledger.connections.len() - 1
    }

    /// Notes a chain down, once; `None` where there are too many.
    pub(crate) fn note_chain(&self, certificates: Vec<Vec<u8>>) -> Option<usize> {
        let mut ledger = self.ledger();
        if let Some(known) = ledger.chains.iter().position(|chain| chain.certificates == certificates) {
            return Some(known);
        }
        if ledger.chains.len() >= CHAINS_LIMIT {
            return None;
        }
        ledger.chains.push(SeenChain { certificates, scts: None, ocsp: None, held: None });
        Some(ledger.chains.len() - 1)
    }

    /// What came with a chain in the handshake beside it.
    pub(crate) fn note_stapled(&self, chain: usize, scts: Option<Vec<u8>>, ocsp: Option<Vec<u8>>) {
        if let Some(chain) = self.ledger().chains.get_mut(chain) {
            chain.scts = chain.scts.take().or(scts);
            chain.ocsp = chain.ocsp.take().or(ocsp);
            chain.held = None;
        }
    }

    /// Notes down hosts that a page of this one links to.
    pub(crate) fn note_links(&self, links: Vec<HostName>) {
        self.ledger().links.extend(links);
    }

    pub(crate) fn links(&self) -> Vec<HostName> {
        self.ledger().links.iter().cloned().collect()
    }

    /// The ClientHello that was sent on a connection of the ledger.
    pub(crate) fn client_hello(&self, connection: usize) -> Option<Vec<u8>> {
        self.ledger().connections.get(connection)?.client_hello.as_ref().map(|hello| hello.0.clone())
    }

    /// SYN to SYN-ACK of the connections made to this address so far.
    pub(crate) fn connect_times(&self, address: IpAddr) -> Vec<Milliseconds> {
        let ledger = self.ledger();
        let there = ledger.connections.iter().filter(|connection| connection.address.ip() == address);
        there.filter_map(|connection| connection.connect_ms).collect()
    }

    /// Holds the chains seen so far against the roots. It costs signatures, so it is best done while the other checks wait
    /// for the network.
    pub(crate) fn hold_chains(&self) {
        let at = self.context.now();
        for chain in &mut self.ledger().chains {
            chain.hold(&self.context.trust, &self.target.host, at);
        }
    }

    /// What `wanted` gives for each connection noted down so far.
    pub(crate) fn of_connections<T>(&self, wanted: impl FnMut(&Connection) -> Option<T>) -> Vec<T> {
        self.ledger().connections.iter().filter_map(wanted).collect()
    }

    /// Closes the ledger: connections, chains held against the roots, and the certificates by their hash.
    pub(crate) fn close(&self) -> (Vec<Connection>, Vec<Chain>, BTreeMap<String, Base64Bytes>) {
        self.hold_chains();
        let Ledger { connections, chains, links: _ } = std::mem::take(&mut *self.ledger());
        let mut certificates = BTreeMap::new();
        for chain in &chains {
            for der in &chain.certificates {
                certificates.entry(sha256(der).to_string()).or_insert_with(|| Base64Bytes(der.clone()));
            }
        }
        (connections, chains.into_iter().filter_map(|chain| chain.held).collect(), certificates)
    }
}

impl SeenChain {
    fn hold(&mut self, trust: &Trust, host: &HostName, at: Timestamp) {
        if self.held.is_none() {
            let hashes = self.certificates.iter().map(|der| sha256(der)).collect();
            let (scts, ocsp) = (self.scts.as_deref(), self.ocsp.as_deref());
            self.held = Some(trust.chain(&self.certificates, hashes, host, at, scts, ocsp));
        }
    }
}

fn sha256(der: &[u8]) -> HexBytes {
    HexBytes(digest::digest(&digest::SHA256, der).as_ref().to_vec())
}
