use model::Confidence;

use super::{fidelity, reflected};
use crate::rules::Sign;
use crate::text::{listed_up_to, quoted};
use crate::view::View;

rule! {
    /// What it shows: a request header that this machine sent did not arrive at the reflector, or arrived changed, or one
    /// that the reflector sent did not come back.
    ///
    /// Why it is proof: HTTP has headers for one hop alone, which may be dropped, and those are left out; all others
    /// travel to the far end. The answer is signed.
    ///
    /// What can fool it: nothing known; connections that are proven whole are left out.
    ///
    /// Source: RFC 9110 section 7.6.1 (Connection and the headers of one hop).
    "header-removed", B, "A header was removed or changed on the way", look, None,
    "Exempt {hosts} from HTTP inspection and caching."
}

/// Headers of one hop (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2) and the one that HTTP/2 turns into `:authority`.
const ONE_HOP: [&str; 9] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

fn look(view: &View<'_>) -> Vec<Sign> {
    reflected::signed(view)
        .into_iter()
        .filter(|reflected| !view.is_whole(reflected.index))
        .filter_map(|reflected| {
            let arrived = &reflected.reflection.answer.headers;
            let mut changes = Vec::new();
            for sent in &reflected.reflection.headers_sent {
                if sent.0.starts_with(':') || ONE_HOP.iter().any(|name| sent.0.eq_ignore_ascii_case(name)) {
                    continue;
                }
                match arrived.iter().find(|header| header.0.eq_ignore_ascii_case(&sent.0)) {
                    None => changes.push(format!("{} is gone", quoted(&sent.0))),
                    Some(header) if header.1.trim() != sent.1.trim() => {
                        changes.push(format!("{} became `{}`", quoted(&sent.0), quoted(&header.1)));
                    }
                    Some(_) => {}
                }
            }
            let detail = format!("the request was altered: {}", listed_up_to(&changes, 3));
            (!changes.is_empty()).then(|| Sign::against(Confidence::Proven, detail).on(vec![reflected.index]))
        })
        .chain(fidelity::signs(view, fidelity::Sort::HeaderRemoved))
        .collect()
}

#[cfg(test)]
mod tests {
    use model::HexBytes;

    use crate::testing::{self, against};

    #[test]
    fn a_header_that_does_not_arrive_was_removed() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        testing::reflection(&mut record, |r| {
            r.answer.exporter = Some(HexBytes(vec![9; 32]));
            r.answer.client_hello = Some(HexBytes(vec![9; 32]));
        });
        assert!(!against(&record, reflector).contains(&"header-removed".to_owned()));
        testing::reflection(&mut record, |r| r.answer.headers.clear());
        assert!(against(&record, reflector).contains(&"header-removed".to_owned()));
    }
}
