//! Starting a reflector, and clients that remember what they sent.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::header::HOST;
use ::http::{Request, Response};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::{Answer, HexBytes, SealedAnswer};
use reflector::{Certificate, Config, Limits, SigningKey, bind};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wire::tls::FirstMessage;

pub(crate) const NAME: &str = "reflector.example";
pub(crate) const CHALLENGE: &str = "000102030405060708090a0b0c0d0e0f";

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// UDP, for STUN and calls.
    pub(crate) media: SocketAddr,
    /// UDP and TCP, where there is a zone.
    pub(crate) dns: Vec<SocketAddr>,
    pub(crate) key: HexBytes,
    certificate: CertificateDer<'static>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

pub(crate) async fn start() -> Server {
    start_with(Limits::default()).await
}

pub(crate) async fn start_with(limits: Limits) -> Server {
    start_as(|config| config.limits = limits).await
}

pub(crate) async fn start_as(configure: impl FnOnce(&mut Config)) -> Server {
    let certificate = Certificate::self_signed(&[NAME.to_owned()]).unwrap();
    let trusted = certificate.chain()[0].clone();
    let mut config = Config::new(certificate, SigningKey::generate().unwrap());
    config.listen.push("127.0.0.1:0".parse().unwrap());
    config.media.push("127.0.0.1:0".parse().unwrap());
    configure(&mut config);
    let reflector = bind(config).await.unwrap();
    let (address, key) = (reflector.addresses()[0], reflector.public_key());
    let (media, dns) = (reflector.media_addresses()[0], reflector.dns_addresses());
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(reflector.run(async {
        let _ = stopped.await;
    }));
    Server { address, media, dns, key, certificate: trusted, stop: Some(stop), running }
}

impl Server {
    /// Returns when nothing of the server is left.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        within(10, &mut self.running).await.unwrap();
    }

    /// As a current browser offers: hybrid key exchange first, both TLS versions.
    pub(crate) fn client_config(&self, alpn: &[&str]) -> rustls::ClientConfig {
        self.client_config_of(alpn, &[&rustls::version::TLS13, &rustls::version::TLS12])
    }

    pub(crate) fn client_config_of(
        &self,
        alpn: &[&str],
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> rustls::ClientConfig {
        use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
        let mut provider = default_provider();
        provider.kx_groups = vec![kx_group::X25519MLKEM768, kx_group::X25519];
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        socket
    }

    pub(crate) async fn connect(&self, config: rustls::ClientConfig) -> io::Result<TlsStream<Sent>> {
        self.connect_in_pieces(Arc::new(config), usize::MAX).await
    }

    /// Sends no more than `piece` octets at a time.
    pub(crate) async fn connect_in_pieces(
        &self,
        config: Arc<rustls::ClientConfig>,
        piece: usize,
    ) -> io::Result<TlsStream<Sent>> {
        let sent = Sent { inner: self.tcp().await, octets: Arc::default(), piece };
        within(10, TlsConnector::from(config).connect(ServerName::try_from(NAME).unwrap(), sent)).await
    }

    pub(crate) async fn http1(&self) -> http1::SendRequest<Full<Bytes>> {
        http1(self.connect(self.client_config(&["http/1.1"])).await.unwrap()).await
    }

    pub(crate) async fn http2(&self) -> http2::SendRequest<Full<Bytes>> {
        http2(self.connect(self.client_config(&["h2"])).await.unwrap()).await
    }

    /// Checks the signature and reads what was signed.
    pub(crate) fn open(&self, sealed: &[u8]) -> Answer {
        let sealed: SealedAnswer = serde_json::from_slice(sealed).unwrap();
        assert_eq!((sealed.v, &sealed.key), (SealedAnswer::VERSION, &self.key));
        UnparsedPublicKey::new(&ED25519, &self.key.0)
            .verify(&SealedAnswer::signed_octets(&sealed.answer.0), &sealed.signature.0)
            .unwrap();
        let answer: Answer = serde_json::from_slice(&sealed.answer.0).unwrap();
        assert_eq!(answer.challenge.to_string(), CHALLENGE);
        answer
    }
}

pub(crate) async fn http1(stream: TlsStream<Sent>) -> http1::SendRequest<Full<Bytes>> {
    let (sender, connection) =
        http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(async { drop(connection.with_upgrades().await) });
    sender
}

pub(crate) async fn http2(stream: TlsStream<Sent>) -> http2::SendRequest<Full<Bytes>> {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub(crate) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header(HOST, NAME).body(Full::default()).unwrap()
}

/// The same for HTTP/2 and HTTP/3, which name the host in the URI.
pub(crate) fn get_absolute(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("https://{NAME}{path}")).body(Full::default()).unwrap()
}

pub(crate) fn reflect_path() -> String {
    format!("/v1/reflect?challenge={CHALLENGE}")
}

pub(crate) async fn body(response: Response<Incoming>) -> Bytes {
    within(20, response.into_body().collect()).await.unwrap().to_bytes()
}

/// No test waits for ever.
pub(crate) async fn within<F: Future>(seconds: u64, work: F) -> F::Output {
    timeout(Duration::from_secs(seconds), work).await.expect("in time")
}

pub(crate) fn exporter(stream: &TlsStream<Sent>) -> HexBytes {
    let exported = stream.get_ref().1.export_keying_material(vec![0; 32], Answer::EXPORTER_LABEL, Some(b""));
    HexBytes(exported.unwrap())
}

pub(crate) fn client_hello(stream: &TlsStream<Sent>) -> HexBytes {
    let octets = stream.get_ref().0.octets.lock().unwrap().clone();
    HexBytes(FirstMessage::new().push(&octets).unwrap().unwrap())
}

/// A socket that remembers what it sent.
pub(crate) struct Sent {
    inner: TcpStream,
    octets: Arc<Mutex<Vec<u8>>>,
    piece: usize,
}

impl AsyncRead for Sent {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Sent {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let octets = &octets[..octets.len().min(self.piece)];
        let polled = Pin::new(&mut self.inner).poll_write(cx, octets);
        if let Poll::Ready(Ok(written)) = polled {
            self.octets.lock().unwrap().extend(&octets[..written]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
