//! A set of roots: what chains are validated against, and the names that a forger would borrow.

use core::fmt;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::name::{Name, fold};

/// The largest platform stores hold some 400 roots in less than 1 MiB.
const MAX_PEM_OCTETS: usize = 16 << 20;
const MAX_ROOTS: usize = 4096;

/// The roots that a chain may lead to.
#[derive(Clone, Default)]
pub struct Roots {
    roots: Vec<Root>,
    unreadable: usize,
}

#[derive(Clone)]
struct Root {
    anchor: TrustAnchor<'static>,
    names: Option<RootNames>,
}

/// The names of a root, folded for comparison, and the one that people know it by.
#[derive(Clone)]
struct RootNames {
    title: String,
    whole: String,
    folded_title: String,
    organisation: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    #[error("{0} octets are more than a file of roots may have ({MAX_PEM_OCTETS})")]
    TooLarge(usize),
    #[error("there are more than {MAX_ROOTS} certificates")]
    TooMany,
    #[error("there is no PEM certificate in it")]
    Empty,
    #[error("the PEM text is damaged after certificate {0}")]
    Pem(usize),
    #[error("certificate {0} cannot be read")]
    Certificate(usize),
}

impl Roots {
    /// Roots as `webpki-roots` has them.
    pub fn from_anchors<'a>(anchors: impl IntoIterator<Item = &'a TrustAnchor<'static>>) -> Self {
        Self { roots: anchors.into_iter().cloned().map(Root::new).collect(), unreadable: 0 }
    }

    /// The certificates of a platform's store. Such stores hold entries that nothing can use: those are counted and
    /// left out, and so is what goes beyond 4096 roots.
    pub fn from_der(certificates: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut set = Self::default();
        for certificate in certificates {
            match read_root(certificate.as_ref()) {
                Some(root) if set.roots.len() < MAX_ROOTS => set.roots.push(root),
                _ => set.unreadable += 1,
            }
        }
        set
    }

    /// A PEM bundle that a person named: what cannot be read in it is an error.
    pub fn from_pem(text: &[u8]) -> Result<Self, RootsError> {
        if text.len() > MAX_PEM_OCTETS {
            return Err(RootsError::TooLarge(text.len()));
        }
        let mut set = Self::default();
        for certificate in CertificateDer::pem_slice_iter(text) {
            let certificate = certificate.map_err(|_| RootsError::Pem(set.roots.len()))?;
            if set.roots.len() == MAX_ROOTS {
                return Err(RootsError::TooMany);
            }
            set.roots.push(read_root(&certificate).ok_or(RootsError::Certificate(set.roots.len() + 1))?);
        }
        if set.is_empty() { Err(RootsError::Empty) } else { Ok(set) }
    }

    pub fn len(&self) -> usize {
        self.roots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// How many entries of a platform's store were left out.
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// The anchors of this name: the content of its SEQUENCE, octet for octet.
    pub(super) fn named<'a>(&'a self, subject: &[u8]) -> impl Iterator<Item = &'a TrustAnchor<'static>> {
        self.roots.iter().map(|root| &root.anchor).filter(move |anchor| anchor.subject.as_ref() == subject)
    }

    /// The root that somebody of this name is, or wants to be taken for: the same name in whatever spelling, or the same
    /// common name under other attributes.
    pub(super) fn claimed_by(&self, name: &Name<'_>) -> Option<&str> {
        let whole = name.folded();
        let title = fold(name.title()?);
        let names = || self.roots.iter().filter_map(|root| root.names.as_ref());
        names()
            .find(|root| root.whole == whole)
            .or_else(|| names().find(|root| root.folded_title == title))
            .map(|root| root.title.as_str())
    }

    /// The organisation of a root that somebody of this name says to belong to.
    pub(super) fn organisation_claimed_by(&self, name: &Name<'_>) -> Option<&str> {
        let organisation = fold(name.organisation()?);
        self.roots
            .iter()
            .filter_map(|root| root.names.as_ref()?.organisation.as_ref())
            .find(|(_, folded)| *folded == organisation)
            .map(|(title, _)| title.as_str())
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} roots", self.roots.len())
    }
}

impl Root {
    fn new(anchor: TrustAnchor<'static>) -> Self {
        let names = Name::read(&anchor.subject).ok().and_then(|name| {
            let title = name.title()?;
            Some(RootNames {
                title: title.to_owned(),
                whole: name.folded(),
                folded_title: fold(title),
                organisation: name.organisation().map(|organisation| (organisation.to_owned(), fold(organisation))),
            })
        });
        Self { anchor, names }
    }
}

fn read_root(der: &[u8]) -> Option<Root> {
    if der.len() > super::MAX_CERTIFICATE_OCTETS {
        return None;
    }
    let certificate = CertificateDer::from(der);
    webpki::anchor_from_trusted_cert(&certificate).ok().map(|anchor| Root::new(anchor.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{corpus, public_roots};
    use super::*;

    #[test]
    fn a_bundle_is_read_whole_or_refused() {
        let bundle = corpus("squid-5.7.pem");
        assert_eq!(Roots::from_pem(&bundle).unwrap().len(), 3);
        assert_eq!(Roots::from_pem(b"").unwrap_err(), RootsError::Empty);
        assert_eq!(Roots::from_pem(b"hello\n").unwrap_err(), RootsError::Empty);
        let second = "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n";
        let damaged = [bundle.as_slice(), second.as_bytes()].concat();
        assert_eq!(Roots::from_pem(&damaged).unwrap_err(), RootsError::Certificate(4));
        let cut = &bundle[..bundle.len() - 40];
        assert_eq!(Roots::from_pem(cut).unwrap_err(), RootsError::Pem(2));
    }

    #[test]
    fn a_platform_store_loses_only_what_is_unreadable() {
        let roots = Roots::from_der([b"rubbish".to_vec(), super::super::tests::pem("squid-5.7")[2].clone()]);
        assert_eq!((roots.len(), roots.unreadable()), (1, 1));
    }

    #[test]
    fn every_public_root_has_a_name_to_claim() {
        let roots = public_roots();
        assert!(roots.len() > 100);
        for root in &roots.roots {
            let name = Name::read(&root.anchor.subject).unwrap();
            assert!(roots.claimed_by(&name).is_some(), "{}", name.to_rfc4514());
        }
    }
}
