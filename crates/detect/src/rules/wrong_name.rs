use crate::rules::captive_portal::is_portals;
use crate::rules::Sign;
use crate::standing::Standing;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: a genuine certificate, but for another name: something else than the service answered.
    ///
    /// Why it is not proof: its holder cannot pose as the service, since every client refuses it. It is what a block
    /// page's server, a redirected address or a server set up badly looks like.
    ///
    /// What can fool it: a service that moved and forgot a name.
    ///
    /// Source: RFC 9525 section 6 (matching names).
    "wrong-name", A, "The certificate is for another name", look, None,
    "Find out what answers for {hosts}: look up the address that the names resolve to."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if view.is_reflector() {
        return Vec::new();
    }
    view.chains()
        .filter(|(_, chain, standing, _)| **standing == Standing::OtherName && !is_portals(view, chain))
        .map(|(_, chain, _, connections)| {
            let leaf = chain.facts.leaf();
            let name = leaf.and_then(|leaf| {
                leaf.subject_alternative_names.iter().flatten().next().or(leaf.subject_common_name.as_ref())
            });
            let name = name.map(|name| format!(", which is for {}", quoted(name))).unwrap_or_default();
            Sign::silent(format!("something with another name's certificate answered{name}")).on(connections)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{State, Validation};

    use crate::testing::{self, against, silent};

    #[test]
    fn another_names_certificate_is_unknown() {
        let mut record = testing::clean();
        let facts = &mut record.hosts[0].chains[0].facts;
        facts.public = Validation::NameMismatch;
        facts.public_ignoring_time = Validation::NameMismatch;
        assert!(silent(&record, 0).contains(&"wrong-name".to_owned()));
        assert!(against(&record, 0).is_empty());
        assert_eq!(testing::state(&record, 0), State::Unknown);
        assert!(!silent(&record, 1).contains(&"wrong-name".to_owned()));
    }
}
