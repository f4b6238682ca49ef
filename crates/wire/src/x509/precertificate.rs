//! What a log signed: the certificate as it was before the SCTs were put into it (RFC 6962 section 3.2).
//!
//! The log saw a precertificate; the server presents the final certificate. Taking the SCT extension out again and
//! shortening the three lengths around it gives the octets that the log's signature covers. Every other octet is copied,
//! never encoded anew, so that a certificate with an unusual encoding still verifies.

use super::der::{self, BOOLEAN, DerError, Element, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};

/// 1.3.6.1.4.1.11129.2.4.2
const SCT_LIST: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];

/// The SCTs in a certificate, and the certificate without them.
#[derive(Clone, Debug)]
pub(super) struct Precertificate<'a> {
    /// SignedCertificateTimestampList.
    pub(super) list: &'a [u8],
    /// TBSCertificate, header and content.
    pub(super) tbs: Vec<u8>,
}

/// `None` where the certificate has no SCT extension; an error where it has two, or a damaged one.
pub(super) fn reconstruct<'a>(tbs: &Element<'a>) -> Result<Option<Precertificate<'a>>, DerError> {
    let mut fields = tbs.inside();
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut list = None;
    let mut extensions = Vec::new();
    while !fields.is_empty() {
        let field = fields.next()?;
        if field.tag != der::context(3) {
            kept.push(field.whole);
            continue;
        }
        let mut sequence = der::single(field.content, SEQUENCE)?.inside();
        while !sequence.is_empty() {
            let extension = sequence.expect(SEQUENCE)?;
            match read_sct_extension(&extension)? {
                None => extensions.push(extension.whole),
                Some(found) if list.is_none() => list = Some(found),
                Some(_) => return Err(DerError),
            }
        }
    }
    let Some(list) = list else { return Ok(None) };
    let extensions = der::encode(der::context(3), &[&der::encode(SEQUENCE, &extensions)]);
    kept.push(&extensions);
    Ok(Some(Precertificate { list, tbs: der::encode(SEQUENCE, &kept) }))
}

/// The list in the extension, if this is the SCT extension: an OCTET STRING in the extension's OCTET STRING.
fn read_sct_extension<'a>(extension: &Element<'a>) -> Result<Option<&'a [u8]>, DerError> {
    let mut fields = extension.inside();
    if fields.expect(OBJECT_IDENTIFIER)?.content != SCT_LIST {
        return Ok(None);
    }
    fields.optional(BOOLEAN)?;
    let value = fields.expect(OCTET_STRING)?;
    fields.end()?;
    der::single(value.content, OCTET_STRING).map(|list| Some(list.content))
}
