//! Whether a chain leads to a set of roots, for one host name, at one time.
//!
//! The answer names the gravest thing first: no way to a root, then a broken signature, and only for a chain that does
//! lead to a root the time, the name and every other rule of RFC 5280, which webpki checks. So "expired" is only said of
//! a certificate that a trusted authority did issue.

use core::time::Duration;

use model::{HostName, Timestamp, Validation};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};

use super::outline::Outline;
use super::path::{self, Path, Search};
use super::roots::Roots;
use super::{MAX_CERTIFICATE_OCTETS, MAX_CERTIFICATES};

/// Validates a chain as presented, leaf first, for server authentication.
///
/// A leaf that is itself among the roots, as a person pins a self-signed certificate, needs only name and time.
pub fn validate(chain: &[&[u8]], roots: &Roots, host: &HostName, at: Timestamp) -> Validation {
    validate_when(chain, roots, host, When::At(at))
}

/// As [`validate`], at a time at which the certificates of the path were all valid, or else the leaf was.
pub fn validate_ignoring_time(chain: &[&[u8]], roots: &Roots, host: &HostName) -> Validation {
    validate_when(chain, roots, host, When::WithinValidity)
}

#[derive(Clone, Copy)]
enum When {
    At(Timestamp),
    WithinValidity,
}

fn validate_when(chain: &[&[u8]], roots: &Roots, host: &HostName, when: When) -> Validation {
    if roots.is_empty() {
        return Validation::NoRoots;
    }
    let Some((leaf, presented)) = chain.split_first() else {
        return rejected("no certificate was presented");
    };
    if leaf.len() > MAX_CERTIFICATE_OCTETS {
        return rejected("the leaf is larger than a certificate may be");
    }
    let Ok(leaf) = Outline::read(leaf) else {
        return rejected("the leaf is no X.509 certificate");
    };
    let presented: Vec<Outline<'_>> =
        presented.iter().take(MAX_CERTIFICATES).filter_map(|der| Outline::read(der).ok()).collect();
    if is_root(&leaf, roots) {
        return validate_root_as_leaf(&leaf, host, when);
    }
    let intermediates = path::linked(&leaf, &presented);
    match path::search(&leaf, &intermediates, roots) {
        Search::UnknownIssuer => Validation::UnknownIssuer,
        Search::BadSignature => Validation::BadSignature,
        Search::Found(paths) => {
            let validations = paths.iter().map(|path| validate_path(&leaf, &intermediates, path, host, when));
            // One good path is enough; where there is none, the first one is what the server meant.
            let mut first = None;
            for validation in validations {
                if validation == Validation::Valid {
                    return validation;
                }
                first.get_or_insert(validation);
            }
            first.unwrap_or(Validation::UnknownIssuer)
        }
    }
}

fn validate_path(
    leaf: &Outline<'_>,
    intermediates: &[&Outline<'_>],
    path: &Path<'_>,
    host: &HostName,
    when: When,
) -> Validation {
    let used: Vec<&Outline<'_>> =
        path.intermediates.iter().filter_map(|&index| intermediates.get(index).copied()).collect();
    let at = unix_time(moment(leaf, &used, when));
    let der = CertificateDer::from(leaf.der);
    let used: Vec<CertificateDer<'_>> = used.iter().map(|used| CertificateDer::from(used.der)).collect();
    let result = EndEntityCert::try_from(&der).and_then(|certificate| {
        certificate.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            core::slice::from_ref(path.anchor),
            &used,
            at,
            KeyUsage::server_auth(),
            None,
            None,
        )?;
        verify_name(&certificate, host)
    });
    result.map_or_else(|error| validation(&error), |()| Validation::Valid)
}

fn verify_name(certificate: &EndEntityCert<'_>, host: &HostName) -> Result<(), Error> {
    let name = ServerName::try_from(host.as_str()).map_err(|_| Error::MalformedDnsIdentifier)?;
    certificate.verify_is_valid_for_subject_name(&name)
}

fn is_root(leaf: &Outline<'_>, roots: &Roots) -> bool {
    roots.named(leaf.subject).any(|anchor| webpki::spki_for_anchor(anchor).as_ref() == leaf.subject_public_key_info)
}

fn validate_root_as_leaf(leaf: &Outline<'_>, host: &HostName, when: When) -> Validation {
    let Some((not_before, not_after)) = leaf.validity else {
        return rejected("the dates of the leaf cannot be read");
    };
    let at = moment(leaf, &[], when);
    if at < not_before {
        return Validation::NotYetValid;
    }
    if at > not_after {
        return Validation::Expired;
    }
    let der = CertificateDer::from(leaf.der);
    let result = EndEntityCert::try_from(&der).and_then(|certificate| verify_name(&certificate, host));
    result.map_or_else(|error| validation(&error), |()| Validation::Valid)
}

/// The time to validate at, in seconds since 1970. Within the validity: in the middle of the time in which leaf and
/// intermediates overlap, and where they never do, in the middle of the leaf's.
fn moment(leaf: &Outline<'_>, intermediates: &[&Outline<'_>], when: When) -> i64 {
    match when {
        When::At(at) => at.unix_seconds(),
        When::WithinValidity => {
            let own = leaf.validity.unwrap_or_default();
            let common = intermediates
                .iter()
                .filter_map(|intermediate| intermediate.validity)
                .fold(own, |common, other| (common.0.max(other.0), common.1.min(other.1)));
            let (start, end) = if common.0 <= common.1 { common } else { own };
            start.midpoint(end)
        }
    }
}

/// Times before 1970 are as good as 1970 itself: no certificate is older.
fn unix_time(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn validation(error: &Error) -> Validation {
    match error {
        Error::CertExpired { .. } => Validation::Expired,
        Error::CertNotValidYet { .. } => Validation::NotYetValid,
        Error::CertNotValidForName(_) => Validation::NameMismatch,
        Error::InvalidSignatureForPublicKey => Validation::BadSignature,
        Error::UnknownIssuer => Validation::UnknownIssuer,
        error => Validation::Rejected(reason(error)),
    }
}

fn rejected(reason: &str) -> Validation {
    Validation::Rejected(reason.to_owned())
}

/// The rule that was broken. What has no sentence here is told by webpki's own name for it.
fn reason(error: &Error) -> String {
    match error {
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => "the encoding of a certificate is damaged",
        Error::CaUsedAsEndEntity => "the leaf is the certificate of an authority",
        Error::EndEntityUsedAsCa => "a certificate on the path is not that of an authority",
        Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => {
            "a certificate is not meant for server authentication"
        }
        Error::InvalidCertValidity => "a certificate ends before it begins",
        Error::InvalidSerialNumber => "a serial number is negative, too long or wrongly encoded",
        Error::MalformedDnsIdentifier => "the host name cannot stand in a certificate",
        Error::MalformedExtensions | Error::ExtensionValueInvalid => "an extension is damaged",
        Error::NameConstraintViolation => "an authority is not allowed to issue for this name",
        Error::PathLenConstraintViolated => "the path is longer than an authority on it allows",
        Error::SignatureAlgorithmMismatch => "a certificate names two different signature algorithms",
        Error::UnsupportedCertVersion => "a certificate is not of version 3",
        Error::UnsupportedCriticalExtension => "a critical extension is unknown",
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "a signature algorithm is not accepted any more, or unknown"
        }
        error => return format!("{error:?}").chars().take(200).collect(),
    }
    .to_owned()
}
