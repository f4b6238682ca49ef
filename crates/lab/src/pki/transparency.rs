//! The lab's own certificate transparency logs (RFC 6962): they sign, they do not store. What a client verifies is the
//! signature over the certificate, and that is real.

use anyhow::{Context, Result};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use serde_json::json;

use super::{clock::Clock, der};

/// One log: an ECDSA key on P-256, and the identity that follows from it (RFC 6962 section 3.2).
pub(crate) struct Log {
    name: &'static str,
    key: KeyPair,
    key_info: Vec<u8>,
    id: Vec<u8>,
}

impl Log {
    pub(crate) fn new(name: &'static str) -> Result<Self> {
        let key = KeyPair::generate()?;
        let key_info = key.subject_public_key_info();
        let id = digest(&SHA256, &key_info).as_ref().to_vec();
        Ok(Self { name, key, key_info, id })
    }

    /// A SignedCertificateTimestamp over a precertificate (RFC 6962 section 3.2): over the hash of the issuer's key and
    /// the TBSCertificate that has neither the poison nor the SCT extension.
    pub(crate) fn sign(&self, tbs: &[u8], issuer_key_info: &[u8], at: u64) -> Result<Vec<u8>> {
        const SHA256_ECDSA: [u8; 2] = [4, 3];

        let signature = self.key.sign(&precertificate_entry(tbs, issuer_key_info, at)?)?;
        let mut sct = vec![V1];
        sct.extend_from_slice(&self.id);
        sct.extend(at.to_be_bytes());
        sct.extend(NO_EXTENSIONS);
        sct.extend(SHA256_ECDSA);
        sct.extend(prefixed(&signature)?);
        Ok(sct)
    }

    #[cfg(test)]
    pub(crate) fn verifies(&self, signature: &[u8], tbs: &[u8], issuer_key_info: &[u8], at: u64) -> bool {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
        let signed = precertificate_entry(tbs, issuer_key_info, at).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.key.public_key_raw()).verify(&signed, signature).is_ok()
    }
}

const V1: u8 = 0;
const NO_EXTENSIONS: [u8; 2] = [0, 0];

/// The octets that a log signs for a precertificate: the `digitally-signed` struct of RFC 6962 section 3.2.
fn precertificate_entry(tbs: &[u8], issuer_key_info: &[u8], at: u64) -> Result<Vec<u8>> {
    const CERTIFICATE_TIMESTAMP: u8 = 0;
    const PRECERT_ENTRY: [u8; 2] = [0, 1];

    let length = u32::try_from(tbs.len()).context("a TBSCertificate of 4 GiB")?.to_be_bytes();
    let mut signed = vec![V1, CERTIFICATE_TIMESTAMP];
    signed.extend(at.to_be_bytes());
    signed.extend(PRECERT_ENTRY);
    signed.extend_from_slice(digest(&SHA256, issuer_key_info).as_ref());
    signed.extend(length.iter().skip(1));
    signed.extend_from_slice(tbs);
    signed.extend(NO_EXTENSIONS);
    Ok(signed)
}

/// The content of the X.509 extension: a SignedCertificateTimestampList in an OCTET STRING (RFC 6962 section 3.3).
pub(crate) fn extension(scts: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut list = Vec::new();
    for sct in scts {
        list.extend(prefixed(sct)?);
    }
    Ok(der::element(0x04, &prefixed(&list)?))
}

/// The list of logs in the shape in which browsers get theirs (version 3 of Google's schema).
pub(crate) fn list(logs: &[&Log], clock: Clock) -> Result<serde_json::Value> {
    let mut operators = Vec::new();
    for log in logs {
        operators.push(json!({
            "name": format!("{} operator", log.name),
            "email": ["ct@lab.example"],
            "logs": [{
                "description": log.name,
                "log_id": BASE64_STANDARD.encode(&log.id),
                "key": BASE64_STANDARD.encode(&log.key_info),
                "url": format!("https://ct.lab.example/{}/", log.name.replace(' ', "-").to_lowercase()),
                "mmd": 86_400,
                "state": { "usable": { "timestamp": clock.days_from_now(-365)?.to_string() } },
                "temporal_interval": {
                    "start_inclusive": clock.days_from_now(-365)?.to_string(),
                    "end_exclusive": clock.days_from_now(365)?.to_string(),
                },
            }],
            "tiled_logs": [],
        }));
    }
    Ok(json!({
        "version": "1.0",
        "log_list_timestamp": clock.days_from_now(0)?.to_string(),
        "operators": operators,
    }))
}

/// A vector with a length of two octets (RFC 8446 section 3.4).
fn prefixed(bytes: &[u8]) -> Result<Vec<u8>> {
    let length = u16::try_from(bytes.len()).context("a vector of 64 KiB")?;
    Ok([length.to_be_bytes().as_slice(), bytes].concat())
}
