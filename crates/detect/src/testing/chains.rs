//! Certificate chains: a public one, and those of somebody who ends TLS on the way.

use model::*;

use super::*;

pub(super) fn public_chain(host: &str) -> Chain {
    let authority = "Microsoft Azure RSA TLS Issuing CA 03";
    let leaf = CertificateFacts {
        subject: format!("CN={host},O=Microsoft Corporation,C=US"),
        issuer: format!("CN={authority},O=Microsoft Corporation,C=US"),
        subject_common_name: Some(host.to_owned()),
        issuer_common_name: Some(authority.to_owned()),
        issuer_organisation: Some("Microsoft Corporation".to_owned()),
        serial: HexBytes([[0x33].as_slice(), &[7; 18]].concat()),
        not_before: time("2026-09-01T00:00:00Z"),
        not_after: time("2027-03-01T00:00:00Z"),
        subject_alternative_names: Some(vec![host.to_owned()]),
        spki_sha256: HexBytes(vec![0xaa; 32]),
        key: "rsa-2048".to_owned(),
        signature_algorithm: "sha384WithRSAEncryption".to_owned(),
        is_authority: false,
        subject_key_id: Some(HexBytes(vec![1; 20])),
        authority_key_id: Some(HexBytes(vec![2; 20])),
        has_authority_information_access: true,
        has_crl_distribution_points: true,
        policies: vec!["2.23.140.1.2.2".to_owned()],
        version: 3,
    };
    let issuer = CertificateFacts {
        subject: leaf.issuer.clone(),
        issuer: "CN=DigiCert Global Root G2,OU=www.digicert.com,O=DigiCert Inc,C=US".to_owned(),
        subject_common_name: Some(authority.to_owned()),
        issuer_common_name: Some("DigiCert Global Root G2".to_owned()),
        issuer_organisation: Some("DigiCert Inc".to_owned()),
        is_authority: true,
        subject_key_id: Some(HexBytes(vec![2; 20])),
        spki_sha256: HexBytes(vec![0xab; 32]),
        ..leaf.clone()
    };
    Chain {
        certificates: vec![HexBytes([host.as_bytes(), &[1]].concat()), HexBytes(vec![2; 32])],
        at: time("2026-11-23T12:00:02Z"),
        system: Attempt::Seen(Validation::Valid),
        given: Attempt::not_tried("no roots were given"),
        facts: ChainFacts {
            certificates: vec![Attempt::Seen(leaf), Attempt::Seen(issuer)],
            public: Validation::Valid,
            public_ignoring_time: Validation::Valid,
            claims_public_issuer: Some("DigiCert Global Root G2".to_owned()),
            scts: vec![sct("Argon2027h1"), sct("Nimbus2027")],
        },
    }
}

fn sct(log: &str) -> SctFact {
    SctFact {
        source: SctSource::Embedded,
        log_id: HexBytes(vec![3; 32]),
        log: Some(log.to_owned()),
        timestamp: Some(time("2026-09-01T00:00:01Z")),
        status: SctStatus::Valid,
    }
}

/// A leaf that a company's own authority signed, of no known product.
pub(crate) fn operator_leaf(host: &str) -> CertificateFacts {
    CertificateFacts {
        subject: format!("CN={host}"),
        issuer: "CN=Example Corp Inspection CA,OU=Network Security,O=Example Corp IT,C=XX".to_owned(),
        subject_common_name: Some(host.to_owned()),
        issuer_common_name: Some("Example Corp Inspection CA".to_owned()),
        issuer_organisation: Some("Example Corp IT".to_owned()),
        serial: HexBytes(vec![0x11; 12]),
        not_before: time("2026-11-20T00:00:00Z"),
        not_after: time("2027-01-10T00:00:00Z"),
        subject_alternative_names: Some(vec![host.to_owned()]),
        spki_sha256: HexBytes(vec![0xcc; 32]),
        key: "rsa-2048".to_owned(),
        signature_algorithm: "sha256WithRSAEncryption".to_owned(),
        is_authority: false,
        subject_key_id: None,
        authority_key_id: Some(HexBytes(vec![0xd0, 0x0d])),
        has_authority_information_access: false,
        has_crl_distribution_points: false,
        policies: Vec::new(),
        version: 3,
    }
}

/// Puts a forged leaf, alone, in the place of a chain; this machine's store accepts its authority.
pub(crate) fn mint(chain: &mut Chain, leaf: CertificateFacts) {
    chain.certificates = vec![HexBytes([leaf.subject.as_bytes(), leaf.issuer.as_bytes()].concat())];
    chain.system = Attempt::Seen(Validation::Valid);
    chain.facts = ChainFacts {
        certificates: vec![Attempt::Seen(leaf)],
        public: Validation::UnknownIssuer,
        public_ignoring_time: Validation::UnknownIssuer,
        claims_public_issuer: None,
        scts: Vec::new(),
    };
}

/// Every connection of the host, TCP and QUIC, shows a forged chain.
pub(crate) fn intercept(host: &mut HostRecord, leaf: &dyn Fn(&str) -> CertificateFacts) {
    let leaf = leaf(host.target.host.as_str());
    mint(&mut host.chains[0], leaf);
}

/// As [`intercept`], but QUIC goes through untouched.
pub(crate) fn intercept_tcp(host: &mut HostRecord, leaf: &dyn Fn(&str) -> CertificateFacts) {
    host.chains.push(host.chains[0].clone());
    intercept(host, leaf);
    host.connections[QUIC].chain = Some(1);
}
