//! Asking the configured name servers themselves, without the system's cache and hosts file.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::{Duration, Instant};

use hickory_resolver::Resolver;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::net::runtime::{RuntimeProvider, TokioRuntimeProvider};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use model::{DnsAnswer, Failure, FailureKind, HostName, Operation};
use tokio::net::{TcpStream, UdpSocket};

use crate::failure::{Stopwatch, describe};

use super::way::Way;

#[derive(Debug)]
pub(super) struct NameServers {
    /// Absent where the system names no server, which is told for each question.
    resolver: Result<Resolver<Runtime>, String>,
    addresses: Vec<IpAddr>,
}

impl NameServers {
    pub(super) fn of_the_system(way: &Way) -> Self {
        let (resolver, addresses) = match hickory_resolver::system_conf::read_system_conf() {
            Ok((config, mut options)) => {
                // A cached answer has no time, and a second attempt would hide a lost first one. (The library counts
                // the attempts after the first.)
                options.cache_size = 0;
                options.attempts = 0;
                options.use_hosts_file = ResolveHosts::Never;
                let mut addresses: Vec<IpAddr> = config.name_servers.iter().map(|server| server.ip).collect();
                addresses.dedup();
                let mut builder = Resolver::builder_with_config(config, Runtime::by(way.clone()));
                *builder.options_mut() = options;
                (builder.build(), addresses)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        Self { resolver: resolver.map_err(|error| describe(&error)), addresses }
    }

    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.clone()
    }

    pub(super) async fn lookup(&self, host: &HostName) -> Result<DnsAnswer, Failure> {
        let watch = Stopwatch::start();
        let resolver = self
            .resolver
            .as_ref()
            .map_err(|error| watch.failure(Operation::Resolve, FailureKind::Local, error.clone()))?;
        let asked = Instant::now();
        let name = format!("{host}.");
        let (v4, v6) = tokio::join!(
            resolver.lookup(name.as_str(), RecordType::A),
            resolver.lookup(name.as_str(), RecordType::AAAA)
        );
        let time_ms = asked.elapsed().into();
        let mut answer = DnsAnswer { addresses: Vec::new(), cnames: Vec::new(), time_ms };
        let mut errors = Vec::new();
        for lookup in [v4, v6] {
            match lookup {
                Ok(lookup) => collect(lookup.answers(), &mut answer),
                Err(error) => errors.push(error),
            }
        }
        match errors.into_iter().next() {
            Some(error) if answer.addresses.is_empty() => {
                let kind = match &error {
                    NetError::Timeout => FailureKind::Timeout,
                    error if error.is_no_records_found() => FailureKind::NoSuchName,
                    NetError::Io(io) => crate::failure::io_kind(io),
                    _ => FailureKind::ResolverError,
                };
                Err(watch.failure(Operation::Resolve, kind, describe(&error)))
            }
            _ => Ok(answer),
        }
    }
}

/// Records of an answer that are looked at.
const RECORDS_LIMIT: usize = 64;

fn collect(records: &[Record], answer: &mut DnsAnswer) {
    for record in records.iter().take(RECORDS_LIMIT) {
        let address = match &record.data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            RData::CNAME(name) => {
                if let Ok(name) = HostName::parse(&name.0.to_ascii())
                    && !answer.cnames.contains(&name)
                {
                    answer.cnames.push(name);
                }
                None
            }
            _ => None,
        };
        if let Some(address) = address
            && !answer.addresses.contains(&address)
        {
            answer.addresses.push(address);
        }
    }
}

/// The library's sockets, by our way.
#[derive(Clone)]
struct Runtime {
    tokio: TokioRuntimeProvider,
    way: Way,
}

impl Runtime {
    fn by(way: Way) -> Self {
        Self { tokio: TokioRuntimeProvider::default(), way }
    }
}

/// A connection to a name server that gives no limit of its own waits as long as the library's would.
const CONNECT: Duration = Duration::from_secs(5);

type Opening<S> = Pin<Box<dyn Send + Future<Output = io::Result<S>>>>;

impl RuntimeProvider for Runtime {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = UdpSocket;
    type Tcp = AsyncIoTokioAsStd<TcpStream>;

    fn create_handle(&self) -> Self::Handle {
        self.tokio.create_handle()
    }

    /// Servers are reached by our way, so an address to bind to, which nothing configures here, is left aside.
    fn connect_tcp(
        &self,
        server: SocketAddr,
        _bind: Option<SocketAddr>,
        limit: Option<Duration>,
    ) -> Opening<Self::Tcp> {
        let way = self.way.clone();
        Box::pin(async move {
            let (stream, _) = tokio::time::timeout(limit.unwrap_or(CONNECT), way.connect(server, None)).await??;
            Ok(AsyncIoTokioAsStd(stream))
        })
    }

    /// `local` has the port, which the library draws at random against forged answers.
    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> Opening<Self::Udp> {
        let way = self.way.clone();
        Box::pin(async move { UdpSocket::from_std(way.udp(server, local.port())?) })
    }
}
