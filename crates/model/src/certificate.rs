//! Certificates and chains, as facts.

use serde::{Deserialize, Serialize};

use crate::{Attempt, HexBytes, Timestamp};

/// One chain as a peer presented it for one host, in the order in which it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// SHA-256 of each certificate; the bytes stand in [`Record::certificates`](crate::Record::certificates).
    pub certificates: Vec<HexBytes>,
    /// The time that it was held against: this machine's own, when the host's checks were done. A certificate that was
    /// minted during the run is not yet valid at its start.
    pub at: Timestamp,
    /// Against this machine's own trust store: it cannot be computed again elsewhere, so it is stored.
    pub system: Attempt<Validation>,
    /// Against the roots that the user gave for a private service of their own.
    pub given: Attempt<Validation>,
    /// What the bytes say by themselves, with the public roots and CT logs known at the time; `judge` computes it anew.
    pub facts: ChainFacts,
}

/// What the bytes of a chain say by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainFacts {
    /// Each certificate in the order presented; `Failed` where its bytes are no certificate.
    pub certificates: Vec<Attempt<CertificateFacts>>,
    /// Against the public roots, for the host name, at the time of the record.
    pub public: Validation,
    /// As `public`, but at a time within the leaf's validity: tells a wrong clock or an expired leaf from a wrong issuer.
    pub public_ignoring_time: Validation,
    /// The public root that the leaf's issuer name belongs to, or the public CA that it claims to be, by name alone.
    pub claims_public_issuer: Option<String>,
    /// Every SCT that came with the leaf, verified.
    pub scts: Vec<SctFact>,
}

impl ChainFacts {
    pub fn leaf(&self) -> Option<&CertificateFacts> {
        self.certificates.first().and_then(Attempt::seen)
    }
}

/// One certificate (RFC 5280).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// Distinguished names as RFC 4514 strings, most specific part first.
    pub subject: String,
    pub issuer: String,
    pub subject_common_name: Option<String>,
    pub issuer_common_name: Option<String>,
    pub issuer_organisation: Option<String>,
    /// The content octets of the serial number as encoded, sign included.
    pub serial: HexBytes,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// dNSName and iPAddress entries of the subjectAltName; `None` where the extension is absent.
    pub subject_alternative_names: Option<Vec<String>>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: HexBytes,
    /// "rsa-2048", "ec-p256", or the algorithm's OID.
    pub key: String,
    /// The signature algorithm's name, or its OID.
    pub signature_algorithm: String,
    pub is_authority: bool,
    pub subject_key_id: Option<HexBytes>,
    pub authority_key_id: Option<HexBytes>,
    /// Whether authorityInfoAccess and cRLDistributionPoints are there: public CAs always set one of them.
    pub has_authority_information_access: bool,
    pub has_crl_distribution_points: bool,
    pub policies: Vec<String>,
    /// X.509 version as people write it: 1, 2 or 3.
    pub version: u8,
}

/// Whether a chain leads to one set of roots, for one host name, at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    Valid,
    /// No path to a root of the set.
    UnknownIssuer,
    /// A path of names exists, but a signature on it does not fit the key: somebody borrowed a CA's name.
    BadSignature,
    Expired,
    NotYetValid,
    /// Valid but for another name.
    NameMismatch,
    /// Anything else that the standard forbids, as the validator words it.
    Rejected(String),
    /// There were no roots to validate against.
    NoRoots,
}

/// One signed certificate timestamp (RFC 6962 section 3.2) and what became of verifying it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SctFact {
    pub source: SctSource,
    pub log_id: HexBytes,
    /// The log's name in the list used.
    pub log: Option<String>,
    pub timestamp: Option<Timestamp>,
    pub status: SctStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SctSource {
    Embedded,
    TlsExtension,
    OcspResponse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SctStatus {
    /// The log's key verifies the signature over this very certificate.
    Valid,
    BadSignature,
    /// The list used does not know the log.
    UnknownLog,
    /// The log was retired or rejected before the timestamp.
    RetiredLog,
    /// The timestamp lies after the time of the record.
    FromTheFuture,
    /// The leaf's expiry lies outside of the interval for which this log takes certificates.
    OutsideLogInterval,
    /// The issuer's certificate, which the signature covers by its key hash, was not presented.
    NoIssuer,
    Malformed,
}
