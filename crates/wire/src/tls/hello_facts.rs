//! The facts of a ClientHello (RFC 8446 section 4.1.2), read into a value that is used again and again.
//!
//! [`ClientHello`](super::ClientHello) keeps every octet and costs an allocation for each extension. Who reads a hello for
//! each line of a log or each connection of a capture wants neither: [`read_hello`] fills a [`HelloFacts`] and allocates
//! nothing once the lists of that value have grown to the usual size.
//!
//! The frame is held to as strictly as [`ClientHello::parse`](super::ClientHello::parse) does, so that both refuse the same
//! octets. A malformed extension is named in the list of extensions and leaves its own list empty; of an extension that
//! comes twice, the first one counts. After an error the value is empty: nothing half-read can be taken for a hello.

use model::{HelloFacts, HelloSource};

use crate::reader::Reader;

use super::extension::{self, whole};
use super::{Error, FirstMessage, handshake, record};

mod ja3_text;

pub use ja3_text::read_ja3_text;

/// Reads a handshake message, its four octets of header included; at most 64 KiB.
pub fn read_hello(message: &[u8], into: &mut HelloFacts) -> Result<(), Error> {
    into.clear();
    let result = read(message, into);
    if result.is_err() {
        into.clear();
    }
    result
}

/// Reads a handshake message, or the TLS records that carry one. A record begins with 22, a ClientHello with 1.
///
/// What follows a message in its record, or records after it, is passed over: recorders cut their buffers where they like.
/// A message that is spread over records is joined in memory of its own.
pub fn read_hello_or_records(octets: &[u8], into: &mut HelloFacts) -> Result<(), Error> {
    if octets.first() != Some(&record::HANDSHAKE) {
        return read_hello(octets, into);
    }
    if let Some(message) = in_one_record(octets) {
        return read_hello(message, into);
    }
    into.clear();
    match FirstMessage::new().push(octets)? {
        Some(message) => read_hello(&message, into),
        None => Err(Error::Truncated("the handshake message")),
    }
}

/// The first message where the first record holds all of it.
fn in_one_record(octets: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(octets);
    let [_handshake, 3, _minor] = reader.array()? else { return None };
    let fragment = reader.vector16().filter(|fragment| fragment.len() <= record::MAX_PLAINTEXT)?;
    let mut header = Reader::new(fragment);
    let length = header.u8().and_then(|_| header.u24())?;
    let end = handshake::HEADER.checked_add(usize::try_from(length).ok()?)?;
    fragment.get(..end)
}

fn read(message: &[u8], into: &mut HelloFacts) -> Result<(), Error> {
    let mut reader = Reader::new(handshake::body(message, handshake::CLIENT_HELLO)?);
    into.source = HelloSource::Octets;
    into.length = message.len();
    into.legacy_version = reader.u16().ok_or(Error::Truncated("the version"))?;
    let _random: [u8; 32] = reader.array().ok_or(Error::Truncated("the random"))?;
    let session_id = reader.vector8().ok_or(Error::Truncated("the session id"))?;
    if session_id.len() > 32 {
        return Err(Error::Malformed("the session id"));
    }
    into.session_id_length = u8::try_from(session_id.len()).map_err(|_| Error::Malformed("the session id"))?;
    let cipher_suites = reader.vector16().ok_or(Error::Truncated("the cipher suites"))?;
    if cipher_suites.is_empty() || !code_points(cipher_suites, &mut into.cipher_suites) {
        return Err(Error::Malformed("the cipher suites"));
    }
    let compression_methods = reader.vector8().ok_or(Error::Truncated("the compression methods"))?;
    if compression_methods.is_empty() {
        return Err(Error::Malformed("the compression methods"));
    }
    into.compression_methods.extend_from_slice(compression_methods);
    if reader.is_empty() {
        return Ok(());
    }
    let block = reader.vector16().ok_or(Error::Truncated("the extension block"))?;
    if !reader.is_empty() {
        return Err(Error::Malformed("the end of the message"));
    }
    extensions(block, into)
}

/// Reads a block of extensions in two passes. The first one goes over all of them and takes no decision that depends on
/// which one it is: a client that shuffles them would have each of those predicted wrongly. The second one reads those with
/// lists, in the order in which they stand here.
fn extensions(block: &[u8], into: &mut HelloFacts) -> Result<(), Error> {
    let mut reader = Reader::new(block);
    let mut known = Known { ends: [(0, 0); KNOWN], seen: 0 };
    // A list that grows by one is written to memory and read again by one; from here it grows by many.
    let mut codes = [0; 32];
    let mut count = 0;
    while !reader.is_empty() {
        let [a, b, c, d] = reader.array().ok_or(Error::Truncated("an extension"))?;
        let code = u16::from_be_bytes([a, b]);
        let data = reader.take(u16::from_be_bytes([c, d]).into()).ok_or(Error::Truncated("an extension"))?;
        if let Some(place) = codes.get_mut(count) {
            *place = code;
            count += 1;
        } else {
            into.extensions.extend_from_slice(&codes);
            codes[0] = code;
            count = 1;
        }
        known.keep(code, block.len().saturating_sub(reader.rest().len()), data.len());
    }
    into.extensions.extend_from_slice(codes.get(..count).unwrap_or_default());
    // A malformed extension leaves its list empty, and that is all there is to say about it.
    for code in LISTS {
        let _ = known.data(code, block).and_then(|data| fill(code, data, into));
    }
    Ok(())
}

/// The extensions that facts are about.
const LISTS: [u16; 9] = [
    extension::SERVER_NAME,
    extension::SUPPORTED_GROUPS,
    extension::EC_POINT_FORMATS,
    extension::SIGNATURE_ALGORITHMS,
    extension::ALPN,
    extension::COMPRESS_CERTIFICATE,
    extension::SUPPORTED_VERSIONS,
    extension::PSK_KEY_EXCHANGE_MODES,
    extension::KEY_SHARE,
];

/// All of these are below.
const KNOWN: usize = 64;

/// The first extension of each code below [`KNOWN`].
struct Known {
    /// Where in the block each of them ends, and its length; both fit, as the block does.
    ends: [(u16, u16); KNOWN],
    seen: u64,
}

impl Known {
    fn keep(&mut self, code: u16, end: usize, length: usize) {
        let fit = |number| u16::try_from(number).unwrap_or_default();
        if let Some(place) = self.ends.get_mut(usize::from(code)) {
            let bit = 1 << code;
            if self.seen & bit == 0 {
                *place = (fit(end), fit(length));
            }
            self.seen |= bit;
        }
    }

    fn data<'a>(&self, code: u16, block: &'a [u8]) -> Option<&'a [u8]> {
        let (end, length) = self.ends.get(usize::from(code)).copied()?;
        let is_there = self.seen & 1u64.checked_shl(code.into())? != 0;
        block.get(usize::from(end).checked_sub(length.into())?..end.into()).filter(|_| is_there)
    }
}

/// Reads one; `None` where it is malformed.
fn fill(code: u16, data: &[u8], into: &mut HelloFacts) -> Option<()> {
    match code {
        extension::SERVER_NAME => into.server_name.extend_from_slice(host_name(data)?),
        extension::SUPPORTED_GROUPS => {
            code_points(whole(data, Reader::vector16)?, &mut into.supported_groups);
        }
        extension::EC_POINT_FORMATS => into.point_formats.extend_from_slice(whole(data, Reader::vector8)?),
        extension::SIGNATURE_ALGORITHMS => {
            code_points(whole(data, Reader::vector16)?, &mut into.signature_algorithms);
        }
        extension::ALPN => into.alpn_octets.extend_from_slice(protocols(data)?),
        extension::COMPRESS_CERTIFICATE => {
            code_points(whole(data, Reader::vector8)?, &mut into.certificate_compression);
        }
        extension::SUPPORTED_VERSIONS => {
            code_points(whole(data, Reader::vector8)?, &mut into.supported_versions);
        }
        extension::PSK_KEY_EXCHANGE_MODES => {
            into.psk_key_exchange_modes.extend_from_slice(whole(data, Reader::vector8)?);
        }
        extension::KEY_SHARE => key_shares(data, &mut into.key_shares)?,
        _ => {}
    }
    Some(())
}

/// The whole of `octets` as 16-bit code points; `false`, and nothing taken, where there is half of one.
fn code_points(octets: &[u8], into: &mut Vec<u16>) -> bool {
    let (pairs, rest) = octets.as_chunks::<2>();
    if rest.is_empty() {
        into.extend(pairs.iter().copied().map(u16::from_be_bytes));
    }
    rest.is_empty()
}

/// The first host name of a server name list (RFC 6066 section 3).
fn host_name(data: &[u8]) -> Option<&[u8]> {
    let mut names = Reader::new(whole(data, Reader::vector16)?);
    while !names.is_empty() {
        let kind = names.u8()?;
        let name = names.vector16()?;
        if kind == 0 {
            return Some(name);
        }
    }
    None
}

/// The list of protocol names (RFC 7301 section 3.1) without its own length, if it holds nothing but whole names.
fn protocols(data: &[u8]) -> Option<&[u8]> {
    let list = whole(data, Reader::vector16)?;
    let mut names = Reader::new(list);
    while !names.is_empty() {
        names.vector8()?;
    }
    Some(list)
}

/// The groups of the key shares (RFC 8446 section 4.2.8); none of them where one is malformed.
fn key_shares(data: &[u8], into: &mut Vec<u16>) -> Option<()> {
    let mut entries = Reader::new(whole(data, Reader::vector16)?);
    while !entries.is_empty() {
        let Some((group, _share)) = entries.u16().zip(entries.vector16()) else {
            into.clear();
            return None;
        };
        into.push(group);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::client_hello::tests::hello;
    use super::super::{ClientHello, Extension};
    use super::*;

    /// What the other parser of the crate says of the same message.
    fn facts_of(hello: &ClientHello) -> HelloFacts {
        let vector8 = |code| {
            let data = hello.extension(code).and_then(|data| whole(data, Reader::vector8));
            data.unwrap_or_default().to_vec()
        };
        let code_points = |code| extension::code_points(&vector8(code)).unwrap_or_default();
        let alpn = hello.alpn().unwrap_or_default();
        HelloFacts {
            source: HelloSource::Octets,
            legacy_version: hello.legacy_version,
            session_id_length: u8::try_from(hello.session_id.len()).unwrap(),
            cipher_suites: hello.cipher_suites.clone(),
            compression_methods: hello.compression_methods.clone(),
            extensions: hello.extensions().iter().map(|extension| extension.code).collect(),
            supported_groups: hello.supported_groups().unwrap_or_default(),
            point_formats: vector8(extension::EC_POINT_FORMATS),
            signature_algorithms: hello.signature_algorithms().unwrap_or_default(),
            supported_versions: hello.supported_versions().unwrap_or_default(),
            key_shares: hello.key_share_groups().unwrap_or_default(),
            psk_key_exchange_modes: vector8(extension::PSK_KEY_EXCHANGE_MODES),
            certificate_compression: code_points(extension::COMPRESS_CERTIFICATE),
            alpn_octets: alpn
                .iter()
                .flat_map(|name| [&[u8::try_from(name.len()).unwrap()][..], name].concat())
                .collect(),
            server_name: hello.extension(extension::SERVER_NAME).and_then(host_name).unwrap_or_default().to_vec(),
            length: hello.encode().len(),
        }
    }

    /// A value that has been used before.
    fn used() -> HelloFacts {
        let mut facts =
            HelloFacts { source: HelloSource::Ja3Text, legacy_version: 9, length: 9, ..HelloFacts::default() };
        facts.extensions.extend([1, 2, 3]);
        facts.server_name.extend(b"left over");
        facts
    }

    /// Extensions that facts are about, whole and damaged.
    fn extension_with_a_list() -> impl Strategy<Value = Extension> {
        let code = prop::sample::select(vec![0u16, 10, 11, 13, 16, 27, 43, 45, 51]);
        let list = prop::collection::vec(any::<u8>(), 0..24);
        (code, list, 0..8u8).prop_map(|(code, list, shape)| {
            let mut data = Vec::new();
            match (shape, code) {
                (0, _) => data.clone_from(&list),
                (_, 11 | 27 | 43 | 45) => crate::writer::vector8(&list, &mut data),
                (1..=3, 0) => crate::writer::vector16(&[&[0, 0, 3], &b"a.b"[..]].concat(), &mut data),
                (1..=3, 16) => crate::writer::vector16(b"\x02h2\x08http/1.1", &mut data),
                (1..=3, 51) => crate::writer::vector16(&[0x1a, 0x1a, 0, 1, 0, 0, 29, 0, 2, 7, 7], &mut data),
                _ => crate::writer::vector16(&list, &mut data),
            }
            Extension { code, data }
        })
    }

    fn records(message: &[u8], longest: usize, minor: u8) -> Vec<u8> {
        let mut records = Vec::new();
        for fragment in message.chunks(longest) {
            records.extend([record::HANDSHAKE, 3, minor]);
            crate::writer::vector16(fragment, &mut records);
        }
        records
    }

    proptest! {
        #[test]
        fn both_parsers_read_the_same(
            mut hello in hello(),
            more in prop::collection::vec(extension_with_a_list(), 0..10),
        ) {
            if !more.is_empty() {
                hello.extension_block.get_or_insert_default().extend(more);
            }
            let message = hello.encode();
            let mut facts = used();
            read_hello(&message, &mut facts).unwrap();
            prop_assert_eq!(&facts, &facts_of(&ClientHello::parse(&message).unwrap()));
        }

        #[test]
        fn no_prefix_and_no_surplus_is_a_hello(hello in hello()) {
            let mut message = hello.encode();
            for end in 0..message.len() {
                let mut facts = used();
                let error = read_hello(&message[..end], &mut facts).unwrap_err();
                prop_assert_eq!(Err(error), ClientHello::parse(&message[..end]).map(|_| ()));
                prop_assert_eq!(facts, HelloFacts::default());
            }
            message.push(0);
            prop_assert_eq!(read_hello(&message, &mut used()), Err(Error::Malformed("the end of the message")));
        }

        #[test]
        fn any_octets_are_read_as_the_other_parser_reads_them(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let message = handshake::message(handshake::CLIENT_HELLO, &body);
            let mut facts = used();
            match (read_hello(&message, &mut facts), ClientHello::parse(&message)) {
                (Ok(()), Ok(hello)) => prop_assert_eq!(facts, facts_of(&hello)),
                (result, parsed) => {
                    prop_assert_eq!(result, parsed.map(|_| ()));
                    prop_assert_eq!(facts, HelloFacts::default());
                }
            }
        }

        #[test]
        fn records_are_read_as_the_message_in_them(
            hello in hello(),
            longest in prop_oneof![1..40usize, Just(record::MAX_PLAINTEXT)],
            minor in 0..4u8,
            after in prop::collection::vec(any::<u8>(), 0..8),
        ) {
            let message = hello.encode();
            let (mut facts, mut bare) = (used(), HelloFacts::default());
            read_hello(&message, &mut bare).unwrap();
            let records = records(&message, longest, minor);
            read_hello_or_records(&[&records[..], &after].concat(), &mut facts).unwrap();
            prop_assert_eq!(&facts, &bare);
            read_hello_or_records(&message, &mut facts).unwrap();
            prop_assert_eq!(&facts, &bare);
            for end in 0..records.len() {
                prop_assert!(read_hello_or_records(&records[..end], &mut facts).is_err());
                prop_assert_eq!(&facts, &HelloFacts::default());
            }
        }

        #[test]
        fn any_octets_in_records_do_no_harm(
            start in prop::sample::select(vec![&b""[..], b"\x16\x03", b"\x16\x03\x01\x00\x30\x01\x00\x00\x2c", b"\x16\x03\x01"]),
            octets in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let mut facts = used();
            if read_hello_or_records(&[start, &octets].concat(), &mut facts).is_err() {
                prop_assert_eq!(facts, HelloFacts::default());
            }
        }
    }

    #[test]
    fn a_second_message_in_the_record_is_passed_over() {
        let hello = [&[1, 0, 0, 41, 3, 3], &[7; 32][..], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
        let mut facts = HelloFacts::default();
        let records = records(&[&hello[..], &[20, 0, 0, 0]].concat(), record::MAX_PLAINTEXT, 1);
        assert_eq!(read_hello_or_records(&records, &mut facts), Ok(()));
        assert_eq!((facts.length, &facts.cipher_suites[..]), (45, &[0x1301][..]));
        assert_eq!(
            read_hello_or_records(b"GET / HTTP/1.1", &mut facts),
            Err(Error::UnexpectedMessage { due: 1, found: b'G' })
        );
    }

    #[test]
    fn lists_keep_their_room() {
        let hello = [&[1, 0, 0, 41, 3, 3], &[7; 32][..], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
        let mut facts = HelloFacts::default();
        read_hello(&hello, &mut facts).unwrap();
        let before = (facts.cipher_suites.as_ptr(), facts.compression_methods.as_ptr());
        read_hello(&hello, &mut facts).unwrap();
        assert_eq!((facts.cipher_suites.as_ptr(), facts.compression_methods.as_ptr()), before);
    }
}
