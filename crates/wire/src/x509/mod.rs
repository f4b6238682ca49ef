//! Certificates and Certificate Transparency: what a chain says, where it leads, and who logged it.
//!
//! In go the DER of a chain as a peer presented it, the host name, the time, [`Roots`] and [`CtLogs`]; out come the facts
//! of `model`: [`chain_facts`] for everything that the bytes say by themselves, [`validate()`] against any set of roots.
//! Neither fails: a damaged certificate is a fact about the peer. Nothing here reads a clock, and nothing concludes who
//! stands between; that is `detect`.
//!
//! Everything that a peer can make long has a limit: the octets of a certificate, the certificates of a chain, the
//! certificates that a path is searched among, the signatures that are checked on the way, and the SCTs of a list.

mod certificate;
mod claim;
mod ct_logs;
mod der;
mod facts;
mod name;
mod ocsp;
mod outline;
mod path;
mod precertificate;
mod roots;
mod sct;
mod signature;
#[cfg(test)]
mod tests;
mod validate;

pub use certificate::{CertificateError, certificate_facts};
pub use ct_logs::{CtLogs, CtLogsError};
pub use facts::{ChainInput, chain_facts};
pub use outline::{issuer_name, subject_public_key_info};
pub use roots::{Roots, RootsError};
pub use sct::{SctListError, SignedTimestamp, read_sct_list};
pub use validate::{validate, validate_ignoring_time};

/// The largest public leaves, with a thousand names, have some 40 KiB.
const MAX_CERTIFICATE_OCTETS: usize = 64 << 10;
/// More certificates of one chain are not looked at; honest chains have two to five.
const MAX_CERTIFICATES: usize = 256;
