//! Whose name a chain bears: the public authority that it says to come from, by name alone.
//!
//! Everybody can write "DigiCert Global Root G2" into a certificate. Whether the signature holds is `validate`'s matter;
//! this is about the claim, so that the two can be held against each other. A forger may present the whole false
//! hierarchy, or only a leaf whose issuer is an intermediate that nobody sent. Roots are known by [`Roots`]; names of
//! public intermediates come in as data.

use super::name::{Name, fold, printable};
use super::outline::Outline;
use super::roots::Roots;

/// Longer lists of names are cut.
const MAX_ISSUERS: usize = 4096;

/// The public authority that the leaf or an authority above it names as its issuer: a root by its whole name or by its
/// common name in any spelling, one of `public_issuers` by common name, or else a root's organisation.
pub(super) fn claimed_public_issuer(
    leaf: &Outline<'_>,
    linked: &[&Outline<'_>],
    roots: &Roots,
    public_issuers: &[String],
) -> Option<String> {
    let issuers = || core::iter::once(leaf).chain(linked.iter().copied()).filter_map(|c| Name::read(c.issuer).ok());
    if let Some(root) = issuers().find_map(|issuer| roots.claimed_by(&issuer).map(str::to_owned)) {
        return Some(root);
    }
    let known = |issuer: Name<'_>| {
        let name = fold(issuer.common_name()?);
        public_issuers.iter().take(MAX_ISSUERS).find(|known| fold(known) == name).cloned()
    };
    if let Some(issuer) = issuers().find_map(known) {
        return Some(issuer);
    }
    // A leaf that signed itself bears the service's organisation, which claims nothing about an authority.
    issuers()
        .filter(|_| !leaf.is_self_issued())
        .find_map(|issuer| roots.organisation_claimed_by(&issuer).map(printable))
}
