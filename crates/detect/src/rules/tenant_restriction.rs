use model::{Attempt, Confidence, DifferenceKind, Way};

use super::reflected;
use crate::rules::Sign;
use crate::text::{listed_up_to, quoted};
use crate::view::View;

rule! {
    /// What it shows: a request arrived at the reflector with a header that ties people to their organisation's own tenant,
    /// which this machine did not send.
    ///
    /// Why it is proof: only who decrypts can write into a request. These headers are made for the sign-in hosts of a service;
    /// here they are put into everything.
    ///
    /// What can fool it: nothing known; connections that are proven whole are left out. A program that adds the header by
    /// itself, as browsers do under some policies, is not this one.
    ///
    /// Source: Microsoft Entra tenant restrictions; Google Workspace, block consumer accounts; Dropbox network control; the
    /// documents of the other services on their own headers.
    "tenant-restriction", B, "Tenant restrictions are written into requests", look, None,
    "Set tenant restrictions for the sign-in hosts of the service alone, or in the operating system, and exempt {hosts}.", FarEnd
}

const HEADERS: [&str; 14] = [
    "restrict-access-to-tenants",
    "restrict-access-context",
    "sec-restrict-tenant-access-policy",
    "x-googapps-allowed-domains",
    "x-dropbox-allowed-team-ids",
    "x-slack-allowed-workspaces",
    "x-slack-allowed-workspaces-requester",
    "ciscospark-allowed-domains",
    "x-youtube-edu-filter",
    "youtube-restrict",
    "chatgpt-allowed-workspace-id",
    "openai-allowed-organization-ids",
    "anthropic-allowed-org-ids",
    "sec-github-allowed-enterprise",
];

pub(super) fn is_restriction(name: &str) -> bool {
    HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let mut arrived: Vec<(String, usize)> = Vec::new();
    for reflected in reflected::signed(view).into_iter().filter(|reflected| !view.is_whole(reflected.index)) {
        let sent = &reflected.reflection.headers_sent;
        let added = reflected.reflection.answer.headers.iter().filter(|arrived| {
            is_restriction(&arrived.0) && !sent.iter().any(|sent| sent.0.eq_ignore_ascii_case(&arrived.0))
        });
        arrived.extend(added.map(|header| (format!("{}: {}", header.0, header.1), reflected.index)));
    }
    let fidelity = view.host.fidelity.seen().into_iter().flat_map(|fidelity| [&fidelity.http1, &fidelity.http2]);
    for test in fidelity.filter_map(Attempt::seen).flatten() {
        if !view.can_be_altered(test.connection) || test.signature_valid != Some(true) {
            continue;
        }
        let added = test.outcome.seen().into_iter().flatten().filter(|difference| {
            difference.way == Way::Request
                && difference.kind == DifferenceKind::Added
                && is_restriction(&difference.what)
        });
        let value = |value: &Option<String>| value.clone().unwrap_or_default();
        arrived.extend(added.map(|d| (format!("{}: {}", d.what, value(&d.arrived)), test.connection)));
    }
    let mut connections: Vec<usize> = arrived.iter().map(|(_, connection)| *connection).collect();
    connections.sort_unstable();
    connections.dedup();
    let mut headers: Vec<String> = arrived.into_iter().map(|(header, _)| format!("`{}`", quoted(&header))).collect();
    headers.sort();
    headers.dedup();
    if headers.is_empty() {
        return Vec::new();
    }
    vec![Sign::against(Confidence::Proven, format!("requests arrived with {}", listed_up_to(&headers, 3))).on(connections)]
}

#[cfg(test)]
mod tests {
    use model::{ArrivedHeader, Difference, DifferenceKind, Way};

    use crate::testing::{self, against};

    #[test]
    fn a_header_that_we_did_not_send_was_injected() {
        let header = ArrivedHeader("Restrict-Access-To-Tenants".to_owned(), "contoso.example".to_owned());
        let id = "tenant-restriction".to_owned();
        let mut record = testing::with_decrypted_reflector();
        let reflector = record.hosts.len();
        assert!(!against(&record, reflector).contains(&id));
        testing::reflection(&mut record, |r| r.answer.headers.push(header.clone()));
        assert!(against(&record, reflector).contains(&id));
        testing::reflection(&mut record, |r| r.headers_sent.push(header.clone()));
        assert!(!against(&record, reflector).contains(&id), "we sent it ourselves");
        let added = Difference {
            way: Way::Request,
            kind: DifferenceKind::Added,
            what: "X-GoogApps-Allowed-Domains".to_owned(),
            sent: None,
            arrived: Some("contoso.example".to_owned()),
        };
        testing::fidelity(&mut record, "headers", vec![added]);
        assert!(against(&record, reflector).contains(&id));
        let mut whole = testing::with_reflector();
        testing::reflection(&mut whole, |r| r.answer.headers.push(header.clone()));
        assert!(against(&whole, reflector).is_empty());
    }
}
