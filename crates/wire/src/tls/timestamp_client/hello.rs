//! The ClientHello of this client and the private halves of its key shares.

use core::net::IpAddr;

use aws_lc_rs::agreement::{self, Algorithm, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey, X25519};
use aws_lc_rs::rand;
use model::HostName;

use crate::tls::{ClientHello, Error, Extension, extension};
use crate::writer::{vector8, vector16};

pub(super) const TLS12: u16 = 0x0303;
pub(super) const TLS13: u16 = 0x0304;

/// The three of TLS 1.3, then those of TLS 1.2 that public services take. The last six are offered only to be shown the
/// certificates of old servers: no TLS 1.2 handshake is ever completed here.
const CIPHER_SUITES: [u16; 15] = [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f,
    0x0035,
];

/// Ed25519 and the ECDSA, PSS and PKCS #1 schemes with SHA-2: what public certificates are signed with.
const SIGNATURE_ALGORITHMS: [u16; 10] =
    [0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];

#[derive(Debug)]
struct Group {
    code: u16,
    algorithm: &'static Algorithm,
    /// Octets of a public key: for the curves of NIST the uncompressed form (RFC 8446 section 4.2.8.2).
    public_key: usize,
}

/// Each with a share, so that no server that takes one of them asks for a second hello.
static GROUPS: [Group; 3] = [
    Group { code: 0x001d, algorithm: &X25519, public_key: 32 },
    Group { code: 0x0017, algorithm: &ECDH_P256, public_key: 65 },
    Group { code: 0x0018, algorithm: &ECDH_P384, public_key: 97 },
];

#[derive(Debug)]
pub(super) struct KeyShare {
    group: &'static Group,
    private_key: PrivateKey,
    public_key: Vec<u8>,
}

impl KeyShare {
    /// A fresh key in each group.
    pub(super) fn generate() -> Result<Vec<Self>, Error> {
        GROUPS.iter().map(|group| Self::new(group).map_err(|_| Error::Random)).collect()
    }

    fn new(group: &'static Group) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let private_key = PrivateKey::generate(group.algorithm)?;
        let public_key = private_key.compute_public_key()?.as_ref().to_vec();
        Ok(Self { group, private_key, public_key })
    }

    pub(super) fn group(&self) -> u16 {
        self.group.code
    }

    /// The Diffie-Hellman secret (RFC 8446 section 7.4.2).
    pub(super) fn agree(&self, peer: &[u8]) -> Result<Vec<u8>, Error> {
        // The length leaves only the one encoding that TLS 1.3 allows.
        if peer.len() != self.group.public_key {
            return Err(Error::KeyShare);
        }
        let peer = UnparsedPublicKey::new(self.group.algorithm, peer);
        agreement::agree(&self.private_key, peer, Error::KeyShare, |secret| Ok(secret.to_vec()))
    }
}

pub(super) fn client_hello(host: &HostName, shares: &[KeyShare]) -> Result<ClientHello, Error> {
    let mut random = [0; 32];
    // Middleboxes expect a session id from a client of TLS 1.2 that resumes (RFC 8446 appendix D.4).
    let mut session_id = vec![0; 32];
    rand::fill(&mut random).map_err(|_| Error::Random)?;
    rand::fill(&mut session_id).map_err(|_| Error::Random)?;

    let mut extensions = Vec::new();
    // An address is not a name (RFC 6066 section 3).
    if host.as_str().parse::<IpAddr>().is_err() {
        let mut name = vec![0];
        vector16(host.as_str().as_bytes(), &mut name);
        extensions.push(Extension::new(extension::SERVER_NAME, in_vector16(&name)));
    }
    let groups: Vec<u16> = shares.iter().map(KeyShare::group).collect();
    let mut key_shares = Vec::new();
    for share in shares {
        key_shares.extend(share.group().to_be_bytes());
        vector16(&share.public_key, &mut key_shares);
    }
    extensions.extend([
        Extension::new(extension::EXTENDED_MASTER_SECRET, vec![]),
        Extension::new(extension::RENEGOTIATION_INFO, vec![0]),
        Extension::new(extension::SUPPORTED_GROUPS, in_vector16(&octets(&groups))),
        Extension::new(extension::EC_POINT_FORMATS, in_vector8(&[0])),
        Extension::new(extension::ALPN, in_vector16(b"\x02h2\x08http/1.1")),
        // OCSP, any responder, no extensions of the request (RFC 6066 section 8).
        Extension::new(extension::STATUS_REQUEST, vec![1, 0, 0, 0, 0]),
        Extension::new(extension::SIGNATURE_ALGORITHMS, in_vector16(&octets(&SIGNATURE_ALGORITHMS))),
        // An empty one asks (RFC 6962 section 3.3.1).
        Extension::new(extension::SIGNED_CERTIFICATE_TIMESTAMP, vec![]),
        Extension::new(extension::SUPPORTED_VERSIONS, in_vector8(&octets(&[TLS13, TLS12]))),
        Extension::new(extension::KEY_SHARE, in_vector16(&key_shares)),
    ]);
    let mut hello = ClientHello {
        legacy_version: TLS12,
        random,
        session_id,
        cipher_suites: CIPHER_SUITES.to_vec(),
        compression_methods: vec![0],
        extension_block: Some(extensions),
    };
    pad(&mut hello);
    Ok(hello)
}

/// A hello of 256 to 511 octets makes some old load balancers hang, so it is filled up to 512 (RFC 7685 section 1).
fn pad(hello: &mut ClientHello) {
    const EXTENSION_HEADER: usize = 4;
    let length = hello.encode().len();
    if (256..512).contains(&length) {
        let padding = 512usize.saturating_sub(length).saturating_sub(EXTENSION_HEADER).max(1);
        hello.extension_block.get_or_insert_default().push(Extension::new(extension::PADDING, vec![0; padding]));
    }
}

fn octets(codes: &[u16]) -> Vec<u8> {
    codes.iter().flat_map(|code| code.to_be_bytes()).collect()
}

fn in_vector8(content: &[u8]) -> Vec<u8> {
    let mut vector = Vec::new();
    vector8(content, &mut vector);
    vector
}

fn in_vector16(content: &[u8]) -> Vec<u8> {
    let mut vector = Vec::new();
    vector16(content, &mut vector);
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(host: &str) -> ClientHello {
        client_hello(&HostName::parse(host).unwrap(), &KeyShare::generate().unwrap()).unwrap()
    }

    #[test]
    fn it_asks_for_what_it_is_for() {
        let hello = hello("outlook.office365.com");
        assert_eq!(ClientHello::parse(&hello.encode()), Ok(hello.clone()));
        assert_eq!(hello.server_name().unwrap().as_str(), "outlook.office365.com");
        assert_eq!(hello.alpn().unwrap(), [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!(hello.supported_versions().unwrap(), [0x0304, 0x0303]);
        assert_eq!(hello.key_share_groups(), hello.supported_groups());
        assert_eq!(hello.extension(18), Some(&[][..]));
        assert_eq!(hello.extension(5), Some(&[1, 0, 0, 0, 0][..]));
        assert_eq!(hello.encode().len(), 512, "and it keeps off the lengths that hang old load balancers");
    }

    #[test]
    fn an_address_is_not_sent_as_a_name() {
        assert_eq!(hello("192.0.2.1").extension(0), None);
        assert!(!(256..512).contains(&hello("192.0.2.1").encode().len()));
    }

    #[test]
    fn both_ends_agree() {
        let (ours, theirs) = (KeyShare::generate().unwrap(), KeyShare::generate().unwrap());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.agree(&theirs.public_key), theirs.agree(&ours.public_key));
            assert_eq!(ours.agree(&theirs.public_key[1..]), Err(Error::KeyShare));
        }
        assert_eq!(ours[0].agree(&[0; 32]), Err(Error::KeyShare), "RFC 8446 section 7.4.2: not the all-zero secret");
        assert_eq!(ours[1].agree(&[4; 65]), Err(Error::KeyShare), "not on the curve");
    }
}
