//! The seam to the network: the four things that the checks ask of the machine. A test may put its own network here;
//! everything above it is the same.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::time::Instant;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use model::{DnsAnswer, Failure, FailureKind, HostName, Operation};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::failure::{Stopwatch, describe};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connected byte stream.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// What the checks ask of the machine.
pub trait Net: Debug + Send + Sync {
    /// Asks as every program on this machine asks: hosts file, caches and all.
    fn lookup<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;

    /// Asks the configured name servers themselves.
    fn lookup_direct<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, Result<DnsAnswer, Failure>>;

    /// The configured name servers.
    fn name_servers(&self) -> Vec<IpAddr>;

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn ByteStream>>>;

    /// A socket that can send to `address`: non-blocking, bound to no particular port.
    fn udp(&self, address: SocketAddr) -> io::Result<UdpSocket>;
}

/// The machine's own network.
#[derive(Debug)]
pub struct SystemNet {
    /// Absent where the system names no server, which is told for each direct question.
    resolver: Result<TokioResolver, String>,
    name_servers: Vec<IpAddr>,
}

impl SystemNet {
    pub fn new() -> Self {
        let (resolver, name_servers) = match hickory_resolver::system_conf::read_system_conf() {
            Ok((config, mut options)) => {
                // A cached answer has no time, and a second attempt would hide a lost first one. (The library counts
                // the attempts after the first.)
                options.cache_size = 0;
                options.attempts = 0;
                options.use_hosts_file = ResolveHosts::Never;
                let mut name_servers: Vec<IpAddr> = config.name_servers.iter().map(|server| server.ip).collect();
                name_servers.dedup();
                let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
                *builder.options_mut() = options;
                (builder.build(), name_servers)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        Self { resolver: resolver.map_err(|error| describe(&error)), name_servers }
    }
}

impl Default for SystemNet {
    fn default() -> Self {
        Self::new()
    }
}

impl Net for SystemNet {
    fn lookup<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let mut unique: Vec<IpAddr> = Vec::new();
            for address in addresses {
                if !unique.contains(&address.ip()) && unique.len() < 32 {
                    unique.push(address.ip());
                }
            }
            Ok(unique)
        })
    }

    fn lookup_direct<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, Result<DnsAnswer, Failure>> {
        Box::pin(async move {
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
        })
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        self.name_servers.clone()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }

    fn udp(&self, address: SocketAddr) -> io::Result<UdpSocket> {
        let any = match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

fn collect(records: &[hickory_resolver::proto::rr::Record], answer: &mut DnsAnswer) {
    for record in records.iter().take(64) {
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
