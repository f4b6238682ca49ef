//! ServerHello (RFC 8446 section 4.1.3; RFC 5246 section 7.4.1.3).

use crate::reader::Reader;
use crate::writer::vector8;

use super::client_hello::protocol_names;
use super::extension::{self, Extension};
use super::{Error, handshake};

/// SHA-256 of "HelloRetryRequest": the random that makes a ServerHello one (RFC 8446 section 4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What the server chose. As with [`ClientHello`](super::ClientHello), the accessors give `None` where an extension is
/// absent or malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    pub legacy_version: u16,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub cipher_suite: u16,
    pub compression_method: u8,
    /// `None` where the message ends before the block of extensions.
    pub extension_block: Option<Vec<Extension>>,
}

impl ServerHello {
    /// Reads a handshake message, its four octets of header included; at most 64 KiB.
    pub fn parse(message: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(handshake::body(message, handshake::SERVER_HELLO)?);
        let legacy_version = reader.u16().ok_or(Error::Truncated("the version"))?;
        let random = reader.array().ok_or(Error::Truncated("the random"))?;
        let session_id = reader.vector8().ok_or(Error::Truncated("the session id"))?;
        if session_id.len() > 32 {
            return Err(Error::Malformed("the session id"));
        }
        Ok(Self {
            legacy_version,
            random,
            session_id: session_id.to_vec(),
            cipher_suite: reader.u16().ok_or(Error::Truncated("the cipher suite"))?,
            compression_method: reader.u8().ok_or(Error::Truncated("the compression method"))?,
            extension_block: Extension::read_block(&mut reader)?,
        })
    }

    /// The handshake message, octet for octet what [`parse`](Self::parse) read.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.legacy_version.to_be_bytes());
        body.extend(self.random);
        vector8(&self.session_id, &mut body);
        body.extend(self.cipher_suite.to_be_bytes());
        body.push(self.compression_method);
        Extension::write_block(self.extension_block.as_deref(), &mut body);
        handshake::message(handshake::SERVER_HELLO, &body)
    }

    /// All extensions in order, unknown and repeated ones included.
    pub fn extensions(&self) -> &[Extension] {
        self.extension_block.as_deref().unwrap_or_default()
    }

    /// The octets of the first extension with this code point.
    pub fn extension(&self, code: u16) -> Option<&[u8]> {
        extension::find(self.extensions(), code)
    }

    /// The version negotiated: 0x0304 is TLS 1.3 (RFC 8446 section 4.2.1), 0x0303 is TLS 1.2.
    pub fn version(&self) -> u16 {
        self.extension(extension::SUPPORTED_VERSIONS)
            .and_then(|data| Some(u16::from_be_bytes(*data.as_array()?)))
            .unwrap_or(self.legacy_version)
    }

    /// The group of the key exchange; TLS 1.2 does not say it here.
    pub fn group(&self) -> Option<u16> {
        Reader::new(self.extension(extension::KEY_SHARE)?).u16()
    }

    /// Group and public key of the server; a HelloRetryRequest names the group alone.
    pub fn key_share(&self) -> Option<(u16, &[u8])> {
        let mut reader = Reader::new(self.extension(extension::KEY_SHARE)?);
        let share = reader.u16().zip(reader.vector16());
        share.filter(|_| reader.is_empty())
    }

    /// The application protocol chosen. TLS 1.3 says it in EncryptedExtensions, not here.
    pub fn alpn(&self) -> Option<Vec<u8>> {
        match protocol_names(self.extension(extension::ALPN)?)?.as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        }
    }

    /// Acknowledged in the message (RFC 7627); TLS 1.3 has the same by its nature and does not say it.
    pub fn extended_master_secret(&self) -> bool {
        self.extension(extension::EXTENDED_MASTER_SECRET).is_some()
    }

    pub fn is_hello_retry_request(&self) -> bool {
        self.random == HELLO_RETRY_REQUEST
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::client_hello::tests::extension_block;
    use super::*;

    fn hello() -> impl Strategy<Value = ServerHello> {
        let random = prop_oneof![any::<[u8; 32]>(), Just(HELLO_RETRY_REQUEST)];
        let session_id = prop::collection::vec(any::<u8>(), 0..=32);
        (any::<u16>(), random, session_id, any::<u16>(), any::<u8>(), extension_block()).prop_map(
            |(legacy_version, random, session_id, cipher_suite, compression_method, extension_block)| ServerHello {
                legacy_version,
                random,
                session_id,
                cipher_suite,
                compression_method,
                extension_block,
            },
        )
    }

    fn with(extensions: Vec<Extension>) -> ServerHello {
        ServerHello {
            legacy_version: 0x0303,
            random: [1; 32],
            session_id: vec![],
            cipher_suite: 0x1301,
            compression_method: 0,
            extension_block: Some(extensions),
        }
    }

    #[test]
    fn what_was_negotiated() {
        let tls13 = with(vec![
            Extension::new(extension::SUPPORTED_VERSIONS, vec![3, 4]),
            Extension::new(extension::KEY_SHARE, vec![0x00, 0x1d, 0, 2, 9, 9]),
        ]);
        assert_eq!((tls13.version(), tls13.group()), (0x0304, Some(0x001d)));
        assert_eq!(tls13.key_share(), Some((0x001d, &[9, 9][..])));
        assert!(!tls13.is_hello_retry_request());

        let mut retry = with(vec![
            Extension::new(extension::SUPPORTED_VERSIONS, vec![3, 4]),
            Extension::new(extension::KEY_SHARE, vec![0x00, 0x17]),
        ]);
        retry.random = HELLO_RETRY_REQUEST;
        assert!(retry.is_hello_retry_request());
        assert_eq!((retry.group(), retry.key_share()), (Some(0x0017), None));

        let tls12 = with(vec![
            Extension::new(extension::EXTENDED_MASTER_SECRET, vec![]),
            Extension::new(extension::ALPN, b"\x00\x03\x02h2".to_vec()),
        ]);
        assert_eq!((tls12.version(), tls12.group()), (0x0303, None));
        assert_eq!(tls12.alpn().as_deref(), Some(&b"h2"[..]));
        assert!(tls12.extended_master_secret());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(hello in hello()) {
            let message = hello.encode();
            let read = ServerHello::parse(&message).unwrap();
            let _ = (read.version(), read.group(), read.key_share(), read.alpn(), read.extended_master_secret());
            prop_assert_eq!(read.encode(), message);
            prop_assert_eq!(read, hello);
        }

        #[test]
        fn no_prefix_and_no_surplus_is_a_hello(hello in hello()) {
            let mut message = hello.encode();
            for end in 0..message.len() {
                prop_assert!(ServerHello::parse(&message[..end]).is_err());
            }
            message.push(0);
            prop_assert!(ServerHello::parse(&message).is_err());
        }

        #[test]
        fn any_octets_are_read_without_harm(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let message = handshake::message(handshake::SERVER_HELLO, &body);
            if let Ok(hello) = ServerHello::parse(&message) {
                prop_assert_eq!(hello.encode(), message);
            }
        }
    }
}
