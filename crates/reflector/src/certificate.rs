//! Who the reflector is to TLS: a chain with its private key, from files or made here.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use model::HexBytes;
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate chain, leaf first, with the leaf's private key. The two are known to belong together.
#[derive(Clone, Debug)]
pub struct Certificate {
    certified: Arc<CertifiedKey>,
    pin: HexBytes,
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the certificate chain is no PEM text")]
    Chain(#[source] pem::Error),
    #[error("there is no certificate in the chain")]
    NoCertificate,
    #[error("there is no usable private key in the PEM text")]
    PrivateKey(#[source] pem::Error),
    #[error("certificate and private key do not make a TLS server")]
    Unusable(#[source] rustls::Error),
    #[error("cannot make a self-signed certificate for these names")]
    SelfSigned(#[source] rcgen::Error),
}

impl Certificate {
    /// PEM files: the chain, leaf first, and the private key.
    pub fn load(chain: &Path, private_key: &Path) -> Result<Self, CertificateError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| CertificateError::Read { path: path.to_owned(), source })
        };
        Self::from_pem(&read(chain)?, &read(private_key)?)
    }

    /// PEM text: the chain, leaf first, and the private key (PKCS #8, PKCS #1 or SEC 1).
    pub fn from_pem(chain: &[u8], private_key: &[u8]) -> Result<Self, CertificateError> {
        let chain =
            CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>().map_err(CertificateError::Chain)?;
        let key = PrivateKeyDer::from_pem_slice(private_key).map_err(CertificateError::PrivateKey)?;
        Self::from_der(chain, key)
    }

    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let leaf = chain.first().ok_or(CertificateError::NoCertificate)?;
        let parsed = ParsedCertificate::try_from(leaf).map_err(CertificateError::Unusable)?;
        let pin = digest::digest(&digest::SHA256, &parsed.subject_public_key_info());
        let pin = HexBytes(pin.as_ref().to_vec());
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(CertificateError::Unusable)?;
        Ok(Self { certified: Arc::new(certified), pin })
    }

    /// A P-256 key made now, and a certificate over it for these host names and addresses, valid from yesterday for a
    /// year. It is as good as its pin: no root vouches for it.
    pub fn self_signed(names: &[String]) -> Result<Self, CertificateError> {
        let make = || {
            let key = rcgen::KeyPair::generate()?;
            let mut parameters = rcgen::CertificateParams::new(names)?;
            let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let today = rcgen::date_time_ymd(1970, 1, 1) + since_1970;
            parameters.not_before = today - DAY;
            parameters.not_after = today + DAY * 365;
            parameters.distinguished_name = rcgen::DistinguishedName::new();
            parameters.distinguished_name.push(rcgen::DnType::CommonName, "truepath reflector");
            let certificate = parameters.self_signed(&key)?;
            Ok((certificate.der().clone(), key.serialize_der()))
        };
        let (certificate, key) = make().map_err(CertificateError::SelfSigned)?;
        Self::from_der(vec![certificate], PrivateKeyDer::Pkcs8(key.into()))
    }

    /// SHA-256 of the leaf's SubjectPublicKeyInfo, what a client pins a self-signed certificate by.
    pub fn pin(&self) -> &HexBytes {
        &self.pin
    }

    /// The chain as it is presented, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    pub(crate) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The hybrid group first: a client that offers it shall get it, so that its loss on a path shows.
pub(crate) fn provider() -> CryptoProvider {
    use rustls::crypto::aws_lc_rs::kx_group;
    CryptoProvider {
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..rustls::crypto::aws_lc_rs::default_provider()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let names = ["reflector.example".to_owned(), "192.0.2.1".to_owned()];
        let made = |names: &[String]| {
            let key = rcgen::KeyPair::generate().unwrap();
            (rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem(), key.serialize_pem())
        };
        let ((chain, key), (_, other)) = (made(&names), made(&names));
        assert!(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).is_ok());
        assert!(matches!(
            Certificate::from_pem(chain.as_bytes(), other.as_bytes()),
            Err(CertificateError::Unusable(_))
        ));
        assert!(matches!(Certificate::from_pem(b"", key.as_bytes()), Err(CertificateError::NoCertificate)));
        assert!(matches!(Certificate::from_pem(chain.as_bytes(), b"nothing"), Err(CertificateError::PrivateKey(_))));
    }

    #[test]
    fn a_self_signed_certificate_names_its_hosts_and_has_a_pin() {
        let certificate = Certificate::self_signed(&["reflector.example".to_owned()]).unwrap();
        assert_eq!(certificate.pin().0.len(), 32);
        assert!(matches!(
            Certificate::self_signed(&["not a name\u{fc}".to_owned()]),
            Err(CertificateError::SelfSigned(_))
        ));
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let error = Certificate::load(Path::new("/nonexistent/chain.pem"), Path::new("key.pem")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/chain.pem"), "{error}");
    }
}
