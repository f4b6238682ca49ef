use model::Confidence;

use super::reflected;
use crate::rules::Sign;
use crate::text::quoted;
use crate::view::View;

rule! {
    /// What it shows: the request left this machine in one version of HTTP and arrived at the reflector in another.
    ///
    /// Why it is proof: the version is chosen once for a connection. The answer is signed.
    ///
    /// What can fool it: a load balancer in front of the reflector; it must then be part of the path that is judged.
    ///
    /// Source: RFC 9110 section 2.5 (protocol version); RFC 7301 (ALPN).
    "protocol-changed", B, "The HTTP version changed on the way", look, None,
    "Exempt {hosts} from inspection, so that HTTP/2 and HTTP/3 reach the service."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    reflected::signed(view)
        .into_iter()
        .filter(|reflected| !view.is_whole(reflected.index))
        .filter_map(|reflected| {
            let ours = match reflected.connection.tls.seen()?.alpn.as_deref() {
                Some("h2") => "2",
                Some("h3") => "3",
                Some("http/1.1") | None => "1.1",
                Some(_) => return None,
            };
            let theirs = reflected.reflection.answer.http_version.as_str();
            let detail = format!("the request left as HTTP/{ours} and arrived as HTTP/{}", quoted(theirs));
            (ours != theirs).then(|| Sign::against(Confidence::Proven, detail).on(vec![reflected.index]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::HexBytes;

    use crate::testing::{self, against};

    #[test]
    fn another_version_at_the_far_end_was_translated() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        testing::reflection(&mut record, |r| {
            r.answer.exporter = Some(HexBytes(vec![9; 32]));
            r.answer.client_hello = Some(HexBytes(vec![9; 32]));
        });
        assert!(!against(&record, reflector).contains(&"protocol-changed".to_owned()));
        testing::reflection(&mut record, |r| r.answer.http_version = "1.1".to_owned());
        assert!(against(&record, reflector).contains(&"protocol-changed".to_owned()));
    }
}
