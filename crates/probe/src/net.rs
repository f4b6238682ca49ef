//! The seam to the network: the few things that the checks ask of the machine. A test may put its own network here;
//! everything above it is the same.

mod name_servers;
mod way;

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::pin::Pin;

use model::{DnsAnswer, Failure, HostName};
use tokio::io::{AsyncRead, AsyncWrite};

use name_servers::NameServers;
use way::Way;

pub use way::InterfaceError;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A stream, and the maximum segment size that our SYN announced, where one could be chosen.
pub type Connecting<'a> = BoxFuture<'a, io::Result<(Box<dyn ByteStream>, Option<u16>)>>;

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

    /// As [`connect`](Self::connect), with a SYN that announces this maximum segment size, where the system lets it be
    /// chosen. The size that was set comes back; without one, the SYN is like any other of this machine.
    fn connect_with_mss(&self, address: SocketAddr, _mss: u16) -> Connecting<'_> {
        Box::pin(async move { Ok((self.connect(address).await?, None)) })
    }

    /// A socket that can send to `address`: non-blocking, bound to no particular port.
    fn udp(&self, address: SocketAddr) -> io::Result<UdpSocket>;
}

/// The machine's own network.
#[derive(Debug)]
pub struct SystemNet {
    way: Way,
    name_servers: NameServers,
}

impl SystemNet {
    /// By the way that the system chooses.
    pub fn new() -> Self {
        Self::by(Way::Any)
    }

    /// By one interface: TCP, UDP and the questions to the name servers. `name` is an interface's name, where the system
    /// lets programs bind to one (Linux since 5.7), or one of this machine's own addresses. What other programs of the
    /// machine do for us, looking up names above all, goes by the system's own way.
    pub fn on_interface(name: &str) -> Result<Self, InterfaceError> {
        Way::by(name).map(Self::by)
    }

    /// Why nothing beyond this machine is to be reached over this network, where that is clear before anything is sent.
    pub fn leads_nowhere(&self) -> Option<&'static str> {
        self.way.leads_nowhere()
    }

    fn by(way: Way) -> Self {
        let name_servers = NameServers::of_the_system(&way);
        Self { way, name_servers }
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
        Box::pin(self.name_servers.lookup(host))
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        self.name_servers.addresses()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            let (stream, _) = self.way.connect(address, None).await?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }

    fn connect_with_mss(&self, address: SocketAddr, mss: u16) -> Connecting<'_> {
        Box::pin(async move {
            let (stream, mss) = self.way.connect(address, Some(mss)).await?;
            Ok((Box::new(stream) as Box<dyn ByteStream>, mss))
        })
    }

    fn udp(&self, address: SocketAddr) -> io::Result<UdpSocket> {
        self.way.udp(address, 0)
    }
}
