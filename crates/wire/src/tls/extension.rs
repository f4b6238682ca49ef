//! Hello extensions (RFC 8446 section 4.2) and the lists inside of them.

use crate::reader::Reader;
use crate::writer::vector16;

use super::Error;

/// Code points of the IANA registry "TLS ExtensionType Values" that are read or written here.
pub(super) const SERVER_NAME: u16 = 0;
pub(super) const STATUS_REQUEST: u16 = 5;
pub(super) const SUPPORTED_GROUPS: u16 = 10;
pub(super) const EC_POINT_FORMATS: u16 = 11;
pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(super) const ALPN: u16 = 16;
pub(super) const SIGNED_CERTIFICATE_TIMESTAMP: u16 = 18;
pub(super) const PADDING: u16 = 21;
pub(super) const EXTENDED_MASTER_SECRET: u16 = 23;
pub(super) const COMPRESS_CERTIFICATE: u16 = 27;
pub(super) const SUPPORTED_VERSIONS: u16 = 43;
pub(super) const PSK_KEY_EXCHANGE_MODES: u16 = 45;
pub(super) const KEY_SHARE: u16 = 51;
pub(super) const RENEGOTIATION_INFO: u16 = 0xff01;

/// One extension as it stood in the message. What its octets mean is read on demand, so that a damaged or unknown
/// extension costs nothing else of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    pub code: u16,
    pub data: Vec<u8>,
}

impl Extension {
    pub fn new(code: u16, data: Vec<u8>) -> Self {
        Self { code, data }
    }

    /// Reads what is left of a hello: nothing at all (RFC 5246 section 7.4.1.2 allows that), or one block.
    pub(super) fn read_block(reader: &mut Reader<'_>) -> Result<Option<Vec<Self>>, Error> {
        if reader.is_empty() {
            return Ok(None);
        }
        let list = reader.vector16().ok_or(Error::Truncated("the extension block"))?;
        if !reader.is_empty() {
            return Err(Error::Malformed("the end of the message"));
        }
        Self::read_list(list).map(Some)
    }

    pub(super) fn read_list(list: &[u8]) -> Result<Vec<Self>, Error> {
        let mut block = Reader::new(list);
        let mut extensions = Vec::new();
        while !block.is_empty() {
            let code = block.u16().ok_or(Error::Truncated("an extension"))?;
            let data = block.vector16().ok_or(Error::Truncated("an extension"))?.to_vec();
            extensions.push(Self { code, data });
        }
        Ok(extensions)
    }

    pub(super) fn write_block(extensions: Option<&[Self]>, out: &mut Vec<u8>) {
        let Some(extensions) = extensions else { return };
        let mut block = Vec::new();
        for extension in extensions {
            block.extend(extension.code.to_be_bytes());
            vector16(&extension.data, &mut block);
        }
        vector16(&block, out);
    }
}

/// The octets of the first extension with this code.
pub(super) fn find(extensions: &[Extension], code: u16) -> Option<&[u8]> {
    extensions.iter().find(|extension| extension.code == code).map(|extension| extension.data.as_slice())
}

/// The whole of `bytes` as 16-bit code points.
pub(super) fn code_points(bytes: &[u8]) -> Option<Vec<u16>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().copied().map(u16::from_be_bytes).collect())
}

/// The whole of `bytes` as one vector of 16-bit code points, its length in two octets in front.
pub(super) fn code_point_vector16(bytes: &[u8]) -> Option<Vec<u16>> {
    code_points(whole(bytes, Reader::vector16)?)
}

/// The one vector that `bytes` consists of.
pub(crate) fn whole<'a>(bytes: &'a [u8], vector: impl FnOnce(&mut Reader<'a>) -> Option<&'a [u8]>) -> Option<&'a [u8]> {
    let mut reader = Reader::new(bytes);
    vector(&mut reader).filter(|_| reader.is_empty())
}
