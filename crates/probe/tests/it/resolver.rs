//! Who asks for us and where we come from, with the real reflector, its name server, and a resolver that asks it.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use model::{Attempt, DnsAnswer, Failure, FailureKind, HostName, Milliseconds, Operation, Record, Resolvers};
use probe::{BoxFuture, ByteStream, Connecting, Net, ReflectorAddress, SystemNet};
use reflector::{Certificate, Config, Dns, SigningKey};

use crate::world::{check_over, seen, settings, target};

const ZONE: &str = "who.example";

/// A machine whose configured name server is the reflector's own, and whose system answers as told.
#[derive(Debug)]
struct Machine {
    system: SystemNet,
    name_server: TokioResolver,
    /// Answers names of the zone in the system's stead, and asks nobody.
    forged: Option<IpAddr>,
}

impl Machine {
    fn new(name_server: SocketAddr, forged: Option<IpAddr>) -> Self {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = name_server.port();
            connection
        });
        let server = NameServerConfig::new(name_server.ip(), true, connections.to_vec());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap();
        Self { system: SystemNet::new(), name_server: resolver, forged }
    }

    async fn ask(&self, host: &HostName) -> Result<DnsAnswer, Failure> {
        let looked_up = self.name_server.lookup_ip(format!("{host}.")).await;
        let addresses = looked_up.map_err(|error| Failure {
            operation: Operation::Resolve,
            kind: FailureKind::ResolverError,
            detail: error.to_string(),
            after_ms: Milliseconds(0.0),
        })?;
        Ok(DnsAnswer { addresses: addresses.iter().collect(), cnames: Vec::new(), time_ms: Milliseconds(0.0) })
    }
}

impl Net for Machine {
    fn lookup<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            match self.forged {
                _ if !host.as_str().ends_with(ZONE) => self.system.lookup(host).await,
                Some(address) => Ok(vec![address]),
                None => self.ask(host).await.map(|a| a.addresses).map_err(|failure| io::Error::other(failure.detail)),
            }
        })
    }

    fn lookup_direct<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, Result<DnsAnswer, Failure>> {
        Box::pin(self.ask(host))
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        Vec::new()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn ByteStream>>> {
        self.system.connect(address)
    }

    fn connect_with_mss(&self, address: SocketAddr, mss: u16) -> Connecting<'_> {
        self.system.connect_with_mss(address, mss)
    }

    fn udp(&self, address: SocketAddr) -> io::Result<UdpSocket> {
        self.system.udp(address)
    }
}

/// The record of a run with a reflector that has a zone or none.
async fn record(zone: bool, forged: Option<IpAddr>) -> Record {
    let certificate = Certificate::self_signed(&["localhost".to_owned()]).unwrap();
    let mut config = Config::new(certificate, SigningKey::generate().unwrap());
    config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    let listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    config.dns = zone.then(|| Dns { listen, zone: HostName::parse(ZONE).unwrap(), server: None });
    let reflector = reflector::bind(config).await.unwrap();
    let port = reflector.addresses()[0].port();
    let name_server = reflector.dns_addresses().first().copied().unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9)));
    let key = reflector.public_key();
    let server = tokio::spawn(reflector.run(std::future::pending()));
    let mut settings = settings();
    settings.checks = vec!["exporter", "hello", "tls", "http", "quic", "destination", "egress", "resolver"];
    settings.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    settings.reflector = Some(ReflectorAddress { host: HostName::parse("localhost").unwrap(), port, key });
    let net = Arc::new(Machine::new(name_server, forged));
    let record = check_over(net, vec![target(port)], Vec::new(), settings).await;
    server.abort();
    record
}

fn askers(attempt: &Attempt<Vec<model::ResolverAddress>>) -> Vec<(IpAddr, bool)> {
    seen(attempt).iter().map(|resolver| (resolver.address, resolver.signed)).collect()
}

#[tokio::test]
async fn the_reflector_says_who_asked_and_who_came() {
    let record = record(true, None).await;
    let local = IpAddr::from([127, 0, 0, 1]);
    let resolvers: &Resolvers = seen(&record.resolver);
    assert_eq!(askers(&resolvers.system), [(local, true)]);
    assert_eq!(askers(&resolvers.direct), [(local, true)]);
    let egress: Vec<_> =
        seen(&record.egress).seen.iter().map(|seen| (&*seen.over, seen.address, seen.signed)).collect();
    assert_eq!(egress, [("tcp", local, true), ("quic", local, true)]);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_no_resolver() {
    let record = record(true, Some([192, 0, 2, 66].into())).await;
    let resolvers = seen(&record.resolver);
    let failure = resolvers.system.failure().unwrap();
    assert!(failure.detail.contains("nobody asked"), "{failure:?}");
    assert_eq!(askers(&resolvers.direct), [([127, 0, 0, 1].into(), true)]);
}

#[tokio::test]
async fn without_a_zone_there_is_nothing_to_ask() {
    let record = record(false, None).await;
    assert_eq!(record.resolver, Attempt::not_tried("the reflector has no DNS zone"));
}

/// Our SYN arrives as it left, which an interceptor's would not: each connection to the reflector announces a size of its own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn our_syn_is_known_by_its_segment_size() {
    let record = record(true, None).await;
    let reflector = seen(&record.reflector);
    for reflection in [&reflector.hybrid, &reflector.classic, &reflector.tls12].map(seen) {
        let left = reflector.host.connections[reflection.connection].mss;
        assert!(left.is_some_and(|mss| (1_000..=1_180).contains(&mss)), "{left:?}");
        assert_eq!(reflection.answer.syn.as_ref().unwrap().mss, left);
    }
    assert_eq!(seen(&reflector.quic).answer.syn, None);
    let destination = seen(&reflector.host.destination);
    assert!(destination.answers > 3 && destination.answer_ms >= Some(Milliseconds(0.0)));
}
