//! The outline of a certificate: where its parts lie, as the exact octets.
//!
//! This is what path search and SCT verification work on. It is deliberately blind to what the parts mean, so that a
//! certificate which a strict validator refuses (a negative serial number, an odd extension) can still be traced to the
//! one that signed it.

use x509_parser::{prelude::FromDer, time::ASN1Time};

use super::MAX_CERTIFICATE_OCTETS;
use super::der::{self, BIT_STRING, DerError, Element, INTEGER, SEQUENCE};
use super::name::Name;

/// RFC 5280 section 4.1. Names are the content of their SEQUENCE, as `TrustAnchor` has them; keys are whole.
#[derive(Clone, Debug)]
pub(super) struct Outline<'a> {
    pub(super) der: &'a [u8],
    pub(super) tbs: Element<'a>,
    /// The content of the outer AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) subject_public_key_info: &'a [u8],
    /// Seconds since 1970; absent where the dates cannot be read.
    pub(super) validity: Option<(i64, i64)>,
}

impl<'a> Outline<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, DerError> {
        if der.len() > MAX_CERTIFICATE_OCTETS {
            return Err(DerError);
        }
        let mut certificate = der::single(der, SEQUENCE)?.inside();
        let tbs = certificate.expect(SEQUENCE)?;
        let algorithm = certificate.expect(SEQUENCE)?.content;
        let signature = match certificate.expect(BIT_STRING)?.content.split_first() {
            Some((0, signature)) => signature,
            _ => return Err(DerError),
        };
        certificate.end()?;

        let mut fields = tbs.inside();
        fields.optional(der::context(0))?;
        fields.expect(INTEGER)?;
        fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?.content;
        let validity = fields.expect(SEQUENCE)?;
        let subject = fields.expect(SEQUENCE)?.content;
        let subject_public_key_info = fields.expect(SEQUENCE)?.whole;
        Ok(Self {
            der,
            tbs,
            algorithm,
            signature,
            issuer,
            subject,
            subject_public_key_info,
            validity: read_validity(validity.content),
        })
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }
}

/// Who issued a certificate, as an RFC 4514 string. It is found in certificates that a strict parser refuses, too.
pub fn issuer_name(der: &[u8]) -> Option<String> {
    Some(Name::read(Outline::read(der).ok()?.issuer).ok()?.to_rfc4514())
}

/// The SubjectPublicKeyInfo of a certificate, whole. It is found in certificates that a strict parser refuses, too.
pub fn subject_public_key_info(der: &[u8]) -> Option<&[u8]> {
    Some(Outline::read(der).ok()?.subject_public_key_info)
}

fn read_validity(content: &[u8]) -> Option<(i64, i64)> {
    let (rest, not_before) = ASN1Time::from_der(content).ok()?;
    let (_, not_after) = ASN1Time::from_der(rest).ok()?;
    Some((not_before.timestamp(), not_after.timestamp()))
}
