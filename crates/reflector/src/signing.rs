//! The key that signs answers: Ed25519 (RFC 8032). It is the reflector's identity; a client pins its public half.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use model::{Answer, Base64Bytes, HexBytes, SealedAnswer};

pub struct SigningKey(Ed25519KeyPair);

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    #[error("cannot read the signing key {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write the new signing key {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the signing key is no Ed25519 key in PKCS #8")]
    Rejected(#[source] KeyRejected),
    #[error("cannot make a signing key")]
    Generate(#[source] Unspecified),
}

impl SigningKey {
    pub fn generate() -> Result<Self, SigningKeyError> {
        Ed25519KeyPair::generate().map(Self).map_err(SigningKeyError::Generate)
    }

    /// PKCS #8 in DER (RFC 8410 section 7).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, SigningKeyError> {
        Ed25519KeyPair::from_pkcs8(der).map(Self).map_err(SigningKeyError::Rejected)
    }

    pub fn to_pkcs8(&self) -> Result<Vec<u8>, SigningKeyError> {
        let der: Pkcs8V1Der<'_> = self.0.as_der().map_err(SigningKeyError::Generate)?;
        Ok(der.as_ref().to_vec())
    }

    /// Reads the PKCS #8 file, or makes a key and writes it there, for its owner alone, if there is no such file.
    pub fn load_or_create(path: &Path) -> Result<Self, SigningKeyError> {
        match std::fs::read(path) {
            Ok(der) => return Self::from_pkcs8(&der),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(SigningKeyError::Read { path: path.to_owned(), source }),
        }
        let key = Self::generate()?;
        let der = key.to_pkcs8()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            file.write_all(&der)?;
            file.sync_all()
        });
        written.map_err(|source| SigningKeyError::Write { path: path.to_owned(), source })?;
        Ok(key)
    }

    /// The 32 octets that a client pins.
    pub fn public_key(&self) -> HexBytes {
        HexBytes(self.0.public_key().as_ref().to_vec())
    }

    /// Signs the JSON text of the answer itself, so that no two ways to write it can be confused.
    pub(crate) fn seal(&self, answer: &Answer) -> Result<SealedAnswer, serde_json::Error> {
        let answer = serde_json::to_vec(answer)?;
        let signed = SealedAnswer::signed_octets(&answer);
        Ok(self.seal_text(answer, &signed))
    }

    /// The same for a text of another kind; `signed` is what its kind has signed for it.
    pub(crate) fn seal_text(&self, text: Vec<u8>, signed: &[u8]) -> SealedAnswer {
        let signature = self.0.sign(signed);
        SealedAnswer {
            v: SealedAnswer::VERSION,
            answer: Base64Bytes(text),
            signature: Base64Bytes(signature.as_ref().to_vec()),
            key: self.public_key(),
        }
    }
}

/// The public half; the private one is never shown.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let path = std::env::temp_dir().join(format!("truepath-signing-key-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let made = SigningKey::load_or_create(&path).unwrap();
        let found = SigningKey::load_or_create(&path).unwrap();
        assert_eq!(made.public_key(), found.public_key());
        assert_eq!(made.public_key().0.len(), 32);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, b"something else").unwrap();
        assert!(matches!(SigningKey::load_or_create(&path), Err(SigningKeyError::Rejected(_))));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let key = SigningKey::generate().unwrap();
        let secret = hex::encode(key.to_pkcs8().unwrap().get(16..48).unwrap());
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.public_key().to_string()) && !shown.contains(&secret));
    }
}
