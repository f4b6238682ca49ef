use super::scts::{Timestamps, timestamps};
use crate::rules::Sign;
use crate::standing::Standing;
use crate::text::counted;
use crate::view::View;

rule! {
    /// What it shows: a public log signed for this very certificate, and the signature verifies.
    ///
    /// Why it is proof: logs take certificates of public authorities alone and show them to everybody. Together with a
    /// chain to a public root it says that the certificate was issued in the open, and not on the path.
    ///
    /// What can fool it: a public authority that issues openly for somebody who is not the service; such cases were
    /// found through the logs and ended in the authority's removal.
    ///
    /// Source: RFC 6962 section 3.2.
    "valid-sct", A, "A public log signed for the certificate", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    if !view.judged_by_public_trust() {
        return Vec::new();
    }
    view.chains()
        .filter_map(|(index, chain, standing, connections)| match timestamps(view, index, chain) {
            Timestamps::Valid(count) => {
                let detail = format!("{} of public logs for the certificate verified", counted(count, "timestamp"));
                let proves = *standing == Standing::Public && !view.context.certificate_borrowed;
                Some(Sign::supporting(detail).on(connections).proving(proves))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, supporting};

    #[test]
    fn a_verified_timestamp_speaks_for_the_path() {
        let mut record = testing::clean();
        assert!(supporting(&record, 0).contains(&"valid-sct".to_owned()));
        record.hosts[0].chains[0].facts.scts.clear();
        assert!(!supporting(&record, 0).contains(&"valid-sct".to_owned()));
    }
}
