//! A ClientHello without what belongs to one connection or to one person.

use model::HelloFacts;

use crate::quic::transport_parameters;
use crate::reader::Reader;
use crate::writer::{vector8, vector16};

use super::extension::{
    ALPN, COMPRESS_CERTIFICATE, EC_POINT_FORMATS, EXTENDED_MASTER_SECRET, KEY_SHARE, PADDING, PSK_KEY_EXCHANGE_MODES,
    RENEGOTIATION_INFO, SERVER_NAME, SIGNATURE_ALGORITHMS, SIGNED_CERTIFICATE_TIMESTAMP, STATUS_REQUEST,
    SUPPORTED_GROUPS, SUPPORTED_VERSIONS,
};
use super::{ClientHello, Error, handshake};

/// What stands where a host name was (RFC 2606 section 3).
pub const REDACTED_NAME: &str = "example.com";

/// The message without what it said this once, for people to give away.
///
/// What a client *is* stays: cipher suites, extensions and their order, groups, versions, algorithms, GREASE, and the lengths
/// of what is taken out, and with them JA3 and JA4. The random, the session id, public keys, tickets, binders, cookies and
/// the payload of Encrypted Client Hello become zeros, and so does every extension, transport parameter and application
/// protocol that is not known here, because it might say anything. The name asked for becomes [`REDACTED_NAME`], and
/// padding gets as long as it would have been with that name.
///
/// Redacting twice changes nothing, so that whoever is given a hello can tell whether it was.
pub fn redact_hello(message: &[u8]) -> Result<Vec<u8>, Error> {
    let mut hello = ClientHello::parse(message)?;
    hello.random.fill(0);
    hello.session_id.fill(0);
    let mut block = hello.extension_block.take();
    let names = |block: &Option<Vec<_>>| -> usize {
        let names = block.iter().flatten().filter(|extension: &&super::Extension| extension.code == SERVER_NAME);
        names.map(|extension| extension.data.len()).sum()
    };
    let before = names(&block);
    for extension in block.iter_mut().flatten() {
        let redacted = redacted(extension.code, &extension.data);
        extension.data = redacted.unwrap_or_else(|| vec![0; extension.data.len()]);
    }
    let after = names(&block);
    if let Some(padding) = block.iter_mut().flatten().find(|extension| extension.code == PADDING) {
        let length = padding.data.len().saturating_add(before).saturating_sub(after);
        padding.data.resize(length.min(usize::from(u16::MAX)), 0);
    }
    hello.extension_block = block;
    let redacted = hello.encode();
    // The name is longer than some, and there may be no room for that.
    if ClientHello::parse(&redacted).is_ok_and(|again| again == hello) {
        Ok(redacted)
    } else {
        Err(Error::TooLarge { what: "the redacted hello", limit: handshake::MAX_HELLO })
    }
}

const MAX_FRAGMENT_LENGTH: u16 = 1;
const USE_SRTP: u16 = 14;
const HEARTBEAT: u16 = 15;
const CLIENT_CERTIFICATE_TYPE: u16 = 19;
const SERVER_CERTIFICATE_TYPE: u16 = 20;
const ENCRYPT_THEN_MAC: u16 = 22;
const TOKEN_BINDING: u16 = 24;
const RECORD_SIZE_LIMIT: u16 = 28;
const DELEGATED_CREDENTIALS: u16 = 34;
const PRE_SHARED_KEY: u16 = 41;
const SIGNATURE_ALGORITHMS_CERT: u16 = 50;
/// As registered (RFC 9001 section 8.2), and in drafts.
const QUIC_TRANSPORT_PARAMETERS: [u16; 2] = [57, 0xffa5];
/// draft-vvv-tls-alps, under the two numbers that Chromium has used for it.
const APPLICATION_SETTINGS: [u16; 2] = [17513, 17613];
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// Extensions that hold nothing but numbers out of registries.
const KEPT: [u16; 18] = [
    MAX_FRAGMENT_LENGTH,
    SUPPORTED_GROUPS,
    EC_POINT_FORMATS,
    SIGNATURE_ALGORITHMS,
    USE_SRTP,
    HEARTBEAT,
    SIGNED_CERTIFICATE_TIMESTAMP,
    CLIENT_CERTIFICATE_TYPE,
    SERVER_CERTIFICATE_TYPE,
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    TOKEN_BINDING,
    COMPRESS_CERTIFICATE,
    RECORD_SIZE_LIMIT,
    DELEGATED_CREDENTIALS,
    SUPPORTED_VERSIONS,
    PSK_KEY_EXCHANGE_MODES,
    SIGNATURE_ALGORITHMS_CERT,
];

/// Application protocols, registered or from drafts, that programs offer everywhere.
const PROTOCOLS: [&[u8]; 15] = [
    b"h2",
    b"http/1.1",
    b"http/1.0",
    b"http/0.9",
    b"h2c",
    b"h3",
    b"h3-29",
    b"hq-interop",
    b"spdy/3.1",
    b"spdy/3",
    b"webrtc",
    b"dot",
    b"doq",
    b"imap",
    b"pop3",
];

/// `None` where all of it becomes zeros.
fn redacted(code: u16, data: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(data);
    let redacted = match code {
        _ if KEPT.contains(&code) => return Some(data.to_vec()),
        _ if QUIC_TRANSPORT_PARAMETERS.contains(&code) => return transport_parameters::redact(data),
        SERVER_NAME => {
            // RFC 6066 section 3: a list of one, of type host_name.
            let mut name = vec![0];
            vector16(REDACTED_NAME.as_bytes(), &mut name);
            let mut list = Vec::new();
            vector16(&name, &mut list);
            return (!data.is_empty()).then_some(list);
        }
        ALPN => list16(&mut reader, protocol)?,
        _ if APPLICATION_SETTINGS.contains(&code) => list16(&mut reader, protocol)?,
        KEY_SHARE => list16(&mut reader, |entries, out| {
            out.extend(entries.u16()?.to_be_bytes());
            vector16(&zeros(entries.vector16()?), out);
            Some(())
        })?,
        PRE_SHARED_KEY => {
            // RFC 8446 section 4.2.11: identities with their obfuscated ages, then binders.
            let mut out = list16(&mut reader, |identities, out| {
                vector16(&zeros(identities.vector16()?), out);
                out.extend(zeros(identities.take(4)?));
                Some(())
            })?;
            out.extend(list16(&mut reader, |binders, out| {
                vector8(&zeros(binders.vector8()?), out);
                Some(())
            })?);
            out
        }
        STATUS_REQUEST => {
            // RFC 6066 section 8: the type, responders, extensions of the request.
            let mut out = vec![reader.u8()?];
            vector16(&zeros(reader.vector16()?), &mut out);
            vector16(&zeros(reader.vector16()?), &mut out);
            out
        }
        RENEGOTIATION_INFO => {
            let mut out = Vec::new();
            vector8(&zeros(reader.vector8()?), &mut out);
            out
        }
        ENCRYPTED_CLIENT_HELLO => {
            // RFC 9849 section 5: the outer form has a cipher suite, the id of a configuration, a key and the payload.
            let mut out = vec![reader.u8()?];
            out.extend(reader.take(4)?);
            out.extend(zeros(reader.take(1)?));
            vector16(&zeros(reader.vector16()?), &mut out);
            vector16(&zeros(reader.vector16()?), &mut out);
            out
        }
        _ => return None,
    };
    reader.is_empty().then_some(redacted)
}

/// A list with its length in two octets, each entry written anew.
fn list16<'a>(
    reader: &mut Reader<'a>,
    mut entry: impl FnMut(&mut Reader<'a>, &mut Vec<u8>) -> Option<()>,
) -> Option<Vec<u8>> {
    let mut entries = Reader::new(reader.vector16()?);
    let mut list = Vec::new();
    while !entries.is_empty() {
        entry(&mut entries, &mut list)?;
    }
    let mut out = Vec::new();
    vector16(&list, &mut out);
    Some(out)
}

/// A known protocol, or the two octets of a reserved one (RFC 8701 section 3.1); `x` for each octet of others.
fn protocol(names: &mut Reader<'_>, out: &mut Vec<u8>) -> Option<()> {
    let name = names.vector8()?;
    let is_grease = matches!(name, [a, b] if HelloFacts::is_grease(u16::from_be_bytes([*a, *b])));
    if is_grease || PROTOCOLS.contains(&name) {
        vector8(name, out);
    } else {
        vector8(&vec![b'x'; name.len()], out);
    }
    Some(())
}

fn zeros(octets: &[u8]) -> Vec<u8> {
    vec![0; octets.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::Extension;

    fn hello(extensions: Vec<Extension>) -> ClientHello {
        ClientHello {
            legacy_version: 0x0303,
            random: [7; 32],
            session_id: vec![8; 32],
            cipher_suites: vec![0x0a0a, 0x1301],
            compression_methods: vec![0],
            extension_block: Some(extensions),
        }
    }

    fn check(code: u16, data: &[u8], expected: &[u8]) {
        let redacted = redact_hello(&hello(vec![Extension::new(code, data.to_vec())]).encode()).unwrap();
        let redacted = ClientHello::parse(&redacted).unwrap();
        assert_eq!((redacted.random, &redacted.session_id[..]), ([0; 32], &[0; 32][..]));
        assert_eq!(redacted.cipher_suites, [0x0a0a, 0x1301]);
        assert_eq!(redacted.extensions()[0].data.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn what_each_extension_keeps() {
        check(0, b"\0\x13\0\0\x10mail.contoso.com", b"\0\x0e\0\0\x0bexample.com");
        check(0, b"", b"");
        check(16, b"\0\x0e\x02h2\x0ainhouse/42", b"\0\x0e\x02h2\x0axxxxxxxxxx");
        check(16, b"\0\x03\x02\x1a\x1a", b"\0\x03\x02\x1a\x1a");
        check(17613, b"\0\x03\x02h2", b"\0\x03\x02h2");
        check(51, b"\0\x0d\x1a\x1a\0\x01\0\0\x1d\0\x04key!", b"\0\x0d\x1a\x1a\0\x01\0\0\x1d\0\x04\0\0\0\0");
        check(41, b"\0\x0a\0\x04tickages\0\x04\x03bin", b"\0\x0a\0\x04\0\0\0\0\0\0\0\0\0\x04\x03\0\0\0");
        check(35, b"a session ticket", &[0; 16]);
        check(44, b"\0\x03one", &[0; 5]);
        check(5, b"\x01\0\x02id\0\0", b"\x01\0\x02\0\0\0\0");
        check(0xff01, b"\x02me", b"\x02\0\0");
        check(0xfe0d, b"\0\0\x01\0\x03\x2a\0\x03enc\0\x04load", b"\0\0\x01\0\x03\0\0\x03\0\0\0\0\x04\0\0\0\0");
        check(0xfe0d, b"\x01", b"\0");
        check(43, b"\x04\x1a\x1a\x03\x04", b"\x04\x1a\x1a\x03\x04");
        check(57, b"\x0f\x02id\x01\x01\x1e", b"\x0f\x02\0\0\x01\x01\x1e");
        check(0x1a1a, b"\x01", b"\0");
        check(12, b"\x05alice", &[0; 6]);
        check(47, b"\0\x06\0\x04a CA", &[0; 8]);
        // What does not hold what it should might hold anything.
        check(51, b"\0\x0d\x1a\x1a\0\x01", &[0; 6]);
        check(51, b"\0\x05\0\x1d\0\x01ksecret", &[0; 13]);
    }

    #[test]
    fn padding_is_what_the_other_name_needs() {
        let named = |name: &str, padding| {
            let mut entry = vec![0];
            vector16(name.as_bytes(), &mut entry);
            let mut list = Vec::new();
            vector16(&entry, &mut list);
            hello(vec![Extension::new(0, list), Extension::new(21, vec![0; padding])]).encode()
        };
        let redacted = redact_hello(&named("mail.contoso.com", 100)).unwrap();
        assert_eq!(redacted.len(), named("mail.contoso.com", 100).len());
        let mut expected = ClientHello::parse(&named(REDACTED_NAME, 105)).unwrap();
        (expected.random, expected.session_id) = ([0; 32], vec![0; 32]);
        assert_eq!(redacted, expected.encode());
    }

    #[test]
    fn a_hello_without_room_for_the_name_is_refused() {
        let long = |rest| hello(vec![Extension::new(0, vec![0; 3]), Extension::new(99, vec![1; rest])]).encode();
        assert!(redact_hello(&long(65_000)).is_ok());
        assert!(matches!(redact_hello(&long(65_524)), Err(Error::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn redacting_twice_changes_nothing(block in crate::tls::client_hello::tests::extension_block()) {
            let mut hello = hello(Vec::new());
            hello.extension_block = block;
            let redacted = redact_hello(&hello.encode()).unwrap();
            prop_assert_eq!(redact_hello(&redacted).unwrap(), redacted);
        }
    }
}
