//! The SCTs in a stapled OCSP response (RFC 6962 section 3.3, RFC 6960 section 4.2.1).
//!
//! The response's own signature is not checked: an SCT carries its own, and that is what counts.

use super::der::{
    self, BOOLEAN, DerError, ENUMERATED, GENERALIZED_TIME, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE,
};

const MAX_OCTETS: usize = 64 << 10;
const MAX_RESPONSES: usize = 16;
/// 1.3.6.1.5.5.7.48.1.1
const BASIC_RESPONSE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
/// 1.3.6.1.4.1.11129.2.4.5
const SCT_LIST: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x05];

/// The SignedCertificateTimestampLists of every single response; most have none.
pub(super) fn sct_lists(response: &[u8]) -> Result<Vec<&[u8]>, DerError> {
    if response.len() > MAX_OCTETS {
        return Err(DerError);
    }
    let mut fields = der::single(response, SEQUENCE)?.inside();
    fields.expect(ENUMERATED)?;
    let Some(bytes) = fields.optional(der::context(0))? else {
        return Ok(Vec::new());
    };
    let mut bytes = der::single(bytes.content, SEQUENCE)?.inside();
    if bytes.expect(OBJECT_IDENTIFIER)?.content != BASIC_RESPONSE {
        return Ok(Vec::new());
    }
    let mut basic = der::single(bytes.expect(OCTET_STRING)?.content, SEQUENCE)?.inside();
    let mut data = basic.expect(SEQUENCE)?.inside();
    data.optional(der::context(0))?;
    // responderID, [1] byName or [2] byKey.
    data.next()?;
    data.expect(GENERALIZED_TIME)?;
    let mut responses = data.expect(SEQUENCE)?.inside();
    let mut lists = Vec::new();
    for _ in 0..MAX_RESPONSES {
        if responses.is_empty() {
            break;
        }
        lists.extend(single_response(responses.expect(SEQUENCE)?.inside())?);
    }
    Ok(lists)
}

fn single_response(mut fields: Reader<'_>) -> Result<Option<&[u8]>, DerError> {
    fields.expect(SEQUENCE)?;
    // certStatus, one of three context-specific tags.
    fields.next()?;
    fields.expect(GENERALIZED_TIME)?;
    fields.optional(der::context(0))?;
    let Some(extensions) = fields.optional(der::context(1))? else {
        return Ok(None);
    };
    let mut extensions = der::single(extensions.content, SEQUENCE)?.inside();
    while !extensions.is_empty() {
        let mut extension = extensions.expect(SEQUENCE)?.inside();
        let kind = extension.expect(OBJECT_IDENTIFIER)?.content;
        extension.optional(BOOLEAN)?;
        let value = extension.expect(OCTET_STRING)?;
        if kind == SCT_LIST {
            return der::single(value.content, OCTET_STRING).map(|list| Some(list.content));
        }
    }
    Ok(None)
}
