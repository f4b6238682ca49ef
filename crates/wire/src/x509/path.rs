//! Which signatures lead from a leaf to a root: the search for paths, apart from the rules that a path must obey.
//!
//! A validator that stops at its first complaint cannot tell a stranger's certificate from a forged one: webpki reports a
//! leaf that a foreign key signed under a root's name by whichever rule it breaks first. So names and signatures are
//! followed here, and webpki judges only the paths that were found. That also bounds its work: it is never given two
//! certificates of the same name, between which it would try every order.

use rustls_pki_types::TrustAnchor;

use super::outline::Outline;
use super::roots::Roots;
use super::signature::{Signature, is_signed_by};

/// The longest path that webpki builds has six intermediates.
const MAX_DEPTH: usize = 6;
/// Public leaves have one to three paths.
const MAX_PATHS: usize = 4;
/// An honest chain needs fewer than ten, whatever is presented with it.
const MAX_SIGNATURE_CHECKS: u32 = 48;
/// How many of the certificates that were presented are given to the search.
pub(super) const MAX_INTERMEDIATES: usize = 16;

/// Leaf to root: the intermediates in that order, as indices into what was searched, and the root.
#[derive(Clone, Debug)]
pub(super) struct Path<'a> {
    pub(super) intermediates: Vec<usize>,
    pub(super) anchor: &'a TrustAnchor<'static>,
}

#[derive(Clone, Debug)]
pub(super) enum Search<'a> {
    /// At least one, shortest link to a root first.
    Found(Vec<Path<'a>>),
    /// A name on the way belongs to a root or to a presented certificate whose key did not sign.
    BadSignature,
    UnknownIssuer,
}

/// The presented certificates that the leaf's issuer names lead to, nearest first; the rest has no part in any path.
pub(super) fn linked<'c, 'a>(leaf: &Outline<'a>, presented: &'c [Outline<'a>]) -> Vec<&'c Outline<'a>> {
    let mut linked: Vec<&Outline<'a>> = Vec::new();
    let mut next = Some(leaf.issuer);
    let mut read = 0;
    while let Some(name) = next {
        for candidate in presented.iter().filter(|candidate| candidate.subject == name) {
            if linked.len() == MAX_INTERMEDIATES {
                return linked;
            }
            if candidate.der != leaf.der && linked.iter().all(|known| known.der != candidate.der) {
                linked.push(candidate);
            }
        }
        next = linked.get(read).map(|authority| authority.issuer);
        read += 1;
    }
    linked
}

pub(super) fn search<'a>(leaf: &Outline<'_>, intermediates: &[&Outline<'_>], roots: &'a Roots) -> Search<'a> {
    let mut searcher =
        Searcher { intermediates, roots, checks_left: MAX_SIGNATURE_CHECKS, path: Vec::new(), found: Vec::new() };
    let issuer = searcher.follow(leaf, leaf);
    if !searcher.found.is_empty() {
        Search::Found(searcher.found)
    } else if issuer == Issuer::OtherKey {
        Search::BadSignature
    } else {
        Search::UnknownIssuer
    }
}

struct Searcher<'c, 'o, 'a> {
    intermediates: &'c [&'c Outline<'o>],
    roots: &'a Roots,
    checks_left: u32,
    path: Vec<usize>,
    found: Vec<Path<'a>>,
}

/// What became of the search for the issuer of one certificate, where no root was reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Issuer {
    Unknown,
    /// Somebody has the issuer's name, and nobody of that name has the key.
    OtherKey,
}

impl Searcher<'_, '_, '_> {
    fn follow(&mut self, leaf: &Outline<'_>, certificate: &Outline<'_>) -> Issuer {
        let mut named = false;
        let mut signed = false;
        let mut beyond = Issuer::Unknown;
        let roots = self.roots;
        for anchor in roots.named(certificate.issuer) {
            match self.check(certificate, &webpki::spki_for_anchor(anchor)) {
                Some(Signature::Bad) => named = true,
                // What cannot be checked is for webpki to refuse, in its words.
                Some(Signature::Good | Signature::Unsupported) => {
                    signed = true;
                    if self.found.len() < MAX_PATHS {
                        self.found.push(Path { intermediates: self.path.clone(), anchor });
                    }
                }
                None => return Issuer::Unknown,
            }
        }
        let intermediates = self.intermediates;
        for (index, candidate) in intermediates.iter().enumerate() {
            let on_path = |other: &Outline<'_>| {
                other.subject == candidate.subject && other.subject_public_key_info == candidate.subject_public_key_info
            };
            if candidate.subject != certificate.issuer
                || on_path(leaf)
                || self.path.iter().any(|&used| intermediates.get(used).is_some_and(|used| on_path(used)))
                || self.path.len() == MAX_DEPTH
                || self.found.len() == MAX_PATHS
            {
                continue;
            }
            match self.check(certificate, candidate.subject_public_key_info) {
                Some(Signature::Bad) => named = true,
                Some(Signature::Good | Signature::Unsupported) => {
                    signed = true;
                    self.path.push(index);
                    if self.follow(leaf, candidate) == Issuer::OtherKey {
                        beyond = Issuer::OtherKey;
                    }
                    self.path.pop();
                }
                None => return Issuer::Unknown,
            }
        }
        if named && !signed { Issuer::OtherKey } else { beyond }
    }

    /// `None` when all checks are used up.
    fn check(&mut self, certificate: &Outline<'_>, subject_public_key_info: &[u8]) -> Option<Signature> {
        self.checks_left = self.checks_left.checked_sub(1)?;
        Some(is_signed_by(certificate, subject_public_key_info))
    }
}
