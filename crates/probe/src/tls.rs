//! TLS as the checks speak it: hellos of three shapes, a verifier that records the chain and judges nothing but the
//! peer's possession of the key, and what a finished session shows.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use model::{FailureKind, HexBytes, HostName, Operation, TlsSession};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, Resumption};
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, HandshakeKind, SignatureScheme};
use tokio_rustls::client::TlsStream;

use crate::failure::Stopwatch;
use crate::tap::{Hellos, Tapped};

/// The shape of the ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// With the X25519MLKEM768 key share: larger than one segment, as today's browsers send it.
    Hybrid,
    /// Without it: fits one segment.
    Classic,
    /// TLS 1.2 and nothing newer.
    Tls12,
}

impl Hello {
    fn provider(self) -> Arc<CryptoProvider> {
        static PROVIDERS: OnceLock<[Arc<CryptoProvider>; 2]> = OnceLock::new();
        let [hybrid, classic] = PROVIDERS.get_or_init(|| {
            let classic = vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
            let mut hybrid = vec![kx_group::X25519MLKEM768];
            hybrid.extend(&classic);
            [hybrid, classic].map(|kx_groups| Arc::new(CryptoProvider { kx_groups, ..default_provider() }))
        });
        match self {
            Self::Hybrid => hybrid.clone(),
            Self::Classic | Self::Tls12 => classic.clone(),
        }
    }
}

/// `tls-exporter` channel binding (RFC 9266 section 2): label, zero-length context, 32 octets.
pub(crate) const EXPORTER_LABEL: &[u8] = model::Answer::EXPORTER_LABEL;
pub(crate) const EXPORTER_LENGTH: usize = 32;

/// A TLS client configuration, and the slot where the chain of its latest handshake will be found.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) config: ClientConfig,
    pub(crate) chain: PresentedChain,
}

pub(crate) fn prepare(
    hello: Hello,
    alpn: &[&str],
    sni: bool,
    sessions: Option<Arc<dyn ClientSessionStore>>,
) -> Result<Prepared, rustls::Error> {
    let provider = hello.provider();
    let chain = PresentedChain::default();
    let verifier = Arc::new(RecordingVerifier { provider: provider.clone(), chain: chain.clone() });
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = match hello {
        Hello::Tls12 => builder.with_protocol_versions(&[&rustls::version::TLS12])?,
        Hello::Hybrid | Hello::Classic => builder.with_safe_default_protocol_versions()?,
    };
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config.enable_sni = sni;
    config.resumption = match sessions {
        Some(store) => Resumption::store(store),
        None => Resumption::disabled(),
    };
    Ok(Prepared { config, chain })
}

/// The certificates that the peer presented, as soon as it did.
#[derive(Clone, Debug, Default)]
pub(crate) struct PresentedChain(Arc<Mutex<Option<Vec<Vec<u8>>>>>);

impl PresentedChain {
    pub(crate) fn certificates(&self) -> Option<Vec<Vec<u8>>> {
        self.slot().clone()
    }

    pub(crate) fn clear(&self) {
        *self.slot() = None;
    }

    fn slot(&self) -> MutexGuard<'_, Option<Vec<Vec<u8>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts every chain and records it. The signature over the handshake is verified all the same: a peer that shows a
/// certificate without holding its key must not pass for the certificate's owner.
struct RecordingVerifier {
    provider: Arc<CryptoProvider>,
    chain: PresentedChain,
}

impl fmt::Debug for RecordingVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingVerifier").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect();
        *self.chain.slot() = Some(chain);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let strict = verify_tls13_signature(message, certificate, signature, algorithms);
        // Some interceptors mint certificates that a strict parser refuses. What matters here is the key.
        match (strict, wire::x509::subject_public_key_info(certificate)) {
            (Err(_), Some(spki)) => {
                let spki = spki.to_vec();
                verify_tls13_signature_with_raw_key(
                    message,
                    &SubjectPublicKeyInfoDer::from(spki),
                    signature,
                    algorithms,
                )
            }
            (strict, _) => strict,
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Shakes hands over `stream`; the caller bounds the time and keeps `hellos` and `chain` for the case that it runs out.
pub(crate) async fn handshake(
    stream: Tapped,
    hellos: &Hellos,
    config: ClientConfig,
    host: &HostName,
    watch: Stopwatch,
) -> Result<(TlsStream<Tapped>, TlsSession), model::Failure> {
    let name = ServerName::try_from(host.as_str().to_owned())
        .map_err(|error| watch.failure(Operation::Handshake, FailureKind::Local, error.to_string()))?;
    let started = Stopwatch::start();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.map_err(|error| watch.io(Operation::Handshake, &error))?;
    let handshake_ms = started.elapsed().into();
    let (_, connection) = stream.get_ref();
    let server_hello = hellos.server().and_then(|message| wire::tls::ServerHello::parse(&message).ok());
    let version = connection.protocol_version().map_or(0, u16::from);
    let extended_master_secret =
        version >= 0x0304 || server_hello.is_some_and(|server_hello| server_hello.extended_master_secret());
    let exporter = extended_master_secret
        .then(|| connection.export_keying_material([0u8; EXPORTER_LENGTH], EXPORTER_LABEL, Some(&[])).ok())
        .flatten();
    let session = TlsSession {
        version,
        cipher_suite: connection.negotiated_cipher_suite().map_or(0, |suite| u16::from(suite.suite())),
        group: connection.negotiated_key_exchange_group().map(|group| u16::from(group.name())),
        alpn: connection.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        extended_master_secret,
        handshake_ms,
        exporter: exporter.map(|octets| HexBytes(octets.to_vec())),
    };
    Ok((stream, session))
}

/// Keeps the tickets of one host for one more connection, and tells when the first one came.
#[derive(Debug)]
pub(crate) struct Sessions {
    memory: rustls::client::ClientSessionMemoryCache,
    arrived: tokio::sync::watch::Sender<bool>,
}

impl Sessions {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            memory: rustls::client::ClientSessionMemoryCache::new(8),
            arrived: tokio::sync::watch::Sender::new(false),
        })
    }

    pub(crate) fn arrived(&self) -> bool {
        *self.arrived.borrow()
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: rustls::NamedGroup) {
        self.memory.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<rustls::NamedGroup> {
        self.memory.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: rustls::client::Tls12ClientSessionValue) {
        self.memory.set_tls12_session(server_name, value);
        self.arrived.send_replace(true);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<rustls::client::Tls12ClientSessionValue> {
        self.memory.tls12_session(server_name)
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.memory.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: rustls::client::Tls13ClientSessionValue) {
        self.memory.insert_tls13_ticket(server_name, value);
        self.arrived.send_replace(true);
    }

    fn take_tls13_ticket(&self, server_name: &ServerName<'static>) -> Option<rustls::client::Tls13ClientSessionValue> {
        self.memory.take_tls13_ticket(server_name)
    }
}

/// A stream as the layers above see it.
pub(crate) type Stream = TlsStream<Tapped>;

/// The peer's octets after the handshake are read only to let tickets in; whatever they say is dropped.
pub(crate) async fn wait_for_ticket(stream: &mut Stream, sessions: &Sessions) {
    use tokio::io::AsyncReadExt;
    let mut dropped = [0u8; 1024];
    let mut arrived = sessions.arrived.subscribe();
    let mut read = 0;
    while !*arrived.borrow_and_update() && read < 64 * 1024 {
        tokio::select! {
            biased;
            _ = arrived.changed() => return,
            octets = stream.read(&mut dropped) => match octets {
                Ok(0) | Err(_) => return,
                Ok(octets) => read += octets,
            },
        }
    }
}
