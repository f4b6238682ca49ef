//! ClientHello (RFC 8446 section 4.1.2; RFC 5246 section 7.4.1.2).

use model::HostName;

use crate::reader::Reader;
use crate::writer::{vector8, vector16};

use super::extension::{self, Extension, code_point_vector16, code_points, whole};
use super::{Error, handshake};

/// Everything a ClientHello says, in the order in which it says it.
///
/// [`parse`](Self::parse) checks the frame: lengths, and that nothing is left over. What stands in an extension is read by
/// the accessors, which give `None` where it is absent or malformed; [`extension`](Self::extension) tells the two apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    pub legacy_version: u16,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub cipher_suites: Vec<u16>,
    pub compression_methods: Vec<u8>,
    /// `None` where the message ends before the block of extensions, which is not the same as an empty block.
    pub extension_block: Option<Vec<Extension>>,
}

impl ClientHello {
    /// Reads a handshake message, its four octets of header included; at most 64 KiB.
    pub fn parse(message: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(handshake::body(message, handshake::CLIENT_HELLO)?);
        let legacy_version = reader.u16().ok_or(Error::Truncated("the version"))?;
        let random = reader.array().ok_or(Error::Truncated("the random"))?;
        let session_id = reader.vector8().ok_or(Error::Truncated("the session id"))?;
        if session_id.len() > 32 {
            return Err(Error::Malformed("the session id"));
        }
        let cipher_suites = reader.vector16().ok_or(Error::Truncated("the cipher suites"))?;
        let cipher_suites =
            code_points(cipher_suites).filter(|list| !list.is_empty()).ok_or(Error::Malformed("the cipher suites"))?;
        let compression_methods = reader.vector8().ok_or(Error::Truncated("the compression methods"))?;
        if compression_methods.is_empty() {
            return Err(Error::Malformed("the compression methods"));
        }
        Ok(Self {
            legacy_version,
            random,
            session_id: session_id.to_vec(),
            cipher_suites,
            compression_methods: compression_methods.to_vec(),
            extension_block: Extension::read_block(&mut reader)?,
        })
    }

    /// The handshake message, octet for octet what [`parse`](Self::parse) read.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.legacy_version.to_be_bytes());
        body.extend(self.random);
        vector8(&self.session_id, &mut body);
        let suites: Vec<u8> = self.cipher_suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        vector16(&suites, &mut body);
        vector8(&self.compression_methods, &mut body);
        Extension::write_block(self.extension_block.as_deref(), &mut body);
        handshake::message(handshake::CLIENT_HELLO, &body)
    }

    /// All extensions in order, unknown and repeated ones included.
    pub fn extensions(&self) -> &[Extension] {
        self.extension_block.as_deref().unwrap_or_default()
    }

    /// The octets of the first extension with this code point.
    pub fn extension(&self, code: u16) -> Option<&[u8]> {
        extension::find(self.extensions(), code)
    }

    /// The host name asked for (RFC 6066 section 3).
    pub fn server_name(&self) -> Option<HostName> {
        let mut names = Reader::new(whole(self.extension(extension::SERVER_NAME)?, Reader::vector16)?);
        while !names.is_empty() {
            let kind = names.u8()?;
            let name = names.vector16()?;
            if kind == 0 {
                return HostName::parse(core::str::from_utf8(name).ok()?).ok();
            }
        }
        None
    }

    /// The application protocols offered (RFC 7301 section 3.1).
    pub fn alpn(&self) -> Option<Vec<Vec<u8>>> {
        protocol_names(self.extension(extension::ALPN)?)
    }

    pub fn supported_groups(&self) -> Option<Vec<u16>> {
        code_point_vector16(self.extension(extension::SUPPORTED_GROUPS)?)
    }

    pub fn signature_algorithms(&self) -> Option<Vec<u16>> {
        code_point_vector16(self.extension(extension::SIGNATURE_ALGORITHMS)?)
    }

    /// The versions of RFC 8446 section 4.2.1; a client without the extension offers its `legacy_version` and older.
    pub fn supported_versions(&self) -> Option<Vec<u16>> {
        code_points(whole(self.extension(extension::SUPPORTED_VERSIONS)?, Reader::vector8)?)
    }

    /// The groups for which a key share came along, in order.
    pub fn key_share_groups(&self) -> Option<Vec<u16>> {
        self.key_shares().map(|shares| shares.into_iter().map(|(group, _)| group).collect())
    }

    /// The key shares, group and public key (RFC 8446 section 4.2.8).
    pub fn key_shares(&self) -> Option<Vec<(u16, &[u8])>> {
        let mut entries = Reader::new(whole(self.extension(extension::KEY_SHARE)?, Reader::vector16)?);
        let mut shares = Vec::new();
        while !entries.is_empty() {
            shares.push((entries.u16()?, entries.vector16()?));
        }
        Some(shares)
    }

    pub fn extended_master_secret(&self) -> bool {
        self.extension(extension::EXTENDED_MASTER_SECRET).is_some()
    }
}

/// The ProtocolNameList that an ALPN extension consists of.
pub(super) fn protocol_names(data: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Reader::new(whole(data, Reader::vector16)?);
    let mut names = Vec::new();
    while !list.is_empty() {
        names.push(list.vector8()?.to_vec());
    }
    Some(names)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in super::super) fn extension_block() -> impl Strategy<Value = Option<Vec<Extension>>> {
        let code = prop_oneof![
            prop::sample::select(vec![0u16, 5, 10, 13, 16, 18, 21, 23, 43, 45, 51, 0x1a1a, 0xfe0d, 0xff01]),
            any::<u16>(),
        ];
        let data = prop::collection::vec(any::<u8>(), 0..40);
        let extension = (code, data).prop_map(|(code, data)| Extension { code, data });
        prop::option::of(prop::collection::vec(extension, 0..8))
    }

    pub(in super::super) fn hello() -> impl Strategy<Value = ClientHello> {
        (
            any::<u16>(),
            any::<[u8; 32]>(),
            prop::collection::vec(any::<u8>(), 0..=32),
            prop::collection::vec(any::<u16>(), 1..20),
            prop::collection::vec(any::<u8>(), 1..4),
            extension_block(),
        )
            .prop_map(
                |(legacy_version, random, session_id, cipher_suites, compression_methods, extension_block)| {
                    ClientHello {
                        legacy_version,
                        random,
                        session_id,
                        cipher_suites,
                        compression_methods,
                        extension_block,
                    }
                },
            )
    }

    fn touch_everything(hello: &ClientHello) {
        let _ = (hello.server_name(), hello.alpn(), hello.supported_groups(), hello.signature_algorithms());
        let _ = (hello.supported_versions(), hello.key_shares(), hello.key_share_groups());
        let _ = hello.extended_master_secret();
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(hello in hello()) {
            let message = hello.encode();
            let read = ClientHello::parse(&message).unwrap();
            touch_everything(&read);
            prop_assert_eq!(read.encode(), message);
            prop_assert_eq!(read, hello);
        }

        #[test]
        fn no_prefix_and_no_surplus_is_a_hello(hello in hello()) {
            let mut message = hello.encode();
            for end in 0..message.len() {
                prop_assert!(ClientHello::parse(&message[..end]).is_err());
            }
            message.push(0);
            prop_assert!(ClientHello::parse(&message).is_err());
        }

        #[test]
        fn any_octets_are_read_without_harm(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let message = handshake::message(handshake::CLIENT_HELLO, &body);
            if let Ok(hello) = ClientHello::parse(&message) {
                touch_everything(&hello);
                prop_assert_eq!(hello.encode(), message);
            }
        }
    }

    #[test]
    fn limits_of_the_standard() {
        let hello = |session_id: usize, suites: &[u8], methods: &[u8]| {
            let mut body = vec![3, 3];
            body.extend([0; 32]);
            vector8(&vec![0; session_id], &mut body);
            vector16(suites, &mut body);
            vector8(methods, &mut body);
            ClientHello::parse(&handshake::message(handshake::CLIENT_HELLO, &body)).map(|hello| hello.extension_block)
        };
        assert_eq!(hello(32, &[0x13, 1], &[0]), Ok(None));
        assert_eq!(hello(33, &[0x13, 1], &[0]), Err(Error::Malformed("the session id")));
        assert_eq!(hello(0, &[0x13], &[0]), Err(Error::Malformed("the cipher suites")));
        assert_eq!(hello(0, &[], &[0]), Err(Error::Malformed("the cipher suites")));
        assert_eq!(hello(0, &[0x13, 1], &[]), Err(Error::Malformed("the compression methods")));
        let too_long = handshake::message(handshake::CLIENT_HELLO, &vec![0; handshake::MAX_HELLO + 1]);
        assert_eq!(
            ClientHello::parse(&too_long),
            Err(Error::TooLarge { what: "the hello", limit: handshake::MAX_HELLO })
        );
        assert_eq!(ClientHello::parse(&[2, 0, 0, 0]), Err(Error::UnexpectedMessage { due: 1, found: 2 }));
    }
}
