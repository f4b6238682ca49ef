use model::Confidence;

use crate::rules::Sign;
use crate::text::quoted;
use crate::view::{Response, View};

rule! {
    /// What it shows: a status that only an intermediary answers: 407 inside the tunnel, 511, or 403 with the Server
    /// header of a proxy.
    ///
    /// Why it is proof: 407 and 511 are defined as the words of a proxy and of a network; an origin server does not
    /// say them. On a connection that is proven to end at the service nothing is counted.
    ///
    /// What can fool it: a service that itself runs behind such a proxy and lets its error pages through.
    ///
    /// Source: RFC 9110 section 15.5.8 (407); RFC 6585 section 6 (511).
    "proxy-status", B, "A proxy answered in the service's place", look, Some("https"),
    "Let {hosts} pass the proxy without a sign-in and without inspection."
}

/// Server headers of proxies' own error pages.
const PROXY_SERVERS: [&str; 10] = [
    "squid",
    "zscaler",
    "barracuda",
    "sonicwall",
    "kerio control",
    "mwg",
    "bluecoat",
    "privoxy",
    "mitmproxy",
    "apachetrafficserver",
];

fn look(view: &View<'_>) -> Vec<Sign> {
    view.responses()
        .into_iter()
        .filter(|response| view.can_be_altered(response.connection))
        .filter_map(|response| {
            let detail = match response.status {
                407 => "status 407 (Proxy Authentication Required) came back".to_owned(),
                511 if view.context.portal.is_none() => {
                    "status 511 (Network Authentication Required) came back".to_owned()
                }
                403 | 502..=504 => {
                    let server = proxy_server(&response)?;
                    format!("status {} came from a proxy (Server: {})", response.status, quoted(&server))
                }
                _ => return None,
            };
            Some(Sign::against(Confidence::Strong, detail).on(vec![response.connection]))
        })
        .collect()
}

fn proxy_server(response: &Response<'_>) -> Option<String> {
    let server = response.header("server").next()?.to_owned();
    is_proxy(&server).then_some(server)
}

/// Whether a Server header is that of a proxy's own error page.
pub(crate) fn is_proxy(server: &str) -> bool {
    let lower = server.to_ascii_lowercase();
    PROXY_SERVERS.iter().any(|name| lower.contains(name))
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, against};

    #[test]
    fn a_407_inside_the_tunnel_is_a_proxys() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(!against(&record, 0).contains(&"proxy-status".to_owned()));
        testing::status(&mut record.hosts[0], 407);
        assert!(against(&record, 0).contains(&"proxy-status".to_owned()));
        testing::status(&mut record.hosts[0], 403);
        assert!(!against(&record, 0).contains(&"proxy-status".to_owned()), "many services answer 403 themselves");
        testing::header(&mut record.hosts[0], "Server", "squid/5.7");
        assert!(against(&record, 0).contains(&"proxy-status".to_owned()));
        testing::status(&mut record.hosts[1], 407);
        assert!(against(&record, 1).is_empty(), "not on a whole connection");
    }
}
