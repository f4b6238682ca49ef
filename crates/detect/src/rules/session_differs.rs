use model::Confidence;

use crate::rules::{Sign, reflected};
use crate::view::View;

rule! {
    /// What it shows: the reflector negotiated another TLS version, cipher suite or application protocol than this
    /// machine did on the same connection.
    ///
    /// Why it is proof: the two ends of one session agree on these by definition, since the Finished messages cover
    /// the handshake. The answer is signed with a key that the client pins.
    ///
    /// What can fool it: nothing known.
    ///
    /// Source: RFC 8446 section 4.4.4 (Finished covers the whole handshake).
    "session-differs", A, "The two ends negotiated different parameters", look
}

fn look(view: &View<'_>) -> Vec<Sign> {
    reflected::signed(view)
        .into_iter()
        .filter(|reflected| reflected.exporters_equal() != Some(true))
        .filter_map(|reflected| {
            let ours = reflected.connection.tls.seen()?;
            let theirs = &reflected.reflection.answer;
            let mut differences = Vec::new();
            if ours.version != theirs.tls_version {
                differences.push(format!("TLS {} here, {} there", version(ours.version), version(theirs.tls_version)));
            }
            if ours.cipher_suite != theirs.cipher_suite {
                differences.push(format!("cipher suite {:04x} here, {:04x} there", ours.cipher_suite, theirs.cipher_suite));
            }
            if ours.alpn != theirs.alpn {
                let name = |alpn: &Option<String>| crate::text::quoted(alpn.as_deref().unwrap_or("no ALPN"));
                differences.push(format!("{} here, {} there", name(&ours.alpn), name(&theirs.alpn)));
            }
            let detail = format!("the reflector negotiated another session: {}", differences.join("; "));
            (!differences.is_empty()).then(|| Sign::against(Confidence::Proven, detail).on(vec![reflected.index]))
        })
        .collect()
}

pub(super) fn version(code: u16) -> String {
    match code {
        0x0304 => "1.3".to_owned(),
        0x0303 => "1.2".to_owned(),
        0x0302 => "1.1".to_owned(),
        0x0301 => "1.0".to_owned(),
        other => format!("{other:04x}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, against};

    #[test]
    fn other_parameters_are_another_session() {
        let mut record = testing::with_reflector();
        assert!(against(&record, record.hosts.len()).is_empty());
        testing::reflection(&mut record, |r| {
            r.answer.exporter = None;
            r.answer.tls_version = 0x0303;
        });
        assert!(against(&record, record.hosts.len()).contains(&"session-differs".to_owned()));
    }
}
