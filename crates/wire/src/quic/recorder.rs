//! Records the TLS hellos of a QUIC handshake from inside of a quinn endpoint.
//!
//! A QUIC packet shows its ClientHello only to who removes the packet protection; the TLS session below quinn has it in
//! the clear as CRYPTO data (RFC 9001 section 4.1.3). The wrappers here stand between quinn and its rustls sessions, keep
//! the first message of each direction and hand everything through unchanged. What is kept appears in the connection's
//! `handshake_data()` as [`HandshakeRecord`], which takes the place of quinn's own
//! [`HandshakeData`]. At most 64 KiB are kept of each direction.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use quinn_proto::crypto::rustls::{HandshakeData, NoInitialCipherSuite, QuicClientConfig, QuicServerConfig};
use quinn_proto::crypto::{
    ClientConfig, ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, ServerConfig, Session,
    UnsupportedVersion,
};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{ConnectError, ConnectionId, Side, TransportError};

use crate::tls::Messages;

/// What `handshake_data()` of a connection made with [`client`] or [`server`] downcasts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeRecord {
    /// The first ClientHello message, its four octets of header included; empty where the handshake was at an end before
    /// one was whole, or where it was longer than 64 KiB.
    pub client_hello: Vec<u8>,
    /// The first message of the server: a ServerHello, or the HelloRetryRequest before it.
    pub server_hello: Option<Vec<u8>>,
    pub alpn: Option<Vec<u8>>,
    /// The name that the client asked for; only the server's side knows it.
    pub server_name: Option<String>,
}

/// A client configuration for `quinn::ClientConfig::new`. Fails where the provider lacks TLS_AES_128_GCM_SHA256, which
/// protects Initial packets (RFC 9001 section 5.2).
pub fn client(config: Arc<rustls::ClientConfig>) -> Result<Arc<dyn ClientConfig>, NoInitialCipherSuite> {
    Ok(Arc::new(RecordingClient(Arc::new(QuicClientConfig::try_from(config)?))))
}

/// A server configuration for `quinn::ServerConfig::new`; fails as [`client`] does.
pub fn server(config: Arc<rustls::ServerConfig>) -> Result<Arc<dyn ServerConfig>, NoInitialCipherSuite> {
    Ok(Arc::new(RecordingServer(Arc::new(QuicServerConfig::try_from(config)?))))
}

struct RecordingClient(Arc<QuicClientConfig>);

impl ClientConfig for RecordingClient {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        let inner = Arc::clone(&self.0).start_session(version, server_name, params)?;
        Ok(Box::new(RecordingSession::new(inner, Side::Client)))
    }
}

struct RecordingServer(Arc<QuicServerConfig>);

impl ServerConfig for RecordingServer {
    fn initial_keys(&self, version: u32, dst_cid: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        self.0.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.0.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(self: Arc<Self>, version: u32, params: &TransportParameters) -> Box<dyn Session> {
        let inner = Arc::clone(&self.0).start_session(version, params);
        Box::new(RecordingSession::new(inner, Side::Server))
    }
}

/// The first message of one direction. Recording ends with it, or with octets that are no message; the handshake itself
/// never depends on what was recorded.
struct First {
    messages: Messages,
    message: Option<Vec<u8>>,
    done: bool,
}

impl First {
    fn new() -> Self {
        Self { messages: Messages::of_hellos(), message: None, done: false }
    }

    fn push(&mut self, octets: &[u8]) {
        if self.done {
            return;
        }
        self.messages.push(octets);
        match self.messages.next() {
            Ok(None) => return,
            Ok(Some(message)) => self.message = Some(message),
            // Longer than any hello: rustls judges it, we forget it.
            Err(_) => {}
        }
        self.messages = Messages::of_hellos();
        self.done = true;
    }
}

struct RecordingSession {
    inner: Box<dyn Session>,
    side: Side,
    written: First,
    read: First,
}

impl RecordingSession {
    fn new(inner: Box<dyn Session>, side: Side) -> Self {
        Self { inner, side, written: First::new(), read: First::new() }
    }
}

impl Session for RecordingSession {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.inner.initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        let data = self.inner.handshake_data()?;
        let HandshakeData { protocol, server_name, .. } = *data.downcast::<HandshakeData>().ok()?;
        let (ours, theirs) = (self.written.message.clone(), self.read.message.clone());
        let (client_hello, server_hello) = match self.side {
            Side::Client => (ours, theirs),
            Side::Server => (theirs, ours),
        };
        Some(Box::new(HandshakeRecord {
            client_hello: client_hello.unwrap_or_default(),
            server_hello,
            alpn: protocol,
            server_name,
        }))
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.inner.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        self.read.push(buf);
        self.inner.read_handshake(buf)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        let before = buf.len();
        let keys = self.inner.write_handshake(buf);
        self.written.push(buf.get(before..).unwrap_or_default());
        keys
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        self.inner.next_1rtt_keys()
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.inner.is_valid_retry(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}

impl fmt::Debug for RecordingSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingSession").field("side", &self.side).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Instant;

    use bytes::BytesMut;
    use quinn_proto::{ClientConfig, ConnectionHandle, DatagramEvent, Endpoint, EndpointConfig, ServerConfig};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::version::TLS13;

    use super::*;
    use crate::tls::{ClientHello, ServerHello, hello_differences};

    /// The configurations of both ends. Where a second hello is wanted the server takes only a group that came without a
    /// share.
    fn configs(second_hello: bool) -> (ClientConfig, ServerConfig, CertificateDer<'static>) {
        let key = rcgen::generate_simple_self_signed(["mail.example".to_owned()]).unwrap();
        let certificate = key.cert.der().clone();
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        // As browsers do: with a share for it in the hello.
        provider.kx_groups.sort_by_key(|group| group.name() != rustls::NamedGroup::X25519MLKEM768);
        let mut servers_provider = provider.clone();
        if second_hello {
            servers_provider.kx_groups.retain(|group| group.name() == rustls::NamedGroup::secp384r1);
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let mut client_config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client_config.alpn_protocols = vec![b"h3".to_vec()];
        let mut server_config = rustls::ServerConfig::builder_with_provider(Arc::new(servers_provider))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der())),
            )
            .unwrap();
        server_config.alpn_protocols = vec![b"h3".to_vec()];
        let client = ClientConfig::new(client(Arc::new(client_config)).unwrap());
        let server = ServerConfig::with_crypto(server(Arc::new(server_config)).unwrap());
        (client, server, certificate)
    }

    /// Carries datagrams between two endpoints until neither has any, and gives both ends of the connection.
    fn handshake(
        client_config: ClientConfig,
        server_config: ServerConfig,
    ) -> (quinn_proto::Connection, quinn_proto::Connection) {
        let addresses: [SocketAddr; 2] = ["127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()];
        let endpoint_config = Arc::new(EndpointConfig::default());
        let mut client = Endpoint::new(Arc::clone(&endpoint_config), None, true, None);
        let mut server = Endpoint::new(endpoint_config, Some(Arc::new(server_config)), true, None);
        let now = Instant::now();

        let (handle, connection) = client.connect(now, client_config, addresses[1], "mail.example").unwrap();
        let mut ends: [Option<(ConnectionHandle, quinn_proto::Connection)>; 2] = [Some((handle, connection)), None];
        let endpoints = [&mut client, &mut server];
        for _ in 0..20 {
            for from in 0..2 {
                let to = 1 - from;
                let mut datagrams: Vec<Vec<u8>> = Vec::new();
                if let Some((handle, connection)) = &mut ends[from] {
                    let mut buffer = Vec::new();
                    while let Some(transmit) = connection.poll_transmit(now, 1, &mut buffer) {
                        datagrams.push(buffer[..transmit.size].to_vec());
                        buffer.clear();
                    }
                    while let Some(event) = connection.poll_endpoint_events() {
                        if let Some(event) = endpoints[from].handle_event(*handle, event) {
                            connection.handle_event(event);
                        }
                    }
                }
                for datagram in datagrams {
                    let mut buffer = Vec::new();
                    let octets = BytesMut::from(&datagram[..]);
                    match endpoints[to].handle(now, addresses[from], None, None, octets, &mut buffer) {
                        Some(DatagramEvent::NewConnection(incoming)) => {
                            let accepted = endpoints[to].accept(incoming, now, &mut buffer, None);
                            ends[to] = Some(accepted.map_err(|error| error.cause).unwrap());
                        }
                        Some(DatagramEvent::ConnectionEvent(_, event)) => {
                            ends[to].as_mut().unwrap().1.handle_event(event);
                        }
                        Some(DatagramEvent::Response(_)) | None => {}
                    }
                }
            }
        }
        let [client, server] = ends.map(|end| end.unwrap().1);
        (client, server)
    }

    fn record(connection: &quinn_proto::Connection) -> HandshakeRecord {
        let data = connection.crypto_session().handshake_data().expect("the handshake came far enough");
        *data.downcast::<HandshakeRecord>().expect("it is ours")
    }

    #[test]
    fn both_ends_record_the_same_hellos() {
        let (client_config, server_config, certificate) = configs(false);
        let (client, server) = handshake(client_config, server_config);
        assert!(!client.is_handshaking() && !server.is_handshaking());
        let (ours, theirs) = (record(&client), record(&server));

        assert!(ours.client_hello.len() > 1200, "a hybrid key share makes it longer than one datagram");
        assert_eq!(hello_differences(&ours.client_hello, &theirs.client_hello), Vec::<String>::new());
        assert_eq!(ours.client_hello, theirs.client_hello);
        assert_eq!(ours.server_hello, theirs.server_hello);
        assert_eq!(ours.alpn.as_deref(), Some(&b"h3"[..]));
        assert_eq!((ours.server_name, theirs.server_name.as_deref()), (None, Some("mail.example")));

        let hello = ClientHello::parse(&ours.client_hello).unwrap();
        assert_eq!(hello.server_name().unwrap().as_str(), "mail.example");
        assert!(hello.extension(57).is_some(), "quic_transport_parameters (RFC 9001 section 8.2)");
        let hello = ServerHello::parse(&ours.server_hello.unwrap()).unwrap();
        assert_eq!((hello.version(), hello.group()), (0x0304, Some(0x11ec)));

        let identity = client.crypto_session().peer_identity().unwrap();
        assert_eq!(*identity.downcast::<Vec<CertificateDer<'static>>>().unwrap(), [certificate]);
        let mut exported = [[0; 32]; 2];
        for (connection, output) in [&client, &server].into_iter().zip(&mut exported) {
            connection.crypto_session().export_keying_material(output, b"EXPORTER-Channel-Binding", b"").unwrap();
        }
        assert_eq!(exported[0], exported[1]);
    }

    #[test]
    fn of_two_client_hellos_the_first_is_recorded() {
        let (client_config, server_config, _) = configs(true);
        let (client, server) = handshake(client_config, server_config);
        assert!(!client.is_handshaking() && !server.is_handshaking());
        let (ours, theirs) = (record(&client), record(&server));
        assert_eq!(ours.client_hello, theirs.client_hello);
        assert!(ServerHello::parse(&ours.server_hello.unwrap()).unwrap().is_hello_retry_request());
    }

    #[test]
    fn what_is_longer_than_any_hello_is_forgotten() {
        let mut first = First::new();
        first.push(&[1, 1, 0, 1, 0]);
        first.push(&[0; 100]);
        assert!(first.done && first.message.is_none());
    }
}
