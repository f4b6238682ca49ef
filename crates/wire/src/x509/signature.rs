//! Whether a signature fits a key: for the links between certificates and for SCTs.

use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use webpki::RawPublicKeyEntity;

use super::outline::Outline;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    Good,
    Bad,
    /// An algorithm that is not taken any more (SHA-1, MD5) or not known.
    Unsupported,
}

/// Whether `certificate` is signed with the key of `subject_public_key_info`.
pub(super) fn is_signed_by(certificate: &Outline<'_>, subject_public_key_info: &[u8]) -> Signature {
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> = webpki::ALL_VERIFICATION_ALGS
        .iter()
        .copied()
        .filter(|algorithm| algorithm.signature_alg_id().as_ref() == certificate.algorithm)
        .collect();
    if algorithms.is_empty() {
        return Signature::Unsupported;
    }
    verify(&algorithms, subject_public_key_info, certificate.tbs.whole, certificate.signature)
}

/// Tries the algorithms that go with the kind of this key. No algorithm for a key of this kind is `Bad`: what is
/// said to be signed with RSA cannot be signed by a key for ECDSA.
pub(super) fn verify(
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    subject_public_key_info: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Signature {
    let key = SubjectPublicKeyInfoDer::from(subject_public_key_info);
    let Ok(key) = RawPublicKeyEntity::try_from(&key) else {
        return Signature::Unsupported;
    };
    if algorithms.iter().any(|&algorithm| key.verify_signature(algorithm, message, signature).is_ok()) {
        Signature::Good
    } else {
        Signature::Bad
    }
}
