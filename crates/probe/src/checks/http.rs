//! `http`: a plain request, and what the answer says of who wrote it.

use model::{Attempt, Http, HttpExchange};
use wire::http::LinkHosts;

use crate::check::{Check, Scope, no_wait};
use crate::host::{Host, Wanted};
use crate::http_client::{ALPN, Client};
use crate::tls::Hello;

pub(crate) const CHECK: Check = Check {
    name: "http",
    title: "a plain request over HTTP/2 and over HTTP/1.1: status, headers, first byte",
    page: "\
Sends one GET without a sign-in over what ALPN chooses of HTTP/2 and HTTP/1.1, and one over HTTP/1.1 alone. Records
status, all headers (Server, Via, Alt-Svc, Date, Location), the time to the first byte and the start of the body.

Shows proxies that answer in the service's stead (407, 403 with a proxy's Server header, block pages), headers that a
device adds, Alt-Svc that a device removes, and the loss of HTTP/2. Cost: two connections, at most 256 KiB of body each.",
    round_trips: 3,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 22_000,
    scope: Scope::Host,
    by_default: true,
};

pub(crate) async fn run(host: &Host) -> Attempt<Http> {
    let exchange = |purpose, alpn| exchange(host, CHECK.name, purpose, alpn);
    let (preferred, http1) = tokio::join!(exchange("preferred", ALPN), exchange("http/1.1", &["http/1.1"]));
    Attempt::Seen(Http { preferred, http1 })
}

/// One request on a connection of its own. The hosts that the page links to are noted down on the way: the record keeps only
/// the start of its text.
pub(super) async fn exchange(
    host: &Host,
    check: &'static str,
    purpose: &'static str,
    alpn: &[&str],
) -> Attempt<HttpExchange> {
    let timeout = host.settings().timeout;
    let wanted = Wanted { check, purpose, hello: Hello::Hybrid, alpn, sni: true, prepared: None };
    let opened = match host.open(wanted).await {
        Ok(opened) => opened,
        Err(not_opened) => return Attempt::Failed(not_opened.failure),
    };
    let exchange = async {
        let mut client = Client::start(opened, timeout).await?;
        let path = host.target.path.as_str();
        let response = client.get(&host.target, path, "*/*", timeout).await?;
        let mut links = LinkHosts::default();
        let exchange = response.read(client.connection, path, timeout, |piece| links.push(piece)).await;
        host.note_links(links.finish());
        Ok(exchange)
    };
    exchange.await.into()
}
