use model::Confidence;

use super::{fidelity, reflected};
use crate::rules::Sign;
use crate::text::{listed_up_to, quoted};
use crate::view::View;

rule! {
    /// What it shows: a header that the service did not send stands in its response (Via, X-Cache and the like, or one
    /// of a known product), or a header that this machine did not send arrived at the reflector, or one that the reflector did
    /// not send came back from it.
    ///
    /// Why it is proof: something parsed HTTP and wrote into it. On a connection that is proven to end at the service
    /// nothing on the path can do that, so there such a header is the service's own and is not counted.
    ///
    /// What can fool it: a content network in front of the service that adds such headers; the profile names those
    /// that belong to the service.
    ///
    /// Source: RFC 9110 section 7.6.3 (Via); RFC 9211 and RFC 7239 (what caches and proxies add).
    "header-added", B, "A header was added on the way", look, None,
    "Exempt {hosts} from HTTP inspection and caching."
}

/// Response headers that proxies and caches add, whoever made them.
const PROXY_HEADERS: [&str; 11] = [
    "via",
    "x-cache",
    "x-cache-lookup",
    "x-cache-hits",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "forwarded",
    "proxy-connection",
    "proxy-authenticate",
    "cache-status",
];

fn look(view: &View<'_>) -> Vec<Sign> {
    let seen = in_responses(view).into_iter().chain(at_reflector(view));
    seen.chain(fidelity::signs(view, fidelity::Sort::HeaderAdded)).collect()
}

fn in_responses(view: &View<'_>) -> Option<Sign> {
    let own = &view.host.target.promises.own_headers;
    let mut seen: Vec<(String, usize)> = Vec::new();
    let mut named = false;
    for response in view.responses().into_iter().filter(|response| view.can_be_altered(response.connection)) {
        for header in response.headers {
            let product = view.knowledge.interceptors().iter().any(|i| i.response_header(header).is_some());
            let known = product || PROXY_HEADERS.iter().any(|name| header.0.eq_ignore_ascii_case(name));
            if known && !own.iter().any(|name| header.0.eq_ignore_ascii_case(name)) {
                named |= product;
                seen.push((quoted(&format!("{}: {}", header.0, header.1)), response.connection));
            }
        }
    }
    let (connections, headers) = split(seen)?;
    let confidence = if named { Confidence::Strong } else { Confidence::Weak };
    let detail = format!("responses carry {}", listed_up_to(&headers, 3));
    Some(Sign::against(confidence, detail).on(connections))
}

fn at_reflector(view: &View<'_>) -> Option<Sign> {
    let seen = reflected::signed(view)
        .into_iter()
        .filter(|reflected| !view.is_whole(reflected.index))
        .flat_map(|reflected| {
            let sent = &reflected.reflection.headers_sent;
            let added = reflected.reflection.answer.headers.iter().filter(|arrived| {
                !arrived.0.starts_with(':')
                    && !arrived.0.eq_ignore_ascii_case("host")
                    && !sent.iter().any(|sent| sent.0.eq_ignore_ascii_case(&arrived.0))
            });
            added.map(move |header| (quoted(&format!("{}: {}", header.0, header.1)), reflected.index)).collect::<Vec<_>>()
        })
        .collect();
    let (connections, headers) = split(seen)?;
    Some(Sign::against(Confidence::Proven, format!("the request arrived with {}", listed_up_to(&headers, 3))).on(connections))
}

/// The connections and the headers, each once; `None` where there are none.
fn split(seen: Vec<(String, usize)>) -> Option<(Vec<usize>, Vec<String>)> {
    let mut connections: Vec<usize> = seen.iter().map(|(_, connection)| *connection).collect();
    connections.sort_unstable();
    connections.dedup();
    let mut headers = Vec::new();
    for (header, _) in seen {
        if !headers.contains(&header) {
            headers.push(header);
        }
    }
    (!headers.is_empty()).then_some((connections, headers))
}

#[cfg(test)]
mod tests {
    use model::{ArrivedHeader, HexBytes};

    use crate::testing::{self, against};

    #[test]
    fn a_header_inside_a_whole_connection_is_the_services_own() {
        let mut record = testing::clean();
        testing::header(&mut record.hosts[0], "Via", "1.1 varnish");
        assert!(against(&record, 0).is_empty());
    }

    #[test]
    fn a_header_on_an_intercepted_connection_was_added() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(!against(&record, 0).contains(&"header-added".to_owned()));
        testing::header(&mut record.hosts[0], "Via", "1.1 gw (squid/5.7)");
        assert!(against(&record, 0).contains(&"header-added".to_owned()));
        record.hosts[0].target.promises.own_headers = vec!["via".to_owned()];
        assert!(!against(&record, 0).contains(&"header-added".to_owned()));
    }

    #[test]
    fn a_request_header_that_we_did_not_send_was_added() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        let added = ArrivedHeader("x-forwarded-for".to_owned(), "192.0.2.7".to_owned());
        testing::reflection(&mut record, |r| r.answer.headers.push(added.clone()));
        assert!(against(&record, reflector).is_empty(), "not on a whole connection");
        testing::reflection(&mut record, |r| {
            r.answer.exporter = Some(HexBytes(vec![9; 32]));
            r.answer.client_hello = Some(HexBytes(vec![9; 32]));
        });
        assert!(against(&record, reflector).contains(&"header-added".to_owned()));
    }
}
