use model::Confidence;

use crate::rules::Sign;
use crate::text::{listed_up_to, quoted};
use crate::view::View;

rule! {
    /// What it shows: a response sets the session cookie of a known reverse proxy or gateway.
    ///
    /// Why it is proof of nothing more: such a cookie shows that the product keeps a session with this machine; whether it
    /// reads what travels in it is told by other rules.
    ///
    /// What can fool it: a service that stands behind such a product itself, as a private one may.
    ///
    /// Source: `crates/detect/data/casb.toml`, each row with its sources and its day.
    "casb-cookie", D, "A gateway keeps a session of its own", look, None,
    "Find out who put the gateway before {hosts}, and let people reach the service without it."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let set = view.responses().into_iter().flat_map(|response| {
        let cookies: Vec<(String, Option<usize>)> =
            response.header("set-cookie").filter_map(name).map(|name| (name, Some(response.connection))).collect();
        cookies
    });
    let followed = view.host.casb.seen().into_iter().flat_map(|casb| &casb.cookies).map(|name| (name.clone(), None));
    let mut told: Vec<String> = Vec::new();
    let mut connections: Vec<usize> = Vec::new();
    for (cookie, connection) in set.chain(followed) {
        let Some(row) = view.knowledge.reverse_proxies().iter().find(|row| row.sets(&cookie)) else { continue };
        let text = format!("`{}` of {}", quoted(&cookie), row.product);
        if !told.contains(&text) {
            told.push(text);
        }
        connections.extend(connection.filter(|connection| !connections.contains(connection)));
    }
    if told.is_empty() {
        return Vec::new();
    }
    let detail = format!("responses set the cookie {}", listed_up_to(&told, 3));
    vec![Sign::against(Confidence::Weak, detail).on(connections)]
}

/// The name in a Set-Cookie header (RFC 6265 section 4.1.1).
fn name(header: &str) -> Option<String> {
    let (name, _) = header.split_once('=')?;
    Some(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, against};

    #[test]
    fn the_cookie_of_a_gateway_is_told() {
        let mut record = testing::clean();
        testing::header(&mut record.hosts[0], "Set-Cookie", "BCSI-CS-53631f2127934e24=2; Path=/");
        assert_eq!(against(&record, 0), ["casb-cookie"]);
        assert_eq!(testing::state(&record, 0), State::Intact);
        testing::header(&mut record.hosts[1], "Set-Cookie", "OIDC=1; secure");
        assert!(against(&record, 1).is_empty());
    }
}
