use model::Confidence;

use crate::rules::Sign;
use crate::view::{View, X25519MLKEM768};

rule! {
    /// What it shows: the service takes the hybrid key exchange X25519MLKEM768, and another group was negotiated with a
    /// hello that offers it, or that hello fails altogether: what is recorded today can be read once quantum
    /// computers are there.
    ///
    /// Why it is proof: the group is chosen under the protection of the handshake, so only who ends TLS can lower it.
    /// On a connection that is proven to end at the service it is the service's own choice, and is not counted.
    ///
    /// What can fool it: a service that turned the hybrid exchange off while something else leaves the connection
    /// unproven.
    ///
    /// Source: draft-ietf-tls-ecdhe-mlkem (X25519MLKEM768, 0x11ec); RFC 8446 section 4.2.7.
    "hybrid-lost", E, "The hybrid key exchange is lost", look, None,
    "Allow X25519MLKEM768 to {hosts}, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some((index, connection)) = view.hybrid() else { return Vec::new() };
    if !view.host.target.promises.hybrid_key_exchange {
        return Vec::new();
    }
    let detail = match connection.tls.seen() {
        Some(tls) if tls.group == Some(X25519MLKEM768) => return Vec::new(),
        Some(_) if !view.can_be_altered(index) => return Vec::new(),
        Some(tls) => {
            let group = tls.group.map_or_else(|| "without a group".to_owned(), |group| format!("with group {group:04x}"));
            format!("the handshake ended {group} where X25519MLKEM768 (11ec) was offered and the service takes it")
        }
        None => {
            // As sure as it is that size is the reason, and no surer.
            let Some(confidence) = super::hello_size::confidence(view) else { return Vec::new() };
            let detail = "only the hello without X25519MLKEM768 passes, which the service takes";
            return vec![Sign::against(confidence, detail).on(vec![index])];
        }
    };
    vec![Sign::against(Confidence::Strong, detail).on(vec![index])]
}

#[cfg(test)]
mod tests {
    use model::{Confidence, FailureKind};

    use crate::testing::{self, against};

    #[test]
    fn a_weaker_group_on_an_intercepted_connection_is_a_loss() {
        let mut record = testing::clean();
        testing::sessions(&mut record.hosts[0], |tls| tls.group = Some(0x001d));
        assert!(against(&record, 0).is_empty(), "on a whole connection it is the service's choice");
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(against(&record, 0).contains(&"hybrid-lost".to_owned()));
    }

    #[test]
    fn a_hybrid_hello_that_fails_alone_is_a_loss() {
        let mut record = testing::clean();
        testing::fail(&mut record.hosts[0], testing::HYBRID, FailureKind::Timeout);
        assert!(against(&record, 0).is_empty(), "others of its size passed");
        testing::large_hellos_fail(&mut record.hosts[0], FailureKind::Timeout);
        assert!(against(&record, 0).contains(&"hybrid-lost".to_owned()));
        testing::fail(&mut record.hosts[1], testing::HTTP, FailureKind::Timeout);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        let lost = judgement.hosts[0].evidence.iter().find(|evidence| evidence.id == "hybrid-lost").expect("evidence");
        assert_eq!(lost.confidence, Confidence::Weak, "it follows from the size");
    }
}
