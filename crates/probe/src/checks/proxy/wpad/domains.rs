//! The names under which a script is looked for. A name above the domain that an organisation registers belongs to
//! somebody else, who could send everybody's traffic through a proxy of theirs: `wpad.com` is never asked, and neither
//! is `wpad.co.uk`. What is registered is told by the Public Suffix List.

use model::HostName;

/// Search domains looked at, and names asked.
const DOMAINS_LIMIT: usize = 6;
const NAMES_LIMIT: usize = 8;

/// The search domains of the system.
pub(super) fn of_the_system() -> Vec<HostName> {
    let Ok((config, _)) = hickory_resolver::system_conf::read_system_conf() else { return Vec::new() };
    let domains = config.domain().into_iter().chain(config.search());
    domains.filter_map(|name| HostName::parse(&name.to_ascii()).ok()).take(DOMAINS_LIMIT).collect()
}

/// `wpad` in each domain and in those above it, as far as they are the organisation's own.
pub(super) fn names(domains: &[HostName]) -> Vec<HostName> {
    let mut names: Vec<HostName> = Vec::new();
    for domain in domains {
        let mut rest = Some(domain.as_str());
        while let Some(domain) = rest.filter(|domain| is_own(domain)) {
            if let Ok(name) = HostName::parse(&format!("wpad.{domain}"))
                && names.len() < NAMES_LIMIT
                && !names.contains(&name)
            {
                names.push(name);
            }
            // A single label is asked only where the system itself names it: above a domain it is a top-level one.
            rest = domain.split_once('.').map(|(_, above)| above).filter(|above| above.contains('.'));
        }
    }
    names
}

/// Whether a domain is one that an organisation may have registered, or made up for its own network (`lan`, `corp`).
fn is_own(domain: &str) -> bool {
    match (psl::domain(domain.as_bytes()), psl::suffix(domain.as_bytes())) {
        (Some(_), _) => true,
        // The domain is a suffix itself: of the list, or a single label that is not on it.
        (None, Some(suffix)) => !suffix.is_known(),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(domain: &str) -> Vec<String> {
        names(&[HostName::parse(domain).unwrap()]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn devolution_ends_at_the_organisation() {
        assert_eq!(
            asked("berlin.corp.contoso.com"),
            ["wpad.berlin.corp.contoso.com", "wpad.corp.contoso.com", "wpad.contoso.com"]
        );
        assert_eq!(asked("emea.contoso.co.uk"), ["wpad.emea.contoso.co.uk", "wpad.contoso.co.uk"]);
        assert_eq!(asked("school.k12.ca.us"), ["wpad.school.k12.ca.us"]);
        assert_eq!(asked("contoso.local"), ["wpad.contoso.local"]);
        assert_eq!(asked("lan"), ["wpad.lan"]);
        for suffix in ["com", "co.uk", "k12.ca.us", "github.io", "de"] {
            assert_eq!(asked(suffix), Vec::<String>::new(), "{suffix}");
        }
    }

    #[test]
    fn names_are_asked_once_and_not_without_end() {
        let domain = |text: &str| HostName::parse(text).unwrap();
        assert_eq!(names(&[domain("a.contoso.com"), domain("contoso.com")]).len(), 2);
        assert_eq!(names(&[domain("a.b.c.d.e.f.g.h.i.j.contoso.com")]).len(), NAMES_LIMIT);
    }
}
