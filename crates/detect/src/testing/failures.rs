//! What fails on a host: connections, handshakes, QUIC, WebSockets.

use model::*;

use super::*;

/// No connection over TCP or QUIC comes further than this.
pub(crate) fn cut_off(host: &mut HostRecord, operation: Operation, kind: FailureKind) {
    let failure = Failure { operation, kind, detail: "as tested".to_owned(), after_ms: Milliseconds(5_000.0) };
    for connection in &mut host.connections {
        connection.tls = Attempt::Failed(failure.clone());
        connection.chain = None;
        if operation == Operation::Connect {
            connection.connect_ms = None;
        }
    }
    if matches!(operation, Operation::Resolve) {
        host.dns = Attempt::Failed(failure.clone());
        host.connections.clear();
    }
    if matches!(operation, Operation::Resolve | Operation::Connect | Operation::Proxy) {
        host.tcp = Attempt::Failed(failure.clone());
    }
    host.http = Attempt::Failed(failure.clone());
    host.quic = Attempt::not_tried("nothing over TCP works");
    host.websocket = Attempt::Failed(failure.clone());
    host.stream = Attempt::Failed(failure);
    host.chains.clear();
}

/// Nothing was tried.
pub(crate) fn forget(host: &mut HostRecord) {
    host.dns = Attempt::not_tried("skipped");
    host.tcp = Attempt::not_tried("skipped");
    host.tls = Attempt::not_tried("skipped");
    host.http = Attempt::not_tried("skipped");
    host.quic = Attempt::not_tried("skipped");
    host.websocket = Attempt::not_tried("skipped");
    host.stream = Attempt::not_tried("skipped");
    host.connections.clear();
    host.chains.clear();
}

/// One connection's handshake fails.
pub(crate) fn fail(host: &mut HostRecord, connection: usize, kind: FailureKind) {
    let failure =
        Failure { operation: Operation::Handshake, kind, detail: String::new(), after_ms: Milliseconds(40.0) };
    host.connections[connection].tls = Attempt::Failed(failure);
    host.connections[connection].chain = None;
}

/// The QUIC handshake fails after so many datagrams; version negotiation answers or not.
pub(crate) fn quic_fails(host: &mut HostRecord, kind: FailureKind, datagrams: u32, negotiates: bool) {
    fail(host, QUIC, kind.clone());
    let quic = seen(&mut host.quic);
    quic.handshake_datagrams_received = datagrams;
    quic.http3 = Attempt::Failed(failure(kind.clone()));
    if !negotiates {
        quic.version_negotiation = Attempt::Failed(failure(kind));
    }
}

pub(crate) fn http3_fails(host: &mut HostRecord, kind: FailureKind) {
    seen(&mut host.quic).http3 = Attempt::Failed(failure(kind));
}

pub(crate) fn websocket_refused(host: &mut HostRecord, status: u16) {
    let none = || Attempt::not_applicable("the WebSocket did not open");
    let websocket = websocket_record(host);
    for session in [&mut websocket.http1, &mut websocket.idle] {
        let session = seen(session);
        session.status = status;
        session.end = WebSocketEnd::Refused;
        session.accept_matches = None;
        session.extensions_arrived = Attempt::not_applicable("the WebSocket did not open");
        session.small_frame_ms = none();
        session.large_frame_ms = none();
    }
    websocket.http2 = Attempt::not_applicable("HTTP/2 was not negotiated");
}

/// Every handshake over TCP fails, but for the one with the small hello.
pub(crate) fn large_hellos_fail(host: &mut HostRecord, kind: FailureKind) {
    let large = |c: &Connection| c.transport == Transport::Tcp && c.purpose != "classic";
    let places: Vec<usize> = (0..host.connections.len()).filter(|place| large(&host.connections[*place])).collect();
    places.into_iter().for_each(|place| fail(host, place, kind.clone()));
}
