//! From a configuration to open sockets, and from those to a running server.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use http::HeaderValue;
use model::HexBytes;
use quinn::{Endpoint, EndpointConfig, TokioRuntime};
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::admission::Admission;
use crate::certificate::provider;
use crate::datagrams::Socket;
use crate::dns::Zone;
use crate::http::Site;
use crate::lifecycle::Lifecycle;
use crate::{Certificate, Config, Error, dns, media, quic, tcp};

/// A reflector with its sockets open, ready to [`run`](Self::run). Connections wait until it does.
pub struct Reflector {
    sockets: Vec<Sockets>,
    media: Vec<Socket>,
    dns: Vec<dns::Sockets>,
    site: Site,
    announced_port: Option<u16>,
    pin: HexBytes,
}

struct Sockets {
    address: SocketAddr,
    tcp: TcpListener,
    quic: Option<Endpoint>,
}

/// Opens the sockets. To be called inside of a Tokio runtime.
pub async fn bind(config: Config) -> Result<Reflector, Error> {
    let Config { listen, certificate, signing_key, quic, announced_port, media, dns, place, extra_headers, limits } =
        config;
    if listen.is_empty() {
        return Err(Error::NothingToListenOn);
    }
    let tls = tls(&certificate, &[&TLS13, &TLS12], &[b"h2", b"http/1.1"])?;
    let quic = quic.then(|| quic::configuration(self::tls(&certificate, &[&TLS13], &[b"h3"])?, &limits)).transpose()?;
    let mut sockets = Vec::with_capacity(listen.len());
    for address in listen {
        sockets.push(open(address, quic.as_ref()).await?);
    }
    let (media_sockets, media) =
        media::bind(&media, &limits).map_err(|(address, source)| Error::Listen { protocol: "UDP", address, source })?;
    let (mut name_servers, mut zone) = (Vec::new(), None);
    if let Some(dns) = dns {
        zone = Some(Arc::new(Zone::new(&dns.zone, dns.server.as_ref())?));
        for address in dns.listen {
            name_servers.push(dns::open(address).await?);
        }
    }
    let site = Site {
        zone,
        place,
        signing_key,
        tls: TlsAcceptor::from(Arc::new(tls)),
        connections: Admission::new(limits.connections, limits.connections_per_client),
        transfers: Admission::new(limits.transfers, limits.transfers_per_client),
        media,
        extra_headers,
        limits,
    };
    Ok(Reflector {
        sockets,
        media: media_sockets,
        dns: name_servers,
        site,
        announced_port,
        pin: certificate.pin().clone(),
    })
}

impl Reflector {
    /// The addresses listened on, in the order of the configuration; a port 0 there is a real one here.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|sockets| sockets.address).collect()
    }

    /// The UDP addresses for STUN and calls.
    pub fn media_addresses(&self) -> Vec<SocketAddr> {
        self.media.iter().map(Socket::address).collect()
    }

    /// The addresses that the name server listens on, UDP and TCP; none where there is no zone.
    pub fn dns_addresses(&self) -> Vec<SocketAddr> {
        self.dns.iter().map(|sockets| sockets.address).collect()
    }

    /// The Ed25519 key that answers are signed with.
    pub fn public_key(&self) -> HexBytes {
        self.site.signing_key.public_key()
    }

    /// SHA-256 of the certificate's SubjectPublicKeyInfo.
    pub fn pin(&self) -> &HexBytes {
        &self.pin
    }

    /// Serves until `shutdown` resolves, then gives open connections [`Limits::drain`](crate::Limits::drain) to end.
    /// Dropping the future ends everything at once.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let lifecycle = Lifecycle::new();
        let drain = self.site.limits.drain;
        let site = Arc::new(self.site);
        for Sockets { address, tcp, quic } in self.sockets {
            let port = self.announced_port.unwrap_or(address.port());
            // RFC 7838 section 3.
            let alternative =
                quic.as_ref().and_then(|_| HeaderValue::try_from(format!("h3=\":{port}\"; ma=3600")).ok());
            let tasks = lifecycle.tasks();
            tasks.spawn(tcp::accept(tcp, site.clone(), alternative, tasks.clone()));
            if let Some(endpoint) = quic {
                tasks.spawn(quic::accept(endpoint, site.clone(), tasks.clone()));
            }
        }
        for socket in self.media {
            if let Some(media) = &site.media {
                let tasks = lifecycle.tasks();
                tasks.spawn(media::serve(socket, media.calls.clone(), tasks.clone()));
            }
        }
        for sockets in self.dns {
            if let Some(zone) = &site.zone {
                dns::serve(sockets, zone, &lifecycle.tasks());
            }
        }
        drop(site);
        shutdown.await;
        lifecycle.stop(drain).await;
    }
}

impl std::fmt::Debug for Reflector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reflector")
            .field("addresses", &self.addresses())
            .field("public_key", &self.public_key())
            .finish_non_exhaustive()
    }
}

/// Session tickets are on: whether resumption survives a path is one of the things to find out. Early data is off:
/// it can be replayed (RFC 8446 section 8), and what it carries was sent before the handshake that is to be proven.
fn tls(
    certificate: &Certificate,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certificate.certified().clone())));
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.ticketer = Ticketer::new()?;
    Ok(config)
}

/// TCP and, where asked for, UDP on the same port.
async fn open(address: SocketAddr, quic: Option<&quinn::ServerConfig>) -> Result<Sockets, Error> {
    /// A port that is free for TCP may be taken for UDP; for port 0 another one will do.
    const ATTEMPTS: usize = 16;
    let failed = |protocol, address| move |source| Error::Listen { protocol, address, source };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let tcp = TcpListener::bind(address).await.map_err(failed("TCP", address))?;
        tcp::keep_syns(&tcp);
        let bound = tcp.local_addr().map_err(failed("TCP", address))?;
        let Some(config) = quic else { return Ok(Sockets { address: bound, tcp, quic: None }) };
        match endpoint(bound, config) {
            Ok(endpoint) => return Ok(Sockets { address: bound, tcp, quic: Some(endpoint) }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && address.port() == 0 && attempt < ATTEMPTS => {}
            Err(error) => return Err(failed("UDP", bound)(error)),
        }
    }
}

fn endpoint(address: SocketAddr, config: &quinn::ServerConfig) -> io::Result<Endpoint> {
    let socket = UdpSocket::bind(address)?;
    Endpoint::new(EndpointConfig::default(), Some(config.clone()), socket, Arc::new(TokioRuntime))
}
