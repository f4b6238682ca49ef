use model::{Attempt, Attribution, Confidence};

use crate::rules::Sign;
use crate::text::{listed_up_to, quoted};
use crate::view::View;

rule! {
    /// What it shows: the host is answered for under another name: its DNS name, its redirects or the links of its pages lead
    /// to a name with the suffix of a known reverse proxy behind it, such as `outlook.office.com.mcas.ms`.
    ///
    /// Why it is proof of nothing more: a broker of this kind stands in the service's place with a public certificate of its
    /// own and sees everything; but it was put there by who runs the sign-in, and one link is not yet a session through it.
    ///
    /// What can fool it: a page that links to the product for other reasons.
    ///
    /// Source: `crates/detect/data/casb.toml`, each row with its sources and its day.
    "casb-suffix", D, "A cloud access security broker stands in the service's place", look, None,
    "Take {hosts} out of the session policy of the broker, so that people reach the service under its own name."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let asked = &view.host.target.host;
    let mut told: Vec<String> = Vec::new();
    let mut connections: Vec<usize> = Vec::new();
    for (place, name, connection) in names(view) {
        let Some(row) = view.knowledge.reverse_proxies().iter().find(|row| row.answers_as(&name, asked)) else { continue };
        let text = format!("{place} leads to {} ({})", quoted(&name), row.product);
        if !told.contains(&text) {
            told.push(text);
        }
        connections.extend(connection.filter(|connection| !connections.contains(connection)));
    }
    if told.is_empty() {
        return Vec::new();
    }
    vec![Sign::against(Confidence::Strong, listed_up_to(&told, 3)).on(connections)]
}

/// The brokers that answer for the host, for whoever has to name them.
pub(crate) fn products(view: &View<'_>) -> Vec<Attribution> {
    let asked = &view.host.target.host;
    let mut products: Vec<Attribution> = Vec::new();
    for (place, name, _) in names(view) {
        let Some(row) = view.knowledge.reverse_proxies().iter().find(|row| row.answers_as(&name, asked)) else { continue };
        let Some(interceptor) = view.knowledge.interceptor(&row.product) else { continue };
        if !products.iter().any(|known| known.product == row.product) {
            products.push(Attribution {
                product: interceptor.product.clone(),
                vendor: interceptor.vendor.clone(),
                class: interceptor.class.clone(),
                confidence: NAMED,
                because: vec![format!("{place} leads to {}", quoted(&name))],
            });
        }
    }
    products
}

/// As a block page or a header with a product's token: the suffix is the product's own.
const NAMED: f64 = 0.9;

/// Every name that stands for the host, with what leads to it.
fn names(view: &View<'_>) -> Vec<(&'static str, String, Option<usize>)> {
    let mut names = Vec::new();
    if let Some(dns) = view.host.dns.seen() {
        let answers = [&dns.system, &dns.direct].into_iter().filter_map(Attempt::seen);
        let aliases = answers.flat_map(|answer| &answer.cnames);
        names.extend(aliases.map(|name| ("its DNS name", name.to_string(), None)));
    }
    for response in view.responses() {
        let locations = response.header("location").filter_map(host_of);
        names.extend(locations.map(|name| ("a redirect", name, Some(response.connection))));
    }
    if let Some(casb) = view.host.casb.seen() {
        let redirects = casb.redirects.iter().filter_map(|redirect| host_of(&redirect.location));
        names.extend(redirects.map(|name| ("a redirect", name, None)));
        names.extend(casb.links.iter().map(|name| ("a link", name.to_string(), None)));
    }
    names
}

/// The host of an absolute URL (RFC 3986 section 3.2).
pub(super) fn host_of(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Casb, Redirect, State};

    use crate::testing::{self, against};

    #[test]
    fn a_redirect_to_a_broker_is_told_and_leaves_the_host_intact() {
        let mut record = testing::clean();
        let mut with = |location: &str| {
            record.hosts[0].casb = Attempt::Seen(Casb {
                redirects: vec![Redirect { status: 302, location: location.to_owned() }],
                cookies: Vec::new(),
                links: Vec::new(),
                rewritten: Vec::new(),
            });
            (against(&record, 0), testing::state(&record, 0))
        };
        assert_eq!(with("https://outlook.office365.com.mcas.ms/aad_login"), (vec!["casb-suffix".to_owned()], State::Intact));
        assert_eq!(with("https://login.microsoftonline.com/common"), (Vec::new(), State::Intact));
        assert_eq!(with("https://outlook.office365.com/?next=outlook.office365.com.mcas.ms").0, Vec::<String>::new());
    }

    #[test]
    fn an_alias_and_a_link_lead_there_too() {
        let mut record = testing::clean();
        let dns = testing::seen(&mut record.hosts[0].dns);
        testing::seen(&mut dns.system).cnames = vec![testing::name("outlook.office365.com.rproxy.goskope.com")];
        assert_eq!(against(&record, 0), ["casb-suffix"]);
        record.hosts[1].casb = Attempt::Seen(Casb {
            redirects: Vec::new(),
            cookies: Vec::new(),
            links: vec![testing::name("contoso-sharepoint-com.btglss.net")],
            rewritten: Vec::new(),
        });
        assert_eq!(against(&record, 1), ["casb-suffix"]);
    }
}
