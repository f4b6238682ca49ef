use super::hello_differs::equal;
use crate::rules::{Sign, reflected};
use crate::view::View;

rule! {
    /// What it shows: the ClientHello arrived at the reflector octet for octet as it left, its random included.
    ///
    /// Why it is proof: whoever ends TLS must put a key share of its own into the hello that it sends on, or it
    /// cannot read the session. The answer is signed with a key that the client pins.
    ///
    /// What can fool it: nothing known in TLS 1.3. In TLS 1.2 without ephemeral keys, somebody who holds the server's
    /// private key could read along; the reflector offers no such suite.
    ///
    /// Source: RFC 8446 sections 4.1.2 and 4.2.8.
    "hello-equal", A, "The ClientHello arrived as it was sent", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let whole = |r: &&reflected::Reflected<'_>| equal(r) == Some(true) && r.exporters_equal() != Some(false);
    let connections: Vec<usize> = reflected::signed(view).iter().filter(whole).map(|r| r.index).collect();
    if connections.is_empty() {
        return Vec::new();
    }
    vec![Sign::supporting("the ClientHello arrived octet for octet as it was sent").on(connections).proving(true)]
}

#[cfg(test)]
mod tests {
    use model::{HexBytes, State};

    use crate::testing::{self, supporting};

    #[test]
    fn an_unaltered_hello_is_enough() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        testing::reflection(&mut record, |r| r.answer.exporter = None);
        assert!(supporting(&record, reflector).contains(&"hello-equal".to_owned()));
        assert_eq!(testing::state(&record, reflector), State::Intact);
        testing::reflection(&mut record, |r| r.answer.client_hello = Some(HexBytes(vec![1])));
        assert!(!supporting(&record, reflector).contains(&"hello-equal".to_owned()));
    }
}
