//! From the two hellos to the records of the server's handshake: the part of the key schedule of RFC 8446 section 7.1 that
//! lies between, and the record protection of section 5.2.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{self, SHA256, SHA384};
use aws_lc_rs::hkdf::{self, HKDF_SHA256, HKDF_SHA384, Prk, Salt};

use crate::hkdf::expand_label;
use crate::tls::record::{MAX_PLAINTEXT, Record};
use crate::tls::{Error, names};

/// The octets of a nonce, of every suite that is offered.
const NONCE: usize = 12;

struct Suite {
    code: u16,
    hkdf: hkdf::Algorithm,
    digest: &'static digest::Algorithm,
    aead: &'static Algorithm,
}

static SUITES: [Suite; 3] = [
    Suite { code: 0x1301, hkdf: HKDF_SHA256, digest: &SHA256, aead: &AES_128_GCM },
    Suite { code: 0x1302, hkdf: HKDF_SHA384, digest: &SHA384, aead: &AES_256_GCM },
    Suite { code: 0x1303, hkdf: HKDF_SHA256, digest: &SHA256, aead: &CHACHA20_POLY1305 },
];

/// Opens the records that the server sends under its handshake traffic secret.
#[derive(Debug)]
pub(super) struct RecordOpener {
    key: LessSafeKey,
    iv: [u8; NONCE],
    sequence: u64,
}

impl RecordOpener {
    /// `secret` is that of the key exchange, `transcript` the messages ClientHello and ServerHello.
    pub(super) fn new(cipher_suite: u16, secret: &[u8], transcript: &[&[u8]]) -> Result<Self, Error> {
        let suite = SUITES.iter().find(|suite| suite.code == cipher_suite);
        let suite = suite.ok_or_else(|| Error::NotOffered(names::cipher_suite(cipher_suite)))?;
        let mut context = digest::Context::new(suite.digest);
        for message in transcript {
            context.update(message);
        }
        let (key, iv) = server_handshake_keys(suite, secret, context.finish().as_ref()).ok_or(Error::Decrypt)?;
        let key = UnboundKey::new(suite.aead, &key).map_err(|_| Error::Decrypt)?;
        Ok(Self { key: LessSafeKey::new(key), iv, sequence: 0 })
    }

    /// The real content type of a record, and its content without padding (RFC 8446 section 5.4).
    pub(super) fn open(&mut self, record: Record) -> Result<(u8, Vec<u8>), Error> {
        let Record { header, mut fragment, .. } = record;
        // RFC 8446 section 5.3. Each sequence number is used once; MAX_FLIGHT ends long before they do.
        let mut nonce = self.iv;
        for (octet, sequence) in nonce.iter_mut().skip(NONCE - 8).zip(self.sequence.to_be_bytes()) {
            *octet ^= sequence;
        }
        self.sequence = self.sequence.wrapping_add(1);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(header), &mut fragment).map_err(|_| Error::Decrypt)?;
        let length = opened.len();
        fragment.truncate(length);
        while fragment.last() == Some(&0) {
            fragment.pop();
        }
        let content_type = fragment.pop().ok_or(Error::Malformed("a record without content type"))?;
        if fragment.len() > MAX_PLAINTEXT {
            return Err(Error::TooLarge { what: "a record", limit: MAX_PLAINTEXT });
        }
        Ok((content_type, fragment))
    }
}

/// Down the left side of the figure in RFC 8446 section 7.1, without a pre-shared key. `None` only where HKDF refuses a
/// length, which no suite has.
fn server_handshake_keys(suite: &Suite, secret: &[u8], transcript_hash: &[u8]) -> Option<(Vec<u8>, [u8; NONCE])> {
    let hash = suite.digest.output_len();
    let zeros = vec![0; hash];
    let early_secret = Salt::new(suite.hkdf, &zeros).extract(&zeros);
    let empty_hash = digest::digest(suite.digest, &[]);
    let derived = expand_label(&early_secret, b"derived", empty_hash.as_ref(), hash)?;
    let handshake_secret = Salt::new(suite.hkdf, &derived).extract(secret);
    let traffic_secret = expand_label(&handshake_secret, b"s hs traffic", transcript_hash, hash)?;
    let traffic_secret = Prk::new_less_safe(suite.hkdf, &traffic_secret);
    let key = expand_label(&traffic_secret, b"key", &[], suite.aead.key_len())?;
    let iv = expand_label(&traffic_secret, b"iv", &[], NONCE)?;
    Some((key, iv.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        hex::decode(hex).unwrap()
    }

    /// RFC 8448 section 3, "Simple 1-RTT Handshake": the shared secret and the hash of the two hellos give the key and iv
    /// under which the server writes its handshake.
    #[test]
    fn trace_of_the_standard() {
        let secret = octets("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
        let hash = octets("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
        let keys = server_handshake_keys(&SUITES[0], &secret, &hash).unwrap();
        assert_eq!(hex::encode(keys.0), "3fce516009c21727d0f2e4e86ee403bc");
        assert_eq!(hex::encode(keys.1), "5d313eb2671276ee13000b30");
    }
}
