//! Signed certificate timestamps: reading a list of them, and verifying each (RFC 6962 sections 3.2 and 3.3).

use model::{HexBytes, SctFact, SctSource, SctStatus, Timestamp};
use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs::{ECDSA_P256_SHA256, ECDSA_P384_SHA256, RSA_PKCS1_2048_8192_SHA256};

use super::certificate::sha256;
use super::ct_logs::{CtLogs, Log, LogState};
use super::outline::Outline;
use super::signature::{Signature, verify};
use super::{ocsp, precertificate};
use crate::reader::Reader;

/// Policies of browsers ask for two or three; more of one list are not verified.
const MAX_TIMESTAMPS: usize = 32;
/// DigitallySigned (RFC 5246 section 4.7): HashAlgorithm sha256, SignatureAlgorithm rsa and ecdsa.
const SHA256: u8 = 4;
const RSA: u8 = 1;
const ECDSA: u8 = 3;

/// SignedCertificateTimestamp of version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedTimestamp<'a> {
    pub log_id: [u8; 32],
    /// Milliseconds since 1970.
    pub timestamp_ms: u64,
    pub extensions: &'a [u8],
    /// HashAlgorithm and SignatureAlgorithm.
    pub algorithm: (u8, u8),
    pub signature: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list of signed certificate timestamps is damaged")]
pub struct SctListError;

/// Reads a SignedCertificateTimestampList. An SCT that is itself damaged, or of another version, is an error in its
/// place and does not hide its neighbours; those beyond the 32nd are left out.
pub fn read_sct_list(list: &[u8]) -> Result<Vec<Result<SignedTimestamp<'_>, SctListError>>, SctListError> {
    let mut fields = Reader::new(list);
    let mut timestamps = Reader::new(fields.vector16().ok_or(SctListError)?);
    if !fields.is_empty() || timestamps.is_empty() {
        return Err(SctListError);
    }
    let mut read = Vec::new();
    while !timestamps.is_empty() {
        let one = timestamps.vector16().ok_or(SctListError)?;
        if read.len() < MAX_TIMESTAMPS {
            read.push(read_sct(one).ok_or(SctListError));
        }
    }
    Ok(read)
}

fn read_sct(sct: &[u8]) -> Option<SignedTimestamp<'_>> {
    const V1: u8 = 0;
    let mut fields = Reader::new(sct);
    if fields.u8()? != V1 {
        return None;
    }
    let timestamp = SignedTimestamp {
        log_id: fields.array()?,
        timestamp_ms: u64::from_be_bytes(fields.array()?),
        extensions: fields.vector16()?,
        algorithm: (fields.u8()?, fields.u8()?),
        signature: fields.vector16()?,
    };
    fields.is_empty().then_some(timestamp)
}

/// Verifies every SCT that came with a leaf, in whichever way.
pub(super) struct Verifier<'a> {
    pub(super) leaf: &'a Outline<'a>,
    /// The SubjectPublicKeyInfo of the leaf's issuer.
    pub(super) issuer_key: Option<&'a [u8]>,
    pub(super) logs: &'a CtLogs,
    pub(super) at: Timestamp,
}

impl Verifier<'_> {
    /// SCTs inside of the certificate.
    pub(super) fn embedded(&self) -> Vec<SctFact> {
        match precertificate::reconstruct(&self.leaf.tbs) {
            Ok(None) => Vec::new(),
            Err(_) => vec![malformed(SctSource::Embedded)],
            Ok(Some(precertificate)) => {
                let entry = self.issuer_key.map(|key| precertificate_entry(key, &precertificate.tbs));
                self.list(SctSource::Embedded, precertificate.list, entry.as_deref())
            }
        }
    }

    /// SCTs in the TLS extension signed_certificate_timestamp (RFC 6962 section 3.3.1).
    pub(super) fn tls_extension(&self, list: &[u8]) -> Vec<SctFact> {
        self.list(SctSource::TlsExtension, list, Some(&certificate_entry(self.leaf.der)))
    }

    /// SCTs in a stapled OCSP response.
    pub(super) fn ocsp_response(&self, response: &[u8]) -> Vec<SctFact> {
        match ocsp::sct_lists(response) {
            Err(_) => vec![malformed(SctSource::OcspResponse)],
            Ok(lists) => {
                let entry = certificate_entry(self.leaf.der);
                lists.iter().flat_map(|list| self.list(SctSource::OcspResponse, list, Some(&entry))).collect()
            }
        }
    }

    fn list(&self, source: SctSource, list: &[u8], entry: Option<&[u8]>) -> Vec<SctFact> {
        let Ok(timestamps) = read_sct_list(list) else {
            return vec![malformed(source)];
        };
        let fact = |timestamp: Result<SignedTimestamp<'_>, _>| match timestamp {
            Ok(timestamp) => self.fact(source, &timestamp, entry),
            Err(SctListError) => malformed(source),
        };
        timestamps.into_iter().map(fact).collect()
    }

    fn fact(&self, source: SctSource, sct: &SignedTimestamp<'_>, entry: Option<&[u8]>) -> SctFact {
        let timestamp = i64::try_from(sct.timestamp_ms).ok().and_then(Timestamp::from_unix_milliseconds);
        let log = self.logs.log(&sct.log_id);
        let status = match (log, entry, timestamp) {
            (_, _, None) => SctStatus::Malformed,
            (None, _, _) => SctStatus::UnknownLog,
            (_, None, _) => SctStatus::NoIssuer,
            (Some(log), Some(entry), Some(timestamp)) => self.status(log, sct, entry, timestamp),
        };
        SctFact {
            source,
            log_id: HexBytes(sct.log_id.to_vec()),
            log: log.map(|log| log.description.clone()),
            timestamp,
            status,
        }
    }

    /// The signature first: without it nothing else about an SCT means anything. The clock last: an SCT that is sound but
    /// for its time speaks of a wrong clock, not of a forger.
    fn status(&self, log: &Log, sct: &SignedTimestamp<'_>, entry: &[u8], timestamp: Timestamp) -> SctStatus {
        let algorithms: &[&dyn SignatureVerificationAlgorithm] = match sct.algorithm {
            (SHA256, ECDSA) => &[ECDSA_P256_SHA256, ECDSA_P384_SHA256],
            (SHA256, RSA) => &[RSA_PKCS1_2048_8192_SHA256],
            // Section 2.1.4 allows nothing else.
            _ => return SctStatus::BadSignature,
        };
        if verify(algorithms, &log.key, &signed_octets(sct, entry), sct.signature) != Signature::Good {
            return SctStatus::BadSignature;
        }
        let expiry = self.leaf.validity.and_then(|(_, not_after)| Timestamp::from_unix_seconds(not_after));
        let takes = |(from, before)| expiry.is_some_and(|expiry| expiry >= from && expiry < before);
        match log.state {
            LogState::NotAccepted => SctStatus::UnknownLog,
            LogState::Rejected => SctStatus::RetiredLog,
            LogState::Retired(since) if timestamp >= since => SctStatus::RetiredLog,
            _ if !log.interval.is_none_or(takes) => SctStatus::OutsideLogInterval,
            _ if timestamp > self.at => SctStatus::FromTheFuture,
            _ => SctStatus::Valid,
        }
    }
}

fn malformed(source: SctSource) -> SctFact {
    SctFact { source, log_id: HexBytes::default(), log: None, timestamp: None, status: SctStatus::Malformed }
}

/// `x509_entry`: the certificate as it is.
fn certificate_entry(der: &[u8]) -> Vec<u8> {
    [&[0, 0][..], &length24(der), der].concat()
}

/// `precert_entry`: the hash of the issuer's key, and the certificate without SCTs and signature.
fn precertificate_entry(issuer_key: &[u8], tbs: &[u8]) -> Vec<u8> {
    [&[0, 1][..], &sha256(issuer_key), &length24(tbs), tbs].concat()
}

/// The length of an `opaque<1..2^24-1>`. Certificates are limited to far less.
fn length24(bytes: &[u8]) -> [u8; 3] {
    let [_, length @ ..] = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    length
}

/// What the log signed (section 3.2): sct_version v1, signature_type certificate_timestamp, timestamp, entry, extensions.
fn signed_octets(sct: &SignedTimestamp<'_>, entry: &[u8]) -> Vec<u8> {
    let extensions_length = u16::try_from(sct.extensions.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0, 0][..], &sct.timestamp_ms.to_be_bytes(), entry, &extensions_length, sct.extensions].concat()
}
