//! `casb`: names that a reverse proxy rewrites: redirects, cookies, links.

use http::Uri;
use model::{Attempt, Casb, Failure, FailureKind, Http, HttpExchange, Operation, Redirect, Target};
use wire::http::known_links;

use super::http::exchange;
use crate::check::{Check, Scope, no_wait};
use crate::failure::{Stopwatch, within};
use crate::host::{Host, Wanted};
use crate::http_client::{ALPN, Client};
use crate::tls::Hello;

pub(crate) const CHECK: Check = Check {
    name: "casb",
    title: "names that a reverse proxy rewrites: redirects, cookies, links",
    page: "\
Reads from the answers that the http check got where the host redirects to, which cookies it sets (their names, not their
values), and to which hosts its page links. Redirects within the host are followed, three at most; another host is not
asked. At the reflector it fetches a page whose links are known, among them names of Microsoft 365, and records what each
of them became on the way.

Shows a cloud access security broker that works as a reverse proxy. It sends people to names of its own
(outlook.office.com.mcas.ms), sets cookies of its own, and rewrites the links of every page so that they stay with it.

Cost: nothing where the http check runs and the host redirects nowhere; else one connection. At the reflector, one
connection and a page of 8 KiB. Limits: a broker that takes people in only after the sign-in shows the names of the sign-in
alone; links are looked for in the first 256 KiB of text that is not compressed.",
    round_trips: 4,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 0,
    scope: Scope::Host,
    by_default: true,
};

/// Redirects followed within the host.
const FOLLOWED: usize = 3;
/// Characters kept of where a redirect leads.
const LOCATION_CHARACTERS: usize = 1024;
/// Names of cookies kept, and characters of one.
const COOKIES: usize = 64;
const COOKIE_CHARACTERS: usize = 128;
/// The page whose links are known, and the octets of it that are read: three times what it has.
const PAGE: &str = "/v1/fidelity/page?transform=yes";
const PAGE_OCTETS: usize = 32 * 1024;

/// After the http check of the host.
pub(crate) async fn run(host: &Host, http: &Attempt<Http>, reflector: bool) -> Attempt<Casb> {
    let mut exchanges: Vec<HttpExchange> = Vec::new();
    let mut failure = None;
    let own;
    let attempts = match http {
        Attempt::Seen(http) => [Some(&http.preferred), Some(&http.http1)],
        Attempt::Failed(failure) => return Attempt::Failed(failure.clone()),
        Attempt::NotTried(_) | Attempt::NotApplicable(_) => {
            own = exchange(host, CHECK.name, "page", ALPN).await;
            [Some(&own), None]
        }
    };
    for attempt in attempts.into_iter().flatten() {
        exchanges.extend(attempt.seen().cloned());
        failure = failure.or_else(|| attempt.failure().cloned());
    }
    let Some(first) = exchanges.first() else {
        return failure.map_or_else(|| Attempt::not_tried("there was no answer to read"), Attempt::Failed);
    };
    let mut redirects = Vec::new();
    let next = note_redirect(first, &host.target, &mut redirects);
    if let Some(path) = next {
        // What the host answers before a failure is worth recording without the rest.
        let _ = follow(host, path, &mut redirects, &mut exchanges).await;
    }
    let rewritten = match reflector {
        // A page that did not come is told by the fidelity check, which asks for it as well.
        true => known_page(host).await.map(|page| known_links(&page)).unwrap_or_default(),
        false => Vec::new(),
    };
    Attempt::Seen(Casb { redirects, cookies: cookies(&exchanges), links: host.links(), rewritten })
}

/// Follows redirects within the host, all on one connection.
async fn follow(
    host: &Host,
    mut path: String,
    redirects: &mut Vec<Redirect>,
    exchanges: &mut Vec<HttpExchange>,
) -> Result<(), Failure> {
    let mut client = client(host, "redirects").await?;
    let timeout = host.settings().timeout;
    for _ in 0..FOLLOWED {
        let response = client.get(&host.target, &path, "*/*", timeout).await?;
        let mut links = wire::http::LinkHosts::default();
        let exchange = response.read(client.connection, &path, timeout, |piece| links.push(piece)).await;
        host.note_links(links.finish());
        let next = note_redirect(&exchange, &host.target, redirects);
        exchanges.push(exchange);
        match next {
            Some(next) => path = next,
            None => break,
        }
    }
    Ok(())
}

async fn client(host: &Host, purpose: &'static str) -> Result<Client, Failure> {
    let wanted = Wanted { check: CHECK.name, purpose, hello: Hello::Hybrid, alpn: ALPN, sni: true, prepared: None };
    Client::start(host.open(wanted).await?, host.settings().timeout).await
}

/// Notes where an answer leads. Gives the path to ask for next where that is this host again.
fn note_redirect(exchange: &HttpExchange, target: &Target, redirects: &mut Vec<Redirect>) -> Option<String> {
    if !matches!(exchange.status, 300..=399) {
        return None;
    }
    let location = exchange.header("location").next()?;
    let shown = location.split(['?', '#']).next().unwrap_or_default();
    let shown = shown.chars().filter(|c| !c.is_control()).take(LOCATION_CHARACTERS).collect();
    redirects.push(Redirect { status: exchange.status, location: shown });
    within_host(location, target)
}

/// The path and query of a redirect to the same origin (RFC 9110 section 4.3.1), absolute or from the root.
fn within_host(location: &str, target: &Target) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default();
    let uri: Uri = location.parse().ok()?;
    let same_origin = match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) => {
            host.eq_ignore_ascii_case(target.host.as_str()) && uri.port_u16().unwrap_or(443) == target.port
        }
        (None, None) => location.starts_with('/') && !location.starts_with("//"),
        _ => false,
    };
    same_origin.then(|| uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned()))
}

/// The names of the cookies that were set (RFC 6265 section 4.1.1), each once.
fn cookies(exchanges: &[HttpExchange]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for value in exchanges.iter().flat_map(|exchange| exchange.header("set-cookie")) {
        let name = value.split(['=', ';']).next().unwrap_or_default().trim();
        let name: String = name.chars().filter(|c| !c.is_control()).take(COOKIE_CHARACTERS).collect();
        if !name.is_empty() && !names.contains(&name) && names.len() < COOKIES {
            names.push(name);
        }
    }
    names
}

async fn known_page(host: &Host) -> Result<Vec<u8>, Failure> {
    let timeout = host.settings().timeout;
    let mut client = client(host, "links").await?;
    let response = client.get(&host.target, PAGE, "text/html", timeout).await?;
    let watch = Stopwatch::start();
    let (exchange, mut body) = response.split(client.connection, PAGE);
    if exchange.status != 200 {
        return Err(watch.failure(Operation::Request, FailureKind::Status(exchange.status), "this is not the page"));
    }
    let mut page = Vec::new();
    let reading = async {
        while let Some(chunk) = body.chunk(watch).await {
            page.extend_from_slice(&chunk?);
            if page.len() > PAGE_OCTETS {
                break;
            }
        }
        Ok(())
    };
    within(timeout, watch, Operation::Body, reading).await?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use model::{Header, HostName, Milliseconds, Promises, Trust};

    use super::*;

    fn target() -> Target {
        Target {
            host: HostName::parse("outlook.example").unwrap(),
            port: 443,
            workload: "Exchange".to_owned(),
            features: Vec::new(),
            path: "/".to_owned(),
            promises: Promises { certificate_transparency: true, ..Promises::none_but(Trust::Public) },
        }
    }

    fn answer(status: u16, headers: &[(&str, &str)]) -> HttpExchange {
        HttpExchange {
            connection: 0,
            path: "/".to_owned(),
            version: "2".to_owned(),
            status,
            headers: headers.iter().map(|(name, value)| Header((*name).to_owned(), (*value).to_owned())).collect(),
            first_byte_ms: Milliseconds(1.0),
            body: Attempt::not_tried("no body"),
            date: None,
        }
    }

    #[test]
    fn only_the_host_itself_is_followed() {
        for (location, next) in [
            ("/owa/?a=b#c", Some("/owa/?a=b")),
            ("https://outlook.example/owa/", Some("/owa/")),
            ("https://OUTLOOK.example:443", Some("/")),
            ("https://outlook.example:8443/", None),
            ("http://outlook.example/", None),
            ("https://login.example/common?client=1", None),
            ("https://outlook.example.mcas.ms/", None),
            ("//outlook.example/owa/", None),
            ("owa/", None),
            ("https://[", None),
            ("", None),
        ] {
            assert_eq!(within_host(location, &target()).as_deref(), next, "{location}");
        }
    }

    #[test]
    fn a_redirect_is_noted_without_its_query() {
        let mut redirects = Vec::new();
        let to_broker = answer(302, &[("location", "https://outlook.example.mcas.ms/aad_login?token=secret#x")]);
        assert_eq!(note_redirect(&to_broker, &target(), &mut redirects), None);
        assert_eq!(note_redirect(&answer(200, &[("location", "/elsewhere")]), &target(), &mut redirects), None);
        assert_eq!(note_redirect(&answer(301, &[]), &target(), &mut redirects), None);
        let noted = Redirect { status: 302, location: "https://outlook.example.mcas.ms/aad_login".to_owned() };
        assert_eq!(redirects, [noted]);
    }

    #[test]
    fn cookies_are_kept_by_name_and_without_their_values() {
        let first =
            answer(302, &[("set-cookie", "MCAS=secret; Path=/"), ("set-cookie", "ClientId=1"), ("server", "x")]);
        let second =
            answer(200, &[("set-cookie", "ClientId=2; Secure"), ("set-cookie", "=nameless"), ("set-cookie", "flag")]);
        assert_eq!(cookies(&[first, second]), ["MCAS", "ClientId", "flag"]);
    }
}
