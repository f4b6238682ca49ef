//! The messages that carry certificates and what is stapled to them.

use crate::reader::Reader;
use crate::tls::{Error, Extension, extension};

/// Entries of one chain. The message is limited in octets; this keeps many tiny entries from costing many allocations.
const MAX_CERTIFICATES: usize = 1024;

/// `status_type` of an OCSP response (RFC 6066 section 8).
const OCSP: u8 = 1;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificates {
    pub(super) certificates: Vec<Vec<u8>>,
    /// Of the leaf: the others concern other certificates.
    pub(super) sct_list: Option<Vec<u8>>,
    pub(super) ocsp: Option<Vec<u8>>,
}

/// The body of a Certificate message of TLS 1.3 (RFC 8446 section 4.4.2).
pub(super) fn read_tls13(body: &[u8]) -> Result<Certificates, Error> {
    const NAME: &str = "the Certificate message";
    let mut reader = Reader::new(body);
    reader.vector8().ok_or(Error::Truncated(NAME))?;
    let mut list = Reader::new(reader.vector24().ok_or(Error::Truncated(NAME))?);
    if !reader.is_empty() {
        return Err(Error::Malformed(NAME));
    }
    let mut found = Certificates { certificates: Vec::new(), sct_list: None, ocsp: None };
    while !list.is_empty() {
        let certificate = list.vector24().ok_or(Error::Truncated(NAME))?;
        let extensions = Extension::read_list(list.vector16().ok_or(Error::Truncated(NAME))?)?;
        if found.certificates.is_empty() {
            let extension = |code| extension::find(&extensions, code);
            found.sct_list = extension(extension::SIGNED_CERTIFICATE_TIMESTAMP).map(<[u8]>::to_vec);
            found.ocsp = extension(extension::STATUS_REQUEST).map(read_status).transpose()?;
        }
        add(&mut found.certificates, certificate)?;
    }
    not_empty(&found.certificates)?;
    Ok(found)
}

/// The body of a Certificate message of TLS 1.2 (RFC 5246 section 7.4.2).
pub(super) fn read_tls12(body: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    const NAME: &str = "the Certificate message";
    let mut reader = Reader::new(body);
    let mut list = Reader::new(reader.vector24().ok_or(Error::Truncated(NAME))?);
    if !reader.is_empty() {
        return Err(Error::Malformed(NAME));
    }
    let mut certificates = Vec::new();
    while !list.is_empty() {
        add(&mut certificates, list.vector24().ok_or(Error::Truncated(NAME))?)?;
    }
    not_empty(&certificates)?;
    Ok(certificates)
}

/// A CertificateStatus (RFC 6066 section 8): a message of its own in TLS 1.2, the content of an extension in TLS 1.3.
pub(super) fn read_status(body: &[u8]) -> Result<Vec<u8>, Error> {
    const NAME: &str = "the CertificateStatus";
    let mut reader = Reader::new(body);
    let kind = reader.u8().ok_or(Error::Truncated(NAME))?;
    let response = reader.vector24().ok_or(Error::Truncated(NAME))?;
    if kind != OCSP || response.is_empty() || !reader.is_empty() {
        return Err(Error::Malformed(NAME));
    }
    Ok(response.to_vec())
}

fn add(certificates: &mut Vec<Vec<u8>>, certificate: &[u8]) -> Result<(), Error> {
    if certificate.is_empty() {
        return Err(Error::Malformed("a certificate"));
    }
    if certificates.len() >= MAX_CERTIFICATES {
        return Err(Error::TooManyCertificates { limit: MAX_CERTIFICATES });
    }
    certificates.push(certificate.to_vec());
    Ok(())
}

/// A server always shows one (RFC 8446 section 4.4.2.4).
fn not_empty(certificates: &[Vec<u8>]) -> Result<(), Error> {
    if certificates.is_empty() { Err(Error::Malformed("a chain without certificates")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::writer::vector16;

    fn vector24(bytes: &[u8]) -> Vec<u8> {
        let [_, length @ ..] = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&length[..], bytes].concat()
    }

    fn status(response: &[u8]) -> Vec<u8> {
        [&[OCSP][..], &vector24(response)].concat()
    }

    /// A Certificate message of TLS 1.3, each entry with its extensions.
    fn tls13(entries: &[(Vec<u8>, Vec<Extension>)]) -> Vec<u8> {
        let mut list = Vec::new();
        for (certificate, extensions) in entries {
            list.extend(vector24(certificate));
            let mut block = Vec::new();
            for extension in extensions {
                block.extend(extension.code.to_be_bytes());
                vector16(&extension.data, &mut block);
            }
            vector16(&block, &mut list);
        }
        [&[0][..], &vector24(&list)].concat()
    }

    #[test]
    fn only_what_is_stapled_to_the_leaf_counts() {
        let stapled = |sct: &[u8], ocsp: &[u8]| vec![Extension::new(18, sct.to_vec()), Extension::new(5, status(ocsp))];
        let body = tls13(&[(vec![1], stapled(b"leaf", b"response")), (vec![2], stapled(b"other", b"other"))]);
        let found = read_tls13(&body).unwrap();
        assert_eq!(found.certificates, [[1], [2]]);
        assert_eq!(found.sct_list.as_deref(), Some(&b"leaf"[..]));
        assert_eq!(found.ocsp.as_deref(), Some(&b"response"[..]));
    }

    #[test]
    fn what_no_server_may_send() {
        assert_eq!(read_tls13(&tls13(&[])), Err(Error::Malformed("a chain without certificates")));
        assert_eq!(read_tls12(&vector24(&[])), Err(Error::Malformed("a chain without certificates")));
        assert_eq!(read_tls12(&vector24(&vector24(&[]))), Err(Error::Malformed("a certificate")));
        assert_eq!(read_status(&[2, 0, 0, 1, 0]), Err(Error::Malformed("the CertificateStatus")));
        let many = vec![(vec![1], vec![]); MAX_CERTIFICATES + 1];
        assert_eq!(read_tls13(&tls13(&many)), Err(Error::TooManyCertificates { limit: MAX_CERTIFICATES }));
        assert!(read_tls13(&tls13(&many[1..])).is_ok());
    }

    proptest! {
        #[test]
        fn chains_are_read_back_and_never_early(
            certificates in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 1..5),
            sct_list in prop::option::of(prop::collection::vec(any::<u8>(), 0..50)),
            ocsp in prop::option::of(prop::collection::vec(any::<u8>(), 1..50)),
        ) {
            let mut leaf = vec![Extension::new(0x1a1a, vec![9])];
            leaf.extend(sct_list.clone().map(|list| Extension::new(18, list)));
            leaf.extend(ocsp.as_ref().map(|response| Extension::new(5, status(response))));
            let mut entries: Vec<_> = certificates.iter().map(|der| (der.clone(), vec![])).collect();
            entries[0].1 = leaf;

            let body = tls13(&entries);
            let expected = Certificates { certificates: certificates.clone(), sct_list, ocsp };
            prop_assert_eq!(read_tls13(&body), Ok(expected));
            for end in 0..body.len() {
                prop_assert!(read_tls13(&body[..end]).is_err());
            }

            let list: Vec<u8> = certificates.iter().flat_map(|der| vector24(der)).collect();
            let body = vector24(&list);
            prop_assert_eq!(read_tls12(&body), Ok(certificates));
            for end in 0..body.len() {
                prop_assert!(read_tls12(&body[..end]).is_err());
            }
        }

        #[test]
        fn any_octets_are_read_without_harm(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (read_tls13(&body), read_tls12(&body), read_status(&body));
        }
    }
}
