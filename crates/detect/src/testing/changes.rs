//! Small changes to what a host answered.

use model::*;

use super::*;

pub(crate) fn sessions(host: &mut HostRecord, mut change: impl FnMut(&mut TlsSession)) {
    for connection in &mut host.connections {
        if let Attempt::Seen(tls) = &mut connection.tls {
            change(tls);
        }
    }
}

pub(crate) fn tls(host: &mut HostRecord) -> &mut Tls {
    seen(&mut host.tls)
}

pub(crate) fn exchanges(host: &mut HostRecord, mut change: impl FnMut(&mut HttpExchange)) {
    if let Attempt::Seen(http) = &mut host.http {
        for exchange in [&mut http.preferred, &mut http.http1] {
            change(seen(exchange));
        }
    }
}

/// Adds a header to plain responses over TCP, or replaces it.
pub(crate) fn header(host: &mut HostRecord, name: &str, value: &str) {
    without_header(host, name);
    exchanges(host, |exchange| exchange.headers.push(Header(name.to_owned(), value.to_owned())));
}

pub(crate) fn without_header(host: &mut HostRecord, name: &str) {
    exchanges(host, |exchange| exchange.headers.retain(|header| !header.0.eq_ignore_ascii_case(name)));
}

pub(crate) fn status(host: &mut HostRecord, status: u16) {
    exchanges(host, |exchange| exchange.status = status);
}

pub(crate) fn page(host: &mut HostRecord, text: &str) {
    exchanges(host, |exchange| seen(&mut exchange.body).text = Some(text.to_owned()));
}

pub(crate) fn http3(host: &mut HostRecord) -> &mut Http3 {
    seen(&mut seen(&mut host.quic).http3)
}

pub(crate) fn websocket_record(host: &mut HostRecord) -> &mut WebSocket {
    seen(&mut host.websocket)
}

pub(crate) fn websocket(host: &mut HostRecord, change: impl FnOnce(&mut WebSocketSession)) {
    change(seen(&mut websocket_record(host).http1));
}

pub(crate) fn idle(host: &mut HostRecord, change: impl FnOnce(&mut WebSocketSession)) {
    change(seen(&mut websocket_record(host).idle));
}

pub(crate) fn stream(host: &mut HostRecord) -> &mut Stream {
    seen(&mut host.stream)
}
