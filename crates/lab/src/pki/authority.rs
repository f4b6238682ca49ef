//! Certificate authorities of the lab, and the certificates that they issue.

use anyhow::Result;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName, DnType,
    DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    PublicKeyData, RsaKeySize, SerialNumber,
};

use super::{clock::Clock, der, transparency, transparency::Log};

/// authorityInfoAccess, certificatePolicies (RFC 5280 sections 4.2.2.1 and 4.2.1.4) and the SCT list (RFC 6962).
const AUTHORITY_INFORMATION_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
const CERTIFICATE_POLICIES: [u64; 4] = [2, 5, 29, 32];
const SCT_LIST: [u64; 10] = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];

/// A certificate authority: its name, its key, and the certificates from itself up to its root.
pub(crate) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    /// DER, itself first. The root is the last.
    chain: Vec<Vec<u8>>,
}

/// A certificate with its key and the chain that a server sends.
pub(crate) struct Issued {
    pub(crate) key_pem: String,
    /// Leaf first, without the root.
    pub(crate) chain: Vec<Vec<u8>>,
}

impl Authority {
    pub(crate) fn root(organisation: &str, name: &str, key: KeyPair, clock: Clock) -> Result<Self> {
        let params = authority_params(&key, organisation, name, clock, (-700, 3000))?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { params, key, chain: vec![certificate.der().to_vec()] })
    }

    pub(crate) fn subordinate(&self, organisation: &str, name: &str, clock: Clock) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = authority_params(&key, organisation, name, clock, (-600, 2000))?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points =
            vec![CrlDistributionPoint { uris: vec!["http://crl.lab.example/root.crl".into()] }];
        let certificate = params.signed_by(&key, &self.issuer())?;
        let chain = std::iter::once(certificate.der().to_vec()).chain(self.chain.iter().cloned()).collect();
        Ok(Self { params, key, chain })
    }

    /// A leaf as public authorities issue it: with serial, key identifiers, AIA, CRL and policy, for TLS servers. The SCTs
    /// of the logs given are embedded by way of a precertificate (RFC 6962 section 3.1).
    pub(crate) fn issue(&self, names: &[String], logs: &[&Log], clock: Clock) -> Result<Issued> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("", String::as_str));
        params.serial_number = Some(serial()?);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points =
            vec![CrlDistributionPoint { uris: vec!["http://crl.lab.example/issuing.crl".into()] }];
        params.custom_extensions = vec![
            CustomExtension::from_oid_content(&AUTHORITY_INFORMATION_ACCESS, authority_information_access()),
            CustomExtension::from_oid_content(&CERTIFICATE_POLICIES, domain_validated_policy()),
        ];
        clock.validity(-20, 69)?(&mut params);

        if !logs.is_empty() {
            let precertificate = params.signed_by(&key, &self.issuer())?;
            let tbs = der::tbs_certificate(precertificate.der())?;
            let issuer = self.key_info();
            let at = clock.unix_milliseconds()? - 20 * 86_400_000;
            let scts = logs.iter().map(|log| log.sign(tbs, &issuer, at)).collect::<Result<Vec<_>>>()?;
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(&SCT_LIST, transparency::extension(&scts)?));
        }
        let certificate = params.signed_by(&key, &self.issuer())?;
        Ok(Issued { key_pem: key.serialize_pem(), chain: self.chain_under(&certificate) })
    }

    /// Its own certificate.
    pub(crate) fn certificate(&self) -> &[u8] {
        self.chain.first().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Its SubjectPublicKeyInfo, by whose hash a log names the issuer.
    pub(crate) fn key_info(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// Leaf and intermediates; a root that issues by itself is sent along too, as inspection products do.
    fn chain_under(&self, leaf: &Certificate) -> Vec<Vec<u8>> {
        let intermediates = self.chain.len().saturating_sub(1).max(1);
        std::iter::once(leaf.der().to_vec()).chain(self.chain.iter().take(intermediates).cloned()).collect()
    }
}

/// RSA, because every product takes it as an authority's key.
pub(crate) fn rsa() -> Result<KeyPair> {
    Ok(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?)
}

fn authority_params(
    key: &KeyPair,
    organisation: &str,
    name: &str,
    clock: Clock,
    (from, to): (i64, i64),
) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    // RFC 5280 appendix A.1 has the country as a PrintableString; products that encode the issuer's name anew do so too.
    params.distinguished_name.push(DnType::CountryName, DnValue::PrintableString("XX".try_into()?));
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial()?);
    // RFC 5280 section 4.2.1.2, method 1: products compute the authority key identifier of their leaves anew in this way,
    // instead of copying the CA's own, and OpenSSL then finds no issuer where the two differ.
    let identifier = digest(&SHA1_FOR_LEGACY_USE_ONLY, key.public_key_raw());
    params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.as_ref().to_vec());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    clock.validity(from, to)?(&mut params);
    Ok(params)
}

/// 16 octets, positive, as the Baseline Requirements section 7.1 have it.
fn serial() -> Result<SerialNumber> {
    let mut octets = [0; 16];
    aws_lc_rs::rand::fill(&mut octets)?;
    if let Some(first) = octets.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    Ok(SerialNumber::from_slice(&octets))
}

/// `SEQUENCE { SEQUENCE { id-ad-ocsp, [6] "http://ocsp.lab.example" } }`
fn authority_information_access() -> Vec<u8> {
    const ID_AD_OCSP: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 0x30, 1];
    let description = [der::element(0x06, &ID_AD_OCSP), der::element(0x86, b"http://ocsp.lab.example")].concat();
    der::element(0x30, &der::element(0x30, &description))
}

/// `SEQUENCE { SEQUENCE { 2.23.140.1.2.1 } }`: domain-validated.
fn domain_validated_policy() -> Vec<u8> {
    const DOMAIN_VALIDATED: [u8; 6] = [0x67, 0x81, 0x0c, 1, 2, 1];
    der::element(0x30, &der::element(0x30, &der::element(0x06, &DOMAIN_VALIDATED)))
}
