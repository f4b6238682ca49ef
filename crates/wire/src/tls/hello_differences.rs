//! Tells two ClientHellos apart in words: the one that left a client and the one that arrived at the far end.
//!
//! Nobody on an intact path changes an octet. Where something differs, people want to know which field, because that names
//! the TLS library in between: the random alone says that another client wrote the hello, the rest says which.

use std::collections::BTreeMap;

use super::{ClientHello, extension, names};

/// How many names a line lists before it only counts.
const NAMES_IN_A_LINE: usize = 6;

/// How many lines there are at most: a hello of 64 KiB can hold thousands of extensions.
const MAX_LINES: usize = 64;

/// Field by field in the order of the message, extensions by number; empty if and only if the octets are equal.
pub fn hello_differences(sent: &[u8], arrived: &[u8]) -> Vec<String> {
    if sent == arrived {
        return Vec::new();
    }
    let mut lines = match (ClientHello::parse(sent), ClientHello::parse(arrived)) {
        (Ok(sent), Ok(arrived)) => fields(&sent, &arrived),
        (Err(error), _) => vec![format!("what was sent is no ClientHello: {error}")],
        (_, Err(error)) => vec![format!("what arrived is no ClientHello: {error}")],
    };
    if lines.is_empty() {
        // Cannot happen while every field is compared; equal must never be said of octets that are not.
        let position = sent.iter().zip(arrived).position(|(a, b)| a != b).unwrap_or(sent.len().min(arrived.len()));
        lines.push(format!("octet {position} differs"));
    }
    if lines.len() > MAX_LINES {
        let more = lines.len().saturating_sub(MAX_LINES);
        lines.truncate(MAX_LINES);
        lines.push(format!("and {more} more differences"));
    }
    lines
}

fn fields(sent: &ClientHello, arrived: &ClientHello) -> Vec<String> {
    let mut lines = Vec::new();
    if sent.legacy_version != arrived.legacy_version {
        let [sent, arrived] = [sent, arrived].map(|hello| names::version(hello.legacy_version));
        lines.push(format!("legacy version: sent {sent}, arrived {arrived}"));
    }
    if sent.random != arrived.random {
        lines.push("random differs: another client wrote this hello".to_owned());
    }
    if sent.session_id != arrived.session_id {
        lines.push(match (sent.session_id.len(), arrived.session_id.len()) {
            (sent, arrived) if sent != arrived => format!("session id: sent {sent} octets, arrived {arrived}"),
            _ => "session id differs".to_owned(),
        });
    }
    lines.extend(list("cipher suites", &sent.cipher_suites, &arrived.cipher_suites, names::cipher_suite));
    if sent.compression_methods != arrived.compression_methods {
        let [sent, arrived] = [sent, arrived].map(|hello| hex::encode(&hello.compression_methods));
        lines.push(format!("compression methods: sent {sent}, arrived {arrived}"));
    }
    extensions(sent, arrived, &mut lines);
    lines
}

fn extensions(sent: &ClientHello, arrived: &ClientHello, lines: &mut Vec<String>) {
    let [sent_by_code, arrived_by_code] = [sent, arrived].map(by_code);
    for (code, ours) in &sent_by_code {
        match arrived_by_code.get(code) {
            None => lines.push(format!("extension {}: missing", label(*code))),
            Some(theirs) if theirs != ours => content(*code, sent, arrived, lines),
            Some(_) => {}
        }
    }
    for code in arrived_by_code.keys().filter(|code| !sent_by_code.contains_key(code)) {
        lines.push(format!("extension {}: added", label(*code)));
    }
    // The order among those that both have; a missing one says enough by itself.
    let order = |hello: &ClientHello| -> Vec<u16> {
        let codes = hello.extensions().iter().map(|extension| extension.code);
        codes.filter(|code| sent_by_code.contains_key(code) && arrived_by_code.contains_key(code)).collect()
    };
    if order(sent) != order(arrived) {
        lines.push("extensions: in another order".to_owned());
    }
    if sent.extension_block.is_none() != arrived.extension_block.is_none() && lines.is_empty() {
        lines.push("extensions: an empty block in one of the two, none in the other".to_owned());
    }
}

/// Each code point with the contents of its extensions; nearly always one.
fn by_code(hello: &ClientHello) -> BTreeMap<u16, Vec<&[u8]>> {
    let mut map: BTreeMap<u16, Vec<&[u8]>> = BTreeMap::new();
    for extension in hello.extensions() {
        map.entry(extension.code).or_default().push(&extension.data);
    }
    map
}

/// An extension that both have, with different contents.
fn content(code: u16, sent: &ClientHello, arrived: &ClientHello, lines: &mut Vec<String>) {
    let before = lines.len();
    match code {
        extension::SERVER_NAME => {
            if let (Some(sent), Some(arrived)) = (sent.server_name(), arrived.server_name())
                && sent != arrived
            {
                lines.push(format!("server name: sent {sent}, arrived {arrived}"));
            }
        }
        extension::SUPPORTED_GROUPS => {
            let [ours, theirs] = [sent, arrived].map(ClientHello::supported_groups);
            lines.extend(optional_list("supported groups", ours, theirs, names::group));
        }
        extension::SUPPORTED_VERSIONS => {
            let [ours, theirs] = [sent, arrived].map(ClientHello::supported_versions);
            lines.extend(optional_list("supported versions", ours, theirs, names::version));
        }
        extension::SIGNATURE_ALGORITHMS => {
            let [ours, theirs] = [sent, arrived].map(ClientHello::signature_algorithms);
            lines.extend(optional_list("signature algorithms", ours, theirs, names::signature_scheme));
        }
        extension::ALPN => {
            if let (Some(ours), Some(theirs)) = (sent.alpn(), arrived.alpn()) {
                let [ours, theirs] = [ours, theirs].map(|names| protocols(&names));
                if ours != theirs {
                    lines.push(format!("application protocols: sent {ours}, arrived {theirs}"));
                }
            }
        }
        extension::KEY_SHARE => {
            let [ours, theirs] = [sent, arrived].map(ClientHello::key_share_groups);
            if ours.is_some() && ours == theirs {
                lines.push("key share: other public keys".to_owned());
            }
            lines.extend(optional_list("key share groups", ours, theirs, names::group));
        }
        _ => {}
    }
    if lines.len() == before {
        let [ours, theirs] = [sent, arrived].map(|hello| hello.extension(code).unwrap_or_default().len());
        lines.push(match ours == theirs {
            true => format!("extension {}: other content", label(code)),
            false => format!("extension {}: sent {ours} octets, arrived {theirs}", label(code)),
        });
    }
}

fn optional_list(
    field: &str,
    sent: Option<Vec<u16>>,
    arrived: Option<Vec<u16>>,
    name: fn(u16) -> String,
) -> Option<String> {
    list(field, &sent?, &arrived?, name)
}

/// How one list of code points differs from another, if it does.
fn list(field: &str, sent: &[u16], arrived: &[u16], name: fn(u16) -> String) -> Option<String> {
    if sent == arrived {
        return None;
    }
    let (missing, added) = (left_over(sent, arrived), left_over(arrived, sent));
    let mut parts = Vec::new();
    if sent.len() != arrived.len() {
        parts.push(format!("sent {}, arrived {}", sent.len(), arrived.len()));
    }
    for (codes, what) in [(&missing, "missing"), (&added, "added")] {
        if !codes.is_empty() {
            parts.push(format!("{} {what}", enumerate(codes, name)));
        }
    }
    if missing.is_empty() && added.is_empty() {
        parts.push("in another order".to_owned());
    }
    Some(format!("{field}: {}", parts.join("; ")))
}

/// What stands in `list` and not in `other`, each as often as it stands there more often.
fn left_over(list: &[u16], other: &[u16]) -> Vec<u16> {
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    for code in other {
        *counts.entry(*code).or_default() += 1;
    }
    let mut rest = Vec::new();
    for code in list {
        match counts.get_mut(code) {
            Some(count) if *count > 0 => *count -= 1,
            _ => rest.push(*code),
        }
    }
    rest
}

fn enumerate(codes: &[u16], name: fn(u16) -> String) -> String {
    let mut text = codes.iter().take(NAMES_IN_A_LINE).map(|code| name(*code)).collect::<Vec<_>>().join(", ");
    let more = codes.len().saturating_sub(NAMES_IN_A_LINE);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn protocols(names: &[Vec<u8>]) -> String {
    let mut text: Vec<String> =
        names.iter().take(NAMES_IN_A_LINE).map(|name| name.escape_ascii().to_string()).collect();
    if names.len() > NAMES_IN_A_LINE {
        text.push("...".to_owned());
    }
    text.join(", ")
}

/// "0xfe0d encrypted_client_hello", or the number alone.
fn label(code: u16) -> String {
    let name = names::extension(code);
    if name.starts_with("0x") { name } else { format!("0x{code:04x} {name}") }
}

#[cfg(test)]
mod tests {
    use super::super::Extension;
    use super::super::client_hello::tests::hello;
    use super::*;
    use proptest::prelude::*;

    fn sent() -> ClientHello {
        let code_points = |codes: &[u16]| {
            let list: Vec<u8> = codes.iter().flat_map(|code| code.to_be_bytes()).collect();
            let mut data = Vec::new();
            crate::writer::vector16(&list, &mut data);
            data
        };
        ClientHello {
            legacy_version: 0x0303,
            random: [7; 32],
            session_id: vec![1; 32],
            cipher_suites: vec![0x1301, 0x1302, 0xc02f],
            compression_methods: vec![0],
            extension_block: Some(vec![
                Extension::new(extension::SERVER_NAME, b"\x00\x08\x00\x00\x05a.net".to_vec()),
                Extension::new(extension::SUPPORTED_GROUPS, code_points(&[0x11ec, 0x001d, 0x0017])),
                Extension::new(extension::SUPPORTED_VERSIONS, vec![4, 3, 4, 3, 3]),
                Extension::new(extension::ALPN, b"\x00\x03\x02h2".to_vec()),
                Extension::new(0xfe0d, vec![0; 10]),
            ]),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut ClientHello), lines: &[&str]) {
        let mut arrived = sent();
        change(&mut arrived);
        assert_eq!(hello_differences(&sent().encode(), &arrived.encode()), lines);
    }

    fn data(hello: &mut ClientHello, index: usize) -> &mut Vec<u8> {
        &mut hello.extension_block.as_mut().unwrap()[index].data
    }

    #[test]
    fn each_field_is_named() {
        check(|_| {}, &[]);
        check(|hello| hello.legacy_version = 0x0301, &["legacy version: sent TLS 1.2, arrived TLS 1.0"]);
        check(|hello| hello.random[31] = 0, &["random differs: another client wrote this hello"]);
        check(|hello| hello.session_id.clear(), &["session id: sent 32 octets, arrived 0"]);
        check(|hello| hello.session_id[0] = 0, &["session id differs"]);
        check(
            |hello| hello.cipher_suites = vec![0x1301, 0x1302, 0xc02f, 0xc030, 0x009c],
            &[
                "cipher suites: sent 3, arrived 5; TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_RSA_WITH_AES_128_GCM_SHA256 added",
            ],
        );
        check(|hello| hello.cipher_suites.reverse(), &["cipher suites: in another order"]);
        check(|hello| hello.compression_methods = vec![1, 0], &["compression methods: sent 00, arrived 0100"]);
        check(|hello| data(hello, 0)[5] = b'b', &["server name: sent a.net, arrived b.net"]);
        check(
            |hello| *data(hello, 1) = vec![0, 4, 0, 0x1d, 0, 0x17],
            &["supported groups: sent 3, arrived 2; X25519MLKEM768 missing"],
        );
        check(|hello| *data(hello, 2) = vec![2, 3, 3], &["supported versions: sent 2, arrived 1; TLS 1.3 missing"]);
        check(
            |hello| *data(hello, 3) = b"\x00\x09\x08http/1.1".to_vec(),
            &["application protocols: sent h2, arrived http/1.1"],
        );
        check(|hello| data(hello, 4)[0] = 1, &["extension 0xfe0d encrypted_client_hello: other content"]);
        check(|hello| data(hello, 4).clear(), &["extension 0xfe0d encrypted_client_hello: sent 10 octets, arrived 0"]);
        check(
            |hello| {
                let extensions = hello.extension_block.as_mut().unwrap();
                extensions.pop();
                extensions.push(Extension::new(0xca34, vec![]));
            },
            &["extension 0xfe0d encrypted_client_hello: missing", "extension 0xca34: added"],
        );
        check(|hello| hello.extension_block.as_mut().unwrap().swap(0, 3), &["extensions: in another order"]);
    }

    #[test]
    fn what_is_no_hello_is_said_so() {
        let sent = sent().encode();
        assert_eq!(
            hello_differences(&sent, &sent[..40]),
            ["what arrived is no ClientHello: the handshake message is cut short"]
        );
        assert_eq!(hello_differences(&[], &sent).len(), 1);
    }

    #[test]
    fn a_hello_of_thousands_of_extensions_makes_few_lines() {
        let mut arrived = sent();
        arrived.extension_block = Some((0..16_000).map(|code| Extension::new(code, vec![])).collect());
        assert_eq!(hello_differences(&sent().encode(), &arrived.encode()).len(), MAX_LINES + 1);
    }

    proptest! {
        #[test]
        fn empty_if_and_only_if_equal(first in hello(), second in hello(), which in 0..6usize) {
            // Two unrelated hellos differ nearly everywhere; so also change a single part.
            let mut near = first.clone();
            match which {
                0 => near.random = second.random,
                1 => near.session_id = second.session_id.clone(),
                2 => near.cipher_suites = second.cipher_suites.clone(),
                3 => near.compression_methods = second.compression_methods.clone(),
                4 => near.extension_block = second.extension_block.clone(),
                _ => near.legacy_version = second.legacy_version,
            }
            for other in [&first, &near, &second] {
                let (sent, arrived) = (first.encode(), other.encode());
                prop_assert_eq!(hello_differences(&sent, &arrived).is_empty(), sent == arrived);
            }
        }
    }
}
