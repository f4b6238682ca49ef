//! The QUIC endpoint: who may connect, and one connection from its handshake to its end.

use std::sync::Arc;

use quinn::{Endpoint, Incoming, ServerConfig, TransportConfig};
use tokio::time::timeout;
use wire::quic::recorder;

use crate::admission::Pass;
use crate::http::{STREAMS_PER_CONNECTION, Site};
use crate::lifecycle::Tasks;
use crate::session::Session;
use crate::tcp::canonical;
use crate::{Error, Limits};

use super::http3;

pub(crate) fn configuration(tls: rustls::ServerConfig, limits: &Limits) -> Result<ServerConfig, Error> {
    let crypto = recorder::server(Arc::new(tls)).map_err(|error| Error::Quic(error.into()))?;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(STREAMS_PER_CONNECTION.into())
        // The control stream, the two of QPACK, and one for grease (RFC 9114 section 6.2).
        .max_concurrent_uni_streams(8_u32.into())
        .stream_receive_window((256_u32 << 10).into())
        .receive_window((1_u32 << 20).into())
        .send_window(1 << 20)
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(limits.idle.try_into().map_err(|error| Error::Quic(Box::new(error)))?));
    // No keep-alive, for the same reason as over TCP: nothing of ours may hold a silent path open.
    let mut config = ServerConfig::with_crypto(crypto);
    config.transport_config(Arc::new(transport)).max_incoming(limits.connections);
    Ok(config)
}

/// Accepts until it is time to stop.
pub(crate) async fn accept(endpoint: Endpoint, site: Arc<Site>, tasks: Tasks) {
    loop {
        let incoming = tokio::select! {
            incoming = endpoint.accept() => incoming,
            () = tasks.draining() => break,
        };
        let Some(incoming) = incoming else { return };
        let address = incoming.remote_address().ip();
        if site.connections.is_crowded(address) && incoming.may_retry() {
            // Fails only where a retry may not be sent, which was asked before.
            let _ = incoming.retry();
            continue;
        }
        match site.connections.enter(address) {
            Ok(pass) => tasks.spawn(connection(incoming, site.clone(), pass, tasks.clone())),
            Err(_) => incoming.refuse(),
        }
    }
    endpoint.wait_idle().await;
}

async fn connection(incoming: Incoming, site: Arc<Site>, pass: Pass, tasks: Tasks) {
    let client = canonical(incoming.remote_address());
    let Ok(connecting) = incoming.accept() else { return };
    let Ok(Ok(connection)) = timeout(site.limits.handshake, connecting).await else { return };
    let session = Session::over_quic(&connection, client, pass);
    http3::serve(connection, session, site, tasks).await;
}
