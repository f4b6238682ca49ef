//! Authorities, leaves and CT logs made to order.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

use super::super::CtLogs;
use super::super::certificate::sha256;

pub(super) const HOST: &str = "outlook.office365.com";

/// An authority: its certificate, and what signs with it.
pub(super) struct Authority {
    name: String,
    pub(super) der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// Years of validity.
pub(super) type Years = (i32, i32);

fn parameters(name: &str, hosts: &[&str], years: Years) -> CertificateParams {
    let mut parameters =
        CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::OrganizationName, "Example Authority");
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_before = date_time_ymd(years.0, 1, 1);
    parameters.not_after = date_time_ymd(years.1, 1, 1);
    parameters
}

impl Authority {
    /// With a key of its own, signed by itself or by another.
    pub(super) fn new(name: &str, years: Years, signer: Option<&Self>) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = parameters(name, &[], years);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = match signer {
            None => parameters.self_signed(&key),
            Some(signer) => parameters.signed_by(&key, &signer.issuer),
        };
        Self { name: name.to_owned(), der: certificate.unwrap().der().to_vec(), issuer: Issuer::new(parameters, key) }
    }

    /// The same name and key, certified by another.
    pub(super) fn cross_signed(&self, signer: &Self, years: Years) -> Vec<u8> {
        let mut parameters = parameters(&self.name, &[], years);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.signed_by(self.issuer.key(), &signer.issuer).unwrap().der().to_vec()
    }

    pub(super) fn leaf(&self, hosts: &[&str], years: Years) -> Vec<u8> {
        self.leaf_with(hosts, years, &KeyPair::generate().unwrap(), Vec::new())
    }

    pub(super) fn leaf_with(
        &self,
        hosts: &[&str],
        years: Years,
        key: &KeyPair,
        extensions: Vec<CustomExtension>,
    ) -> Vec<u8> {
        let mut parameters = parameters(hosts.first().unwrap_or(&""), hosts, years);
        parameters.serial_number = Some(vec![0x11, 0x22, 0x33].into());
        parameters.use_authority_key_identifier_extension = true;
        parameters.custom_extensions = extensions;
        parameters.signed_by(key, &self.issuer).unwrap().der().to_vec()
    }

    pub(super) fn self_signed_leaf(host: &str, years: Years) -> Vec<u8> {
        parameters(host, &[host], years).self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }
}

/// A CT log with a key of its own.
pub(super) struct TestLog {
    key: EcdsaKeyPair,
}

impl TestLog {
    pub(super) fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { key }
    }

    /// A log with a key that RFC 6962 does not foresee.
    pub(super) fn with_p384() -> Self {
        Self { key: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap() }
    }

    fn spki(&self) -> Vec<u8> {
        use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
        let der: PublicKeyX509Der<'_> = self.key.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    pub(super) fn id(&self) -> [u8; 32] {
        sha256(&self.spki())
    }

    /// A list that knows only this log; `rest` are further members of its entry.
    pub(super) fn list(&self, rest: &str) -> CtLogs {
        let (id, key) = (BASE64_STANDARD.encode(self.id()), BASE64_STANDARD.encode(self.spki()));
        let text = format!(
            r#"{{"version": "1", "operators": [{{"logs": [{{"description": "Example", "log_id": "{id}", "key": "{key}"{rest}}}]}}]}}"#
        );
        CtLogs::from_json(text.as_bytes()).unwrap()
    }

    /// A SignedCertificateTimestampList of one SCT over this entry: entry type, and what follows it.
    pub(super) fn sign(&self, timestamp_ms: u64, entry: &[u8]) -> Vec<u8> {
        let extensions = [0, 4, 0xde, 0xad, 0xbe, 0xef];
        let signed = [&[0, 0][..], &timestamp_ms.to_be_bytes(), entry, &extensions].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let mut sct = [&[0][..], &self.id(), &timestamp_ms.to_be_bytes(), &extensions, &[4, 3]].concat();
        sct.extend(u16::try_from(signature.as_ref().len()).unwrap().to_be_bytes());
        sct.extend(signature.as_ref());
        list(&[&sct])
    }
}

/// SignedCertificateTimestampList.
pub(super) fn list(timestamps: &[&[u8]]) -> Vec<u8> {
    let vector = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    vector(&timestamps.iter().flat_map(|timestamp| vector(timestamp)).collect::<Vec<_>>())
}

/// `opaque<1..2^24-1>`
pub(super) fn opaque24(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..], bytes].concat()
}
