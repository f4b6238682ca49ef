//! One connection: what is known of it, and whether anything still happens on it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use model::{Answer, HexBytes, Syn, Transport};
use rustls::ProtocolVersion;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use wire::quic::recorder::HandshakeRecord;
use wire::tls::{ClientHello, ServerHello};

use crate::Limits;
use crate::admission::Pass;

/// The facts of one connection, kept while it lives.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) transport: Transport,
    pub(crate) client: SocketAddr,
    pub(crate) client_hello: Option<HexBytes>,
    /// The SYN, where the system kept it.
    pub(crate) syn: Option<Syn>,
    pub(crate) tls_version: u16,
    pub(crate) cipher_suite: u16,
    pub(crate) alpn: Option<String>,
    pub(crate) exporter: Option<HexBytes>,
    /// Alt-Svc for responses on this connection (RFC 7838 section 3).
    pub(crate) alternative: Option<HeaderValue>,
    activity: Mutex<Activity>,
    spent: Notify,
    /// The connection counts as long as anything refers to it: an upgraded one outlives its HTTP.
    _pass: Pass,
}

#[derive(Debug)]
struct Activity {
    /// Requests that are being answered.
    open: usize,
    served: usize,
    last: Instant,
}

/// A request that is being answered. The connection is not idle while it exists.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Session>);

const TLS_1_3: u16 = 0x0304;

impl Session {
    pub(crate) fn over_tcp(
        tls: &rustls::ServerConnection,
        client_hello: Option<Vec<u8>>,
        syn: Option<Syn>,
        client: SocketAddr,
        alternative: Option<HeaderValue>,
        pass: Pass,
    ) -> Arc<Self> {
        let version = tls.protocol_version().map_or(0, u16::from);
        Arc::new(Self {
            transport: Transport::Tcp,
            client,
            tls_version: version,
            cipher_suite: tls.negotiated_cipher_suite().map_or(0, |suite| suite.suite().into()),
            alpn: tls.alpn_protocol().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
            exporter: tcp_exporter(tls, client_hello.as_deref()),
            client_hello: client_hello.map(HexBytes),
            syn,
            alternative,
            activity: Activity::starting(),
            spent: Notify::new(),
            _pass: pass,
        })
    }

    pub(crate) fn over_quic(connection: &quinn::Connection, client: SocketAddr, pass: Pass) -> Arc<Self> {
        let record = connection.handshake_data().and_then(|data| data.downcast::<HandshakeRecord>().ok());
        let (client_hello, server_hello, alpn) = match record.map(|record| *record) {
            Some(HandshakeRecord { client_hello, server_hello, alpn, .. }) => (client_hello, server_hello, alpn),
            None => Default::default(),
        };
        let mut exporter = vec![0; EXPORTER_LENGTH];
        let exported = connection.export_keying_material(&mut exporter, Answer::EXPORTER_LABEL, EXPORTER_CONTEXT);
        Arc::new(Self {
            transport: Transport::Quic,
            client,
            // QUIC has no other (RFC 9001 section 4.2).
            tls_version: TLS_1_3,
            cipher_suite: server_hello
                .and_then(|hello| ServerHello::parse(&hello).ok())
                .map_or(0, |hello| hello.cipher_suite),
            alpn: alpn.map(|alpn| String::from_utf8_lossy(&alpn).into_owned()),
            exporter: exported.is_ok().then_some(HexBytes(exporter)),
            client_hello: (!client_hello.is_empty()).then_some(HexBytes(client_hello)),
            syn: None,
            alternative: None,
            activity: Activity::starting(),
            spent: Notify::new(),
            _pass: pass,
        })
    }

    /// Counts a request. The connection is told to end with the last one that it may carry.
    pub(crate) fn begin(self: &Arc<Self>, limits: &Limits) -> Busy {
        let mut activity = self.activity.lock().unwrap_or_else(PoisonError::into_inner);
        activity.open += 1;
        activity.served += 1;
        activity.last = Instant::now();
        if activity.served >= limits.requests_per_connection {
            self.spent.notify_one();
        }
        Busy(self.clone())
    }

    /// Resolves when the connection has carried as many requests as it may.
    pub(crate) async fn spent(&self) {
        self.spent.notified().await;
    }

    /// Resolves when no request was open for `idle`, or when nothing moved on the open ones for `stuck`.
    pub(crate) async fn quiet(&self, idle: Duration, stuck: Duration) {
        loop {
            let (span, last) = {
                let activity = self.activity.lock().unwrap_or_else(PoisonError::into_inner);
                (if activity.open == 0 { idle } else { stuck }, activity.last)
            };
            let now = Instant::now();
            let due = last + span;
            if due <= now {
                return;
            }
            // When the last request ends, what is due changes to something earlier.
            sleep_until(due.min(now + idle / 4)).await;
        }
    }

    fn touch(&self) {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner).last = Instant::now();
    }
}

impl Activity {
    fn starting() -> Mutex<Self> {
        Mutex::new(Self { open: 0, served: 0, last: Instant::now() })
    }
}

impl Busy {
    /// Something moved.
    pub(crate) fn touch(&self) {
        self.0.touch();
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.0
    }
}

/// The same request, kept open by one more holder.
impl Clone for Busy {
    fn clone(&self) -> Self {
        self.0.activity.lock().unwrap_or_else(PoisonError::into_inner).open += 1;
        Self(self.0.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut activity = self.0.activity.lock().unwrap_or_else(PoisonError::into_inner);
        activity.open = activity.open.saturating_sub(1);
        activity.last = Instant::now();
    }
}

/// RFC 9266 section 2.
const EXPORTER_LENGTH: usize = 32;
const EXPORTER_CONTEXT: &[u8] = b"";

/// `tls-exporter` (RFC 9266): not before TLS 1.2, and there only with the extended master secret, without which an
/// interceptor can give both sessions the same keys (section 4.1; RFC 7627 section 1). rustls acknowledges the extended
/// master secret whenever it is offered (RFC 7627 section 5.2), so the ClientHello says whether it is in use.
fn tcp_exporter(tls: &rustls::ServerConnection, client_hello: Option<&[u8]>) -> Option<HexBytes> {
    match tls.protocol_version()? {
        ProtocolVersion::TLSv1_3 => {}
        ProtocolVersion::TLSv1_2 => {
            let hello = ClientHello::parse(client_hello?).ok()?;
            hello.extended_master_secret().then_some(())?;
        }
        _ => return None,
    }
    let exported = tls.export_keying_material(vec![0; EXPORTER_LENGTH], Answer::EXPORTER_LABEL, Some(EXPORTER_CONTEXT));
    exported.ok().map(HexBytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rustls::pki_types::ServerName;
    use rustls::sign::SingleCertAndKey;
    use rustls::version::TLS12;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
    use wire::tls::FirstMessage;

    use crate::Certificate;
    use crate::certificate::provider;

    use super::*;

    /// A TLS 1.2 session in memory, and the ClientHello that began it.
    fn session() -> (ServerConnection, Vec<u8>) {
        let certificate = Certificate::self_signed(&["reflector.example".to_owned()]).unwrap();
        let provider = Arc::new(provider());
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certificate.certified().clone())));
        let mut roots = RootCertStore::empty();
        roots.add(certificate.chain()[0].clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS12])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("reflector.example").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        let mut hello = None;
        while client.is_handshaking() || server.is_handshaking() {
            let mut octets = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut octets).unwrap();
            }
            hello = hello.or_else(|| FirstMessage::new().push(&octets).unwrap());
            pass_on(&octets, |octets| server.read_tls(octets));
            server.process_new_packets().unwrap();
            let mut octets = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut octets).unwrap();
            }
            pass_on(&octets, |octets| client.read_tls(octets));
            client.process_new_packets().unwrap();
        }
        (server, hello.unwrap())
    }

    fn pass_on(octets: &[u8], mut read: impl FnMut(&mut dyn std::io::Read) -> std::io::Result<usize>) {
        let mut octets = Cursor::new(octets);
        while octets.position() < octets.get_ref().len() as u64 {
            read(&mut octets).unwrap();
        }
    }

    /// RFC 9266 section 4.1: without the extended master secret the value binds nothing, so none is given.
    #[test]
    fn tls_1_2_without_extended_master_secret_has_no_exporter() {
        const EXTENDED_MASTER_SECRET: u16 = 23;
        let (server, hello) = session();
        assert_eq!(tcp_exporter(&server, Some(&hello)).unwrap().0.len(), EXPORTER_LENGTH);
        assert_eq!(tcp_exporter(&server, None), None);

        let mut without = ClientHello::parse(&hello).unwrap();
        without.extension_block.as_mut().unwrap().retain(|extension| extension.code != EXTENDED_MASTER_SECRET);
        assert_eq!(tcp_exporter(&server, Some(&without.encode())), None);
    }
}
