//! `http`: a plain request, and what the answer says of who wrote it.

use model::{Attempt, Http, HttpExchange};

use crate::check::{Check, no_wait};
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
};

pub(crate) async fn run(host: &Host) -> Attempt<Http> {
    let (preferred, http1) = tokio::join!(exchange(host, "preferred", ALPN), exchange(host, "http/1.1", &["http/1.1"]));
    Attempt::Seen(Http { preferred, http1 })
}

async fn exchange(host: &Host, purpose: &'static str, alpn: &[&str]) -> Attempt<HttpExchange> {
    let timeout = host.settings().timeout;
    let wanted = Wanted { check: CHECK.name, purpose, hello: Hello::Hybrid, alpn, sni: true, prepared: None };
    let opened = match host.open(wanted).await {
        Ok(opened) => opened,
        Err(not_opened) => return Attempt::Failed(not_opened.failure),
    };
    let exchange = async {
        let mut client = Client::start(opened, timeout).await?;
        let path = host.target.path.as_str();
        let response = client.get(&host.target, path, "*/*", timeout).await?;
        Ok(response.read(client.connection, path, timeout).await)
    };
    exchange.await.into()
}
