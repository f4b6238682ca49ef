//! Whose ClientHello it is: clusters of equal hellos, each of a TLS library as some program configures it.
//!
//! Many products share one library, and so do programs that intercept nothing: a cluster lists both, and where both are in
//! it, the hello names a library and nobody. A hello is specific where it can stand for the one product in its cluster: no
//! honest program sends it, and it is known what the library sends when nobody configures it.
//!
//! Equal means equal in what a program's configuration decides: cipher suites, groups, signature algorithms, versions and
//! point formats in order, extensions as a set. What one connection decides is left out: server name, ALPN (intermediaries
//! copy the client's), padding, key shares, resumption, cookies, GREASE values. A cluster may leave out the cipher suites
//! too, where a product copies them from its client.
//!
//! A hello that equals none may resemble one: a new version of the same library. The distance is a weighted sum of Jaccard
//! distances of the lists, as sets of code points and of neighbours, and what is near names a library and never a product.

mod features;
mod made;
mod table;

use model::HelloFacts;

use features::{Features, Sketch};
pub use made::{CapturedHello, clusters_of};
pub(super) use table::{Cluster, Clusters, Member};

/// Whose hello this is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resemblance<'k> {
    Same(&'k Cluster),
    /// None that was captured; [`nearest`](Self::nearest) tells which one it resembles.
    Other(&'k Clusters, &'k HelloFacts),
    /// There is no hello to compare.
    Unknown,
}

/// Up to here a hello is called near. Measured on the captures: each of 45 clusters is this near to another one of its own
/// library, if there is one, and to no other library, but for a client that copies its lists from Firefox.
const NEAR: f32 = 0.31;

impl Clusters {
    /// The cluster that the hello belongs to.
    pub(super) fn resembling<'k>(&'k self, hello: &'k HelloFacts) -> Resemblance<'k> {
        self.equal(hello).map_or(Resemblance::Other(self, hello), Resemblance::Same)
    }

    fn nearest(&self, hello: &HelloFacts) -> Option<(&Cluster, f32)> {
        let sketch = Sketch::of(&Features::of(hello), false);
        let mut nearest = None;
        let mut most = NEAR;
        for cluster in self.rows() {
            if let Some(distance) = sketch.distance(cluster.sketch(), most) {
                (nearest, most) = (Some(cluster), distance);
            }
        }
        nearest.map(|cluster| (cluster, most))
    }
}

impl<'k> Resemblance<'k> {
    /// The nearest cluster where none is the same, and how far it is: 0 is equal, 1 has nothing in common.
    pub(super) fn nearest(&self) -> Option<(&'k Cluster, f32)> {
        match self {
            Self::Other(clusters, hello) => clusters.nearest(hello),
            Self::Same(_) | Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::HelloSource;
    use proptest::prelude::*;

    use super::*;
    use crate::Knowledge;

    fn builtin() -> Clusters {
        Clusters::parse(include_str!("../../data/hello-clusters.toml")).expect("the table")
    }

    fn hello(suites: &[u16], extensions: &[u16]) -> HelloFacts {
        HelloFacts {
            cipher_suites: suites.to_vec(),
            extensions: extensions.to_vec(),
            supported_groups: vec![0x001d, 0x0017],
            point_formats: vec![0],
            signature_algorithms: vec![0x0403, 0x0804],
            supported_versions: vec![0x0304],
            ..HelloFacts::default()
        }
    }

    fn captured(hello: HelloFacts, program: &str, intercepts: bool) -> CapturedHello {
        CapturedHello {
            hello,
            program: program.to_owned(),
            build: "1".to_owned(),
            intercepts,
            library: "A library".to_owned(),
            default: false,
        }
    }

    fn made(captured: &[CapturedHello]) -> Clusters {
        Clusters::parse(&clusters_of(captured, "us")).expect("what is written can be read")
    }

    #[test]
    fn every_product_of_the_table_is_known() {
        let knowledge = Knowledge::builtin();
        for product in builtin().rows().iter().flat_map(|cluster| &cluster.products) {
            assert!(knowledge.interceptors().iter().any(|row| row.product == product.name), "{}", product.name);
        }
    }

    #[test]
    fn what_one_connection_decides_makes_no_difference() {
        let table = made(&[captured(hello(&[0x1301, 0xc02b], &[10, 11, 13, 43]), "tool", false)]);
        let mut other = hello(&[0x3a3a, 0x1301, 0xc02b], &[0, 43, 16, 13, 11, 0x1a1a, 10, 21, 41]);
        assert!(matches!(table.resembling(&other), Resemblance::Same(_)));
        // JA3 knows less; what it knows is equal.
        other.signature_algorithms.clear();
        other.supported_versions.clear();
        other.source = HelloSource::Ja3Text;
        assert!(matches!(table.resembling(&other), Resemblance::Same(_)));
        other.cipher_suites.reverse();
        assert!(!matches!(table.resembling(&other), Resemblance::Same(_)));
    }

    #[test]
    fn only_a_configuration_of_its_own_is_specific() {
        let plain = hello(&[0x1301, 0xc02b], &[10, 11, 13, 43]);
        let own = hello(&[0x1301, 0xc02c, 0xc030], &[10, 11, 13, 43]);
        let with_tickets = hello(&[0x1301, 0xc02b], &[10, 11, 13, 35, 43]);
        let table = made(&[
            captured(plain.clone(), "tool", false),
            captured(own.clone(), "Gateway", true),
            captured(with_tickets.clone(), "Proxy", true),
        ]);
        let specific = |hello: &HelloFacts| match table.resembling(hello) {
            Resemblance::Same(cluster) => cluster.is_specific(),
            other => panic!("{other:?}"),
        };
        assert!(specific(&own));
        assert!(!specific(&plain));
        // A switch of the library is no configuration.
        assert!(!specific(&with_tickets));
        // Of a library that no honest program was captured with, nobody knows what it does by itself.
        let alone = made(&[captured(own.clone(), "Gateway", true)]);
        assert!(matches!(alone.resembling(&own), Resemblance::Same(cluster) if !cluster.is_specific()));
    }

    #[test]
    fn suites_that_come_from_clients_are_left_out() {
        let copies: Vec<CapturedHello> = (0..4_u16)
            .map(|n| captured(hello(&[0x1301, 0xc02b + n], &[5, 10, 13, 43]), "Copier", true))
            .chain([captured(hello(&[0x1301], &[10, 13, 43]), "tool", false)])
            .collect();
        let table = made(&copies);
        let other = hello(&[0x002f, 0x0035], &[5, 10, 13, 43]);
        let Resemblance::Same(cluster) = table.resembling(&other) else { panic!("not in the cluster") };
        assert_eq!(cluster.products[0].name, "Copier");
    }

    #[test]
    fn a_new_version_of_a_library_resembles_it() {
        let table = made(&[captured(hello(&[0x1301, 0x1302, 0xc02b, 0xc02f], &[10, 11, 13, 43, 51]), "tool", false)]);
        let newer = hello(&[0x1301, 0x1302, 0xc02b, 0xc02f], &[10, 11, 13, 43, 51, 27]);
        assert!(table.resembling(&newer).nearest().is_some_and(|(_, far)| far > 0.0 && far < NEAR));
        let mut stranger = hello(&[0x0039, 0x0038, 0x0035], &[35]);
        stranger.supported_groups = vec![0x0019];
        assert!(table.resembling(&stranger).nearest().is_none());
    }

    #[test]
    fn what_is_forgotten_is_as_if_never_captured() {
        let own = hello(&[0x1301, 0xc02c], &[10]);
        let mut table = made(&[captured(own.clone(), "Gateway", true), captured(own.clone(), "tool", false)]);
        table.forget_product("Gateway");
        assert!(matches!(table.resembling(&own), Resemblance::Same(cluster) if cluster.products.is_empty()));
        table.forget_build("1");
        assert!(table.resembling(&own).nearest().is_none());
    }

    #[test]
    fn names_survive_the_file() {
        let table = made(&[captured(hello(&[1], &[]), "a \"b\" \\ c\u{7}", true)]);
        assert_eq!(table.rows()[0].products[0].name, "a \"b\" \\ c\u{7}");
    }

    proptest! {
        #[test]
        fn any_lists_are_compared_and_what_was_captured_is_found_again(
            suites in prop::collection::vec(any::<u16>(), 0..200),
            extensions in prop::collection::vec(any::<u16>(), 0..100),
            others in prop::collection::vec(any::<u16>(), 0..100),
        ) {
            let own = hello(&suites, &extensions);
            let table = made(&[captured(own.clone(), "tool", false)]);
            prop_assert!(matches!(table.resembling(&own), Resemblance::Same(_)));
            if let Some((_, far)) = table.resembling(&hello(&others, &suites)).nearest() {
                prop_assert!((0.0..=NEAR).contains(&far));
            }
            let _ = builtin().resembling(&own).nearest();
        }
    }
}
