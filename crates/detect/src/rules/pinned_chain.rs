use std::collections::BTreeSet;

use model::Confidence;

use super::{exporter_differs, exporter_equal, hello_differs, hello_equal, session_differs};
use crate::rules::{Rule, Sign};
use crate::view::View;

rule! {
    /// What it shows: a connection to the reflector showed the same certificate as another one, of which the signed
    /// answer tells who ended it. The reflector is known by its key and not by its certificate; this carries what the
    /// answer proves to the connections that asked for none.
    ///
    /// Why it is proof: the handshake proves that the peer holds the certificate's key, and the other connection
    /// proves whose key that is.
    ///
    /// What can fool it: an interceptor that holds the reflector's own key. Where one certificate was seen on both
    /// intact and intercepted connections, nothing is concluded.
    ///
    /// Source: RFC 8446 section 4.4.3 (CertificateVerify).
    "pinned-chain", A, "The certificate is one that a signed answer vouches for", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if !view.is_reflector() {
        return Vec::new();
    }
    let seen_by = |rules: &[&Rule]| -> BTreeSet<usize> {
        let connections = rules.iter().flat_map(|rule| (rule.look)(view)).flat_map(|sign| sign.connections);
        connections.collect()
    };
    let whole = seen_by(&[&exporter_equal::RULE, &hello_equal::RULE]);
    let ended = seen_by(&[&exporter_differs::RULE, &session_differs::RULE, &hello_differs::RULE]);
    view.chains()
        .filter_map(|(.., connections)| {
            let others: Vec<usize> =
                connections.iter().copied().filter(|c| !whole.contains(c) && !ended.contains(c)).collect();
            let vouched = connections.iter().any(|c| whole.contains(c));
            let forged = connections.iter().any(|c| ended.contains(c));
            match (others.is_empty(), vouched, forged) {
                (false, true, false) => {
                    let detail = "the certificate is the one of a connection that is proven whole";
                    Some(Sign::supporting(detail).on(others).proving(true))
                }
                (false, false, true) => {
                    let detail = "the certificate is the one of a connection that is proven to end in between";
                    Some(Sign::against(Confidence::Strong, detail).on(others))
                }
                _ => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::HexBytes;

    use crate::testing::{self, against, supporting};

    #[test]
    fn what_the_answer_proves_carries_over_to_the_same_certificate() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        assert!(supporting(&record, reflector).contains(&"pinned-chain".to_owned()));
        testing::reflection(&mut record, |r| {
            r.answer.exporter = Some(HexBytes(vec![9; 32]));
            r.answer.client_hello = Some(HexBytes(vec![9; 32]));
        });
        assert!(against(&record, reflector).contains(&"pinned-chain".to_owned()));
        assert!(!supporting(&record, 0).contains(&"pinned-chain".to_owned()));
    }
}
