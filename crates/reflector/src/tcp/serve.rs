//! The accept loop, and one connection from its handshake to its end.

use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::admission::Pass;
use crate::http::{HEAD, HEADERS, STREAMS_PER_CONNECTION, Site, serve_request};
use crate::lifecycle::Tasks;
use crate::session::Session;

use super::heads::Heads;
use super::syn;
use super::tap::Tap;

/// Accepts until it is time to stop.
pub(crate) async fn accept(listener: TcpListener, site: Arc<Site>, alternative: Option<HeaderValue>, tasks: Tasks) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tasks.draining() => return,
        };
        match accepted {
            Ok((socket, client)) => {
                let client = canonical(client);
                // Whoever is one too many is cut at once: a handshake would cost more than it could say.
                let Ok(pass) = site.connections.enter(client.ip()) else { continue };
                tasks.spawn(connection(socket, client, site.clone(), alternative.clone(), pass, tasks.clone()));
            }
            // Either the connection died in the queue, or we are out of file descriptors: then others must end first.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A client that reached a dual-stack socket over IPv4 is told its IPv4 address.
pub(crate) fn canonical(client: SocketAddr) -> SocketAddr {
    match client.ip().to_canonical() {
        IpAddr::V4(address) => SocketAddr::new(address.into(), client.port()),
        IpAddr::V6(_) => client,
    }
}

async fn connection(
    socket: TcpStream,
    client: SocketAddr,
    site: Arc<Site>,
    alternative: Option<HeaderValue>,
    pass: Pass,
    tasks: Tasks,
) {
    let limits = &site.limits;
    // The pace of events and frames is what is measured, so nothing may wait to be sent together.
    let _ = socket.set_nodelay(true);
    let syn = syn::kept(&socket);
    let handshake = site.tls.accept(Tap::new(socket, limits.stall));
    let Ok(Ok(stream)) = timeout(limits.handshake, handshake).await else { return };
    let (tap, tls) = stream.get_ref();
    let is_http2 = tls.alpn_protocol() == Some(b"h2");
    let session = Session::over_tcp(tls, tap.client_hello().map(<[u8]>::to_vec), syn, client, alternative, pass);

    if is_http2 {
        let service = {
            let (site, session, tasks) = (site.clone(), session.clone(), tasks.clone());
            service_fn(move |request| serve_request(site.clone(), session.clone(), None, tasks.clone(), request))
        };
        // No PINGs of ours: traffic from us would keep alive a path whose idle life is being measured.
        let connection = http2::Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_PER_CONNECTION)
            .max_header_list_size(HEAD_HTTP2)
            .max_send_buf_size(64 << 10)
            .enable_connect_protocol()
            .serve_connection(TokioIo::new(stream), service);
        drive(connection, &session, &site, &tasks).await;
    } else {
        let heads = Heads::default();
        let io = TokioIo::new(heads.tap(stream));
        let service = {
            let (site, session, tasks) = (site.clone(), session.clone(), tasks.clone());
            service_fn(move |request| {
                serve_request(site.clone(), session.clone(), Some(heads.clone()), tasks.clone(), request)
            })
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_headers(HEADERS)
            .max_header_size(HEAD)
            .max_buf_size(HEAD)
            .serve_connection(io, service)
            .with_upgrades();
        drive(connection, &session, &site, &tasks).await;
    }
}

/// As [`HEAD`], in the type of an HTTP/2 setting.
const HEAD_HTTP2: u32 = 64 << 10;

/// Runs a connection until it ends, is spent, quiet or too old, or the reflector stops.
async fn drive<C: Graceful>(connection: C, session: &Session, site: &Site, tasks: &Tasks) {
    let limits = &site.limits;
    let mut connection = pin!(connection);
    let mut life = pin!(sleep(limits.life));
    tokio::select! {
        () = connection.as_mut().end() => return,
        () = session.quiet(limits.idle, limits.stuck()) => {}
        () = session.spent() => {}
        () = tasks.draining() => {}
        () = life.as_mut() => return,
    }
    connection.as_mut().wind_up();
    // A peer that does not take the hint is cut once it is quiet for a moment.
    tokio::select! {
        () = connection.end() => {}
        () = session.quiet(limits.drain, limits.stuck()) => {}
        () = life => {}
    }
}

/// A connection of either HTTP version.
trait Graceful {
    async fn end(self: Pin<&mut Self>);
    /// Ends when the requests that are being answered are.
    fn wind_up(self: Pin<&mut Self>);
}

impl<I, S, B> Graceful for http1::UpgradeableConnection<I, S>
where
    Self: Future,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    async fn end(self: Pin<&mut Self>) {
        self.await;
    }

    fn wind_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, B> Graceful for http2::Connection<I, S, Tasks>
where
    Self: Future,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    Tasks: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
{
    async fn end(self: Pin<&mut Self>) {
        self.await;
    }

    fn wind_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
