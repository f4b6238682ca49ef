//! Products by the name of the authority that signed, and by the key of it where an admin named the key.

use model::{Attempt, CertificateFacts, Chain};

use super::marks::contains_ignoring_case;
use super::{Kind, Signal, describe_authority};
use crate::Knowledge;
use crate::attribution::Interceptor;

const BY_NAME: f64 = 0.95;

pub(super) fn signals(chain: &Chain, knowledge: &Knowledge) -> Vec<Signal> {
    let Some(leaf) = chain.facts.leaf() else { return Vec::new() };
    let mut signals = Vec::new();
    // The leaf's key names the box only where one certificate serves all hosts, as gateways with a fixed one do; an
    // admin who names it knows that.
    for certificate in chain.facts.certificates.iter().filter_map(Attempt::seen) {
        if let Some(name) = knowledge.name(&certificate.spki_sha256) {
            signals.push(Signal {
                product: name.product.clone(),
                vendor: name.vendor.clone(),
                class: "named".to_owned(),
                kind: Kind::Admin,
                weight: 1.0,
                because: format!("key {} was named by an admin", certificate.spki_sha256),
            });
        }
    }
    let mut fits: Vec<(Fit, &Interceptor)> = Vec::new();
    let authorities = chain.facts.certificates.iter().skip(1).filter_map(Attempt::seen);
    let names = core::iter::once(name_of_issuer(leaf)).chain(authorities.map(name_of_issuer));
    for (common_name, organisation) in names {
        for interceptor in knowledge.interceptors() {
            if let Some(fit) = fit(interceptor, common_name, organisation) {
                fits.push((fit, interceptor));
            }
        }
    }
    // The longest mark is the one that was meant: "Sophos" also stands in "sophosutm", "mitmproxy" in other names.
    let Some(best) = fits.iter().map(|(fit, _)| *fit).max() else { return signals };
    let because = describe_authority(chain, leaf);
    for (_, interceptor) in fits.into_iter().filter(|(fit, _)| *fit == best) {
        signals.push(Signal::of(interceptor, Kind::Issuer, BY_NAME, because.clone()));
    }
    signals
}

fn name_of_issuer(certificate: &CertificateFacts) -> (Option<&str>, Option<&str>) {
    (certificate.issuer_common_name.as_deref(), certificate.issuer_organisation.as_deref())
}

/// Better fits are greater: the common name before the organisation, then the longer mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    by_common_name: bool,
    length: usize,
}

fn fit(interceptor: &Interceptor, common_name: Option<&str>, organisation: Option<&str>) -> Option<Fit> {
    let longest = |marks: &[String], text: Option<&str>| -> Option<usize> {
        let text = text?;
        marks.iter().filter(|mark| contains_ignoring_case(text, mark)).map(String::len).max()
    };
    let by_organisation = longest(&interceptor.issuer_o, organisation);
    let exact = interceptor
        .issuer_cn_exact
        .iter()
        .filter(|mark| common_name.is_some_and(|name| name.eq_ignore_ascii_case(mark)));
    let with_organisation = by_organisation.and_then(|_| longest(&interceptor.issuer_cn_with_o, common_name));
    let by_common_name =
        longest(&interceptor.issuer_cn, common_name).max(exact.map(String::len).max()).max(with_organisation);
    match (by_common_name, by_organisation) {
        (Some(length), _) => Some(Fit { by_common_name: true, length }),
        (None, Some(length)) => Some(Fit { by_common_name: false, length }),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(common_name: &str, organisation: Option<&str>) -> Vec<String> {
        let mut leaf = crate::testing::operator_leaf("outlook.office365.com");
        leaf.issuer_common_name = Some(common_name.to_owned());
        leaf.issuer_organisation = organisation.map(str::to_owned);
        let mut chain = crate::testing::host("outlook.office365.com").chains[0].clone();
        crate::testing::mint(&mut chain, leaf);
        signals(&chain, &Knowledge::builtin()).into_iter().map(|signal| signal.product).collect()
    }

    #[test]
    fn the_traps_of_issuer_names() {
        assert_eq!(
            named("Zscaler Intermediate Root CA (zscalerthree.net) (t)", Some("Zscaler Inc.")),
            ["Zscaler Internet Access (ZIA)"]
        );
        assert_eq!(
            named("Cisco Umbrella Secondary SubCA ams-SG", Some("Cisco")),
            ["Umbrella SIG / Secure Web Gateway"]
        );
        assert_eq!(named("certadmin", None), Vec::<String>::new(), "only together with the organisation");
        assert_eq!(named("certadmin", Some("Netskope Inc.")), ["Netskope Security Cloud (NG-SWG/CASB)"]);
        assert_eq!(named("NodeMITMProxyCA", Some("Node MITM Proxy CA")), ["http-mitm-proxy"]);
        assert_eq!(named("mitmproxy", Some("mitmproxy")), ["mitmproxy"]);
        assert_eq!(named("sophosutm Proxy CA", Some("sophosutm")), ["UTM (Astaro)"]);
        assert_eq!(named("Sophos SSL CA_C01001ABCDEF", Some("Sophos")), ["XG/XGS Firewall (SFOS), Central"]);
        assert_eq!(named("Cloudflare Inc ECC CA-3", Some("Cloudflare, Inc.")), Vec::<String>::new());
        assert_eq!(named("Inspection CA", Some("Cisco")), Vec::<String>::new());
        assert_eq!(named("Example Corp Inspection CA", Some("Example Corp IT")), Vec::<String>::new());
    }
}
