//! One certificate: DER in, [`CertificateFacts`] out.
//!
//! Nothing is judged here and nothing that people need is refused: negative serial numbers, dates beyond what RFC 3339
//! can say and damaged extensions are facts, and exactly what forged leaves are known by.

use std::net::IpAddr;

use aws_lc_rs::digest;
use model::{CertificateFacts, HexBytes, Timestamp};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::MAX_CERTIFICATE_OCTETS;
use super::der::{self, SEQUENCE};
use super::name::{Name, printable};

/// Far above what a public authority issues; a forged certificate may not fill a report by itself.
const MAX_ALTERNATIVE_NAMES: usize = 1024;
const MAX_POLICIES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("{0} octets are more than a certificate may have ({MAX_CERTIFICATE_OCTETS})")]
    TooLarge(usize),
    #[error("the bytes are no X.509 certificate")]
    Damaged,
    #[error("{0} octets follow the certificate")]
    TrailingData(usize),
    #[error("the {0} of the certificate is damaged")]
    DamagedName(&'static str),
}

/// Reads one certificate (RFC 5280 section 4.1).
pub fn certificate_facts(der: &[u8]) -> Result<CertificateFacts, CertificateError> {
    if der.len() > MAX_CERTIFICATE_OCTETS {
        return Err(CertificateError::TooLarge(der.len()));
    }
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Damaged)?;
    if !rest.is_empty() {
        return Err(CertificateError::TrailingData(rest.len()));
    }
    let subject = read_name(certificate.subject().as_raw(), "subject")?;
    let issuer = read_name(certificate.issuer().as_raw(), "issuer")?;
    let extensions = Extensions::read(&certificate);
    Ok(CertificateFacts {
        subject: subject.to_rfc4514(),
        issuer: issuer.to_rfc4514(),
        subject_common_name: subject.common_name().map(printable),
        issuer_common_name: issuer.common_name().map(printable),
        issuer_organisation: issuer.organisation().map(printable),
        serial: HexBytes(certificate.raw_serial().to_vec()),
        not_before: timestamp(certificate.validity().not_before.timestamp()),
        not_after: timestamp(certificate.validity().not_after.timestamp()),
        subject_alternative_names: extensions.subject_alternative_names,
        spki_sha256: HexBytes(sha256(certificate.public_key().raw).to_vec()),
        key: key_name(certificate.public_key()),
        signature_algorithm: signature_algorithm_name(&certificate.signature_algorithm),
        is_authority: extensions.is_authority,
        subject_key_id: extensions.subject_key_id,
        authority_key_id: extensions.authority_key_id,
        has_authority_information_access: extensions.has_authority_information_access,
        has_crl_distribution_points: extensions.has_crl_distribution_points,
        policies: extensions.policies,
        version: u8::try_from(certificate.version().0.saturating_add(1)).unwrap_or(u8::MAX),
    })
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

fn read_name<'a>(whole: &'a [u8], which: &'static str) -> Result<Name<'a>, CertificateError> {
    der::single(whole, SEQUENCE)
        .and_then(|name| Name::read(name.content))
        .map_err(|_| CertificateError::DamagedName(which))
}

/// "No well-defined expiry" is 99991231235959Z (RFC 5280 section 4.1.2.5), two hours more than a `Timestamp` can say.
fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds).unwrap_or(Timestamp(if seconds < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    }))
}

/// The extensions that are facts (RFC 5280 section 4.2). One that is there but damaged counts as there, and empty.
#[derive(Default)]
struct Extensions {
    subject_alternative_names: Option<Vec<String>>,
    is_authority: bool,
    subject_key_id: Option<HexBytes>,
    authority_key_id: Option<HexBytes>,
    has_authority_information_access: bool,
    has_crl_distribution_points: bool,
    policies: Vec<String>,
}

impl Extensions {
    fn read(certificate: &X509Certificate<'_>) -> Self {
        const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
        const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 0x1f];
        const AUTHORITY_INFORMATION_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];

        let mut read = Self::default();
        for extension in certificate.extensions() {
            match extension.oid.as_bytes() {
                SUBJECT_ALTERNATIVE_NAME => {
                    read.subject_alternative_names.get_or_insert_default();
                }
                CRL_DISTRIBUTION_POINTS => read.has_crl_distribution_points = true,
                AUTHORITY_INFORMATION_ACCESS => read.has_authority_information_access = true,
                _ => {}
            }
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    let names = names.general_names.iter().filter_map(alternative_name).take(MAX_ALTERNATIVE_NAMES);
                    read.subject_alternative_names = Some(names.collect());
                }
                ParsedExtension::BasicConstraints(constraints) => read.is_authority = constraints.ca,
                ParsedExtension::SubjectKeyIdentifier(id) => read.subject_key_id = Some(HexBytes(id.0.to_vec())),
                ParsedExtension::AuthorityKeyIdentifier(authority) => {
                    read.authority_key_id = authority.key_identifier.as_ref().map(|id| HexBytes(id.0.to_vec()));
                }
                ParsedExtension::CertificatePolicies(policies) => {
                    read.policies =
                        policies.iter().take(MAX_POLICIES).map(|policy| policy.policy_id.to_id_string()).collect();
                }
                _ => {}
            }
        }
        read
    }
}

fn alternative_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some(printable(host)),
        GeneralName::IPAddress(octets) => Some(if let Ok(v4) = <[u8; 4]>::try_from(*octets) {
            IpAddr::from(v4).to_string()
        } else if let Ok(v6) = <[u8; 16]>::try_from(*octets) {
            IpAddr::from(v6).to_string()
        } else {
            hex::encode(octets)
        }),
        _ => None,
    }
}

/// "rsa-2048", "ec-p256", "ed25519", or the algorithm's OID.
fn key_name(key: &SubjectPublicKeyInfo<'_>) -> String {
    let oid = key.algorithm.algorithm.to_id_string();
    match oid.as_str() {
        "1.2.840.113549.1.1.1" => match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => format!("rsa-{}", bits(rsa.modulus)),
            _ => oid,
        },
        "1.2.840.10045.2.1" => {
            let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
            match curve.map(|curve| curve.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => "ec-p256".to_owned(),
                Some("1.3.132.0.34") => "ec-p384".to_owned(),
                Some("1.3.132.0.35") => "ec-p521".to_owned(),
                Some(curve) => format!("ec-{curve}"),
                None => oid,
            }
        }
        "1.3.101.112" => "ed25519".to_owned(),
        "1.3.101.113" => "ed448".to_owned(),
        _ => oid,
    }
}

/// The length of a number in bits, leading zeros left out.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|&&octet| octet == 0);
    let first = significant.clone().next().map_or(0, |octet| octet.leading_zeros() as usize);
    significant.count() * 8 - first
}

/// Names as their standards write them (RFC 8017, RFC 5758, RFC 8410, RFC 9881), or the OID.
fn signature_algorithm_name(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let oid = algorithm.algorithm.to_id_string();
    match oid.as_str() {
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "id-RSASSA-PSS",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "id-Ed25519",
        "1.3.101.113" => "id-Ed448",
        "2.16.840.1.101.3.4.3.17" => "id-ml-dsa-44",
        "2.16.840.1.101.3.4.3.18" => "id-ml-dsa-65",
        "2.16.840.1.101.3.4.3.19" => "id-ml-dsa-87",
        _ => return oid,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::pem;
    use super::*;

    #[test]
    fn every_prefix_of_a_certificate_fails_cleanly() {
        let leaf = &pem("public-aws.amazon.com")[0];
        assert!(certificate_facts(leaf).is_ok());
        for end in 0..leaf.len() {
            assert_eq!(certificate_facts(&leaf[..end]), Err(CertificateError::Damaged), "{end} octets");
        }
        let longer = [leaf.as_slice(), &[0, 0]].concat();
        assert_eq!(certificate_facts(&longer), Err(CertificateError::TrailingData(2)));
        let huge = vec![0x30; MAX_CERTIFICATE_OCTETS + 1];
        assert_eq!(certificate_facts(&huge), Err(CertificateError::TooLarge(huge.len())));
    }

    #[test]
    fn dates_beyond_the_calendar_are_clamped() {
        assert_eq!(timestamp(253_402_300_799).to_string(), "9999-12-30T22:00:00.999999999Z");
        assert_eq!(timestamp(0).to_string(), "1970-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn any_damage_is_read_or_refused(position in 0_usize..1620, octet in any::<u8>()) {
            let mut leaf = pem("public-aws.amazon.com")[0].clone();
            leaf[position] = octet;
            let _ = certificate_facts(&leaf);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = certificate_facts(&bytes);
        }
    }
}
