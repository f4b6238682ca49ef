use model::Confidence;

use super::session_differs::version;
use crate::rules::Sign;
use crate::view::{TLS13, View};

rule! {
    /// What it shows: the service speaks TLS 1.3 and an older version was negotiated.
    ///
    /// Why it is proof: both ends agree on the version under the protection of the handshake, so only who ends TLS
    /// can lower it. On a connection that is proven to end at the service it is the service's own choice, and is not
    /// counted.
    ///
    /// What can fool it: a service that turned TLS 1.3 off while something else leaves the connection unproven.
    ///
    /// Source: RFC 8446 section 4.1.3 (downgrade protection).
    "tls13-lost", E, "TLS 1.3 is lost", look, None,
    "Allow TLS 1.3 to {hosts}, or exempt them from inspection."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if !view.host.target.promises.tls13 {
        return Vec::new();
    }
    let tried = [view.hybrid(), view.classic()].into_iter().flatten();
    let lost: Vec<(usize, u16)> = tried
        .filter(|(index, _)| view.can_be_altered(*index))
        .filter_map(|(index, c)| Some((index, c.tls.seen()?.version)))
        .filter(|(_, version)| *version < TLS13)
        .collect();
    let Some((_, found)) = lost.first() else { return Vec::new() };
    let detail = format!("TLS {} was negotiated; the service speaks 1.3", version(*found));
    vec![Sign::against(Confidence::Strong, detail).on(lost.iter().map(|(index, _)| *index).collect())]
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, against};

    #[test]
    fn an_older_version_on_an_intercepted_connection_is_a_loss() {
        let mut record = testing::clean();
        testing::sessions(&mut record.hosts[0], |tls| tls.version = 0x0303);
        assert!(against(&record, 0).is_empty(), "on a whole connection it is the service's choice");
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert!(against(&record, 0).contains(&"tls13-lost".to_owned()));
    }
}
