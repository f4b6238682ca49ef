//! Chains as a forger would make them, and honest ones beside them: what validation and the claim say.

use model::{HostName, Timestamp, Validation};

use super::super::{ChainInput, CtLogs, Roots, chain_facts, validate, validate_ignoring_time};
use super::pki::{Authority, HOST, Years};
use super::{pem, public_roots, slices};

/// 2026-06-01T00:00:00Z
const AT: i64 = 1_780_272_000;
const LIVE: Years = (2026, 2027);
const LONG: Years = (2020, 2040);

fn validation(chain: &[&[u8]], roots: &Roots) -> Validation {
    validate(chain, roots, &HostName::parse(HOST).unwrap(), Timestamp::from_unix_seconds(AT).unwrap())
}

fn ignoring_time(chain: &[&[u8]], roots: &Roots) -> Validation {
    validate_ignoring_time(chain, roots, &HostName::parse(HOST).unwrap())
}

fn claim(chain: &[&[u8]], roots: &Roots, public_issuers: &[String]) -> Option<String> {
    let input = ChainInput {
        chain,
        host: &HostName::parse(HOST).unwrap(),
        at: Timestamp::from_unix_seconds(AT).unwrap(),
        roots,
        logs: &CtLogs::builtin(),
        public_issuers,
        tls_scts: None,
        ocsp: None,
    };
    chain_facts(input).claims_public_issuer
}

#[test]
fn every_way_to_fail_has_its_name() {
    let root = Authority::new("Example Root", LONG, None);
    let intermediate = Authority::new("Example Issuing CA", LONG, Some(&root));
    let roots = Roots::from_der([&root.der]);
    let check = |leaf: &[u8], now: Validation, ever: Validation| {
        let chain = [leaf, &intermediate.der];
        assert_eq!((validation(&chain, &roots), ignoring_time(&chain, &roots)), (now, ever));
    };
    use Validation::{BadSignature, Expired, NameMismatch, NotYetValid, Rejected, UnknownIssuer, Valid};
    check(&intermediate.leaf(&[HOST], LIVE), Valid, Valid);
    check(&intermediate.leaf(&["*.office365.com"], LIVE), Valid, Valid);
    check(&intermediate.leaf(&["example.com"], LIVE), NameMismatch, NameMismatch);
    check(&intermediate.leaf(&[HOST], (2024, 2025)), Expired, Valid);
    check(&intermediate.leaf(&[HOST], (2030, 2031)), NotYetValid, Valid);
    check(&intermediate.leaf(&["example.com"], (2024, 2025)), Expired, NameMismatch);
    check(&Authority::new("Stranger", LONG, None).leaf(&[HOST], LIVE), UnknownIssuer, UnknownIssuer);
    check(&Authority::self_signed_leaf(HOST, LIVE), UnknownIssuer, UnknownIssuer);
    check(&Authority::new("Example Root", LONG, None).leaf(&[HOST], LIVE), BadSignature, BadSignature);
    check(&Authority::new("Example Issuing CA", LONG, None).leaf(&[HOST], LIVE), BadSignature, BadSignature);
    let authority = Rejected("the leaf is the certificate of an authority".to_owned());
    check(&Authority::new(HOST, LIVE, Some(&intermediate)).der, authority.clone(), authority);
    let damaged = Rejected("the leaf is no X.509 certificate".to_owned());
    check(b"rubbish", damaged.clone(), damaged);
    let huge = Rejected("the leaf is larger than a certificate may be".to_owned());
    check(&vec![0x30; 70_000], huge.clone(), huge);

    assert_eq!(validation(&[], &roots), Rejected("no certificate was presented".to_owned()));
    assert_eq!(validation(&[&root.der], &Roots::default()), Validation::NoRoots);
}

/// An expired leaf of a stranger is a stranger's first of all: e2guardian's default is such a leaf.
#[test]
fn a_strangers_certificate_is_not_called_expired() {
    let roots = Roots::from_der([&Authority::new("Example Root", LONG, None).der]);
    let leaf = Authority::new("Stranger", LONG, None).leaf(&[HOST], (2014, 2024));
    assert_eq!(validation(&[&leaf], &roots), Validation::UnknownIssuer);
}

#[test]
fn a_borrowed_root_is_a_bad_signature_however_much_of_it_is_presented() {
    let root = Authority::new("Example Root", LONG, None);
    let roots = Roots::from_der([&root.der]);
    let forged_root = Authority::new("Example Root", LONG, None);
    let forged_intermediate = Authority::new("Example Issuing CA", LONG, Some(&forged_root));
    let direct = forged_root.leaf(&[HOST], LIVE);
    let leaf = forged_intermediate.leaf(&[HOST], LIVE);
    for chain in [
        &[&direct[..]][..],
        &[&direct, &forged_root.der],
        &[&direct, &root.der],
        &[&leaf, &forged_intermediate.der],
        &[&leaf, &forged_intermediate.der, &forged_root.der],
        &[&leaf, &forged_intermediate.der, &root.der],
    ] {
        assert_eq!(validation(chain, &roots), Validation::BadSignature);
        assert_eq!(ignoring_time(chain, &roots), Validation::BadSignature);
    }
    // Only the leaf of a hierarchy that nobody sent: its name is all there is.
    assert_eq!(validation(&[&leaf], &roots), Validation::UnknownIssuer);
}

/// Two installations of one product have authorities of the same name; only one of them is trusted.
#[test]
fn a_key_among_namesakes_is_found() {
    let (mine, other) = (Authority::new("mitmproxy", LONG, None), Authority::new("mitmproxy", LONG, None));
    let both = Roots::from_der([&other.der, &mine.der]);
    let leaf = mine.leaf(&[HOST], LIVE);
    assert_eq!(validation(&[&leaf], &both), Validation::Valid);
    assert_eq!(validation(&[&leaf], &Roots::from_der([&other.der])), Validation::BadSignature);
}

/// A cross-signed authority gives two paths; an expired one does not spoil the other (RFC 4158 section 2.4).
#[test]
fn one_good_path_is_enough() {
    let (old, new) = (Authority::new("Old Root", LONG, None), Authority::new("New Root", LONG, None));
    let roots = Roots::from_der([&old.der, &new.der]);
    let issuing = Authority::new("Example Issuing CA", LONG, Some(&new));
    let expired = issuing.cross_signed(&old, (2020, 2025));
    let leaf = issuing.leaf(&[HOST], LIVE);
    assert_eq!(validation(&[&leaf, &expired], &roots), Validation::Expired);
    // The leaf and the expired cross-certificate never overlap: there is no time at which that path is valid.
    assert_eq!(ignoring_time(&[&leaf, &expired], &roots), Validation::Expired);
    assert_eq!(validation(&[&leaf, &expired, &issuing.der], &roots), Validation::Valid);
    let overlapping = issuing.cross_signed(&old, (2026, 2028));
    let long_leaf = issuing.leaf(&[HOST], LONG);
    assert_eq!(ignoring_time(&[&long_leaf, &overlapping], &roots), Validation::Valid);
}

/// `--trust-roots` with the self-signed certificate of a service of one's own.
#[test]
fn a_pinned_leaf_needs_name_and_time_only() {
    let leaf = Authority::self_signed_leaf(HOST, LIVE);
    assert_eq!(validation(&[&leaf], &Roots::from_der([&leaf])), Validation::Valid);
    let other = Authority::self_signed_leaf("example.com", LIVE);
    assert_eq!(validation(&[&other], &Roots::from_der([&other])), Validation::NameMismatch);
    let old = Authority::self_signed_leaf(HOST, (2024, 2025));
    let roots = Roots::from_der([&old]);
    assert_eq!(validation(&[&old], &roots), Validation::Expired);
    assert_eq!(ignoring_time(&[&old], &roots), Validation::Valid);
}

/// Every certificate of the flood bears the leaf's issuer's name: the worst case for a path search.
#[test]
fn a_flood_of_namesakes_costs_little() {
    let root = Authority::new("Example Root", LONG, None);
    let roots = Roots::from_der([&root.der]);
    let flood: Vec<Authority> = (0..200).map(|_| Authority::new("Example Root", LONG, None)).collect();
    let leaf = flood[150].leaf(&[HOST], LIVE);
    let mut chain = vec![leaf.as_slice()];
    chain.extend(flood.iter().map(|authority| authority.der.as_slice()));
    assert_eq!(validation(&chain, &roots), Validation::BadSignature);
    // A good chain is found behind two hundred strangers.
    let strangers: Vec<Vec<u8>> = (0..200).map(|n| Authority::new(&format!("Stranger {n}"), LONG, None).der).collect();
    let issuing = Authority::new("Example Issuing CA", LONG, Some(&root));
    let leaf = issuing.leaf(&[HOST], LIVE);
    let mut chain = vec![leaf.as_slice()];
    chain.extend(strangers.iter().map(Vec::as_slice));
    chain.push(&issuing.der);
    assert_eq!(validation(&chain, &roots), Validation::Valid);
}

#[test]
fn borrowed_names_are_claims() {
    let roots = public_roots();
    let leaf_of = |issuer: &str| Authority::new(issuer, LONG, None).leaf(&[HOST], LIVE);
    // Another organisation and string type than the true root's, and another spelling: a person would not see it.
    for name in ["DigiCert Global Root G2", "digicert  global root g2"] {
        assert_eq!(claim(&[&leaf_of(name)], &roots, &[]).as_deref(), Some("DigiCert Global Root G2"));
    }
    let intermediate = "Microsoft Azure RSA TLS Issuing CA 03";
    let leaf = leaf_of(intermediate);
    assert_eq!(claim(&[&leaf], &roots, &[]), None);
    assert_eq!(claim(&[&leaf], &roots, &[intermediate.to_owned()]).as_deref(), Some(intermediate));
    // The forged hierarchy claims its root even where the intermediate is known to nobody.
    let root = Authority::new("DigiCert Global Root G2", LONG, None);
    let issuing = Authority::new("Some Issuing CA", LONG, Some(&root));
    let leaf = issuing.leaf(&[HOST], LIVE);
    assert_eq!(claim(&[&leaf, &issuing.der], &roots, &[]).as_deref(), Some("DigiCert Global Root G2"));
    assert_eq!(claim(&[&leaf_of("Example Corp Inspection CA")], &roots, &[]), None);
    assert_eq!(claim(&[&Authority::self_signed_leaf(HOST, LIVE)], &roots, &[]), None);
    assert_eq!(claim(&[], &roots, &[]), None);
}

#[test]
fn a_public_chain_claims_its_root() {
    let chain = pem("public-aws.amazon.com");
    let chain = slices(&chain);
    assert_eq!(claim(&chain, &public_roots(), &[]).as_deref(), Some("Amazon Root CA 1"));
    assert_eq!(claim(&chain[..1], &public_roots(), &[]).as_deref(), Some("Amazon"));
}

/// The facts of a hostile chain are bounded and say what was left out.
#[test]
fn an_endless_chain_is_cut() {
    let leaf = Authority::self_signed_leaf(HOST, LIVE);
    let chain = vec![leaf.as_slice(); 1000];
    let roots = public_roots();
    let input = ChainInput {
        chain: &chain,
        host: &HostName::parse(HOST).unwrap(),
        at: Timestamp::from_unix_seconds(AT).unwrap(),
        roots: &roots,
        logs: &CtLogs::builtin(),
        public_issuers: &[],
        tls_scts: Some(&[0xff; 9]),
        ocsp: Some(&[0x30; 9]),
    };
    let facts = chain_facts(input);
    assert_eq!(facts.certificates.len(), 257);
    assert_eq!(facts.certificates[256].failure().unwrap().detail, "744 more certificates were not read");
    assert_eq!(facts.scts.len(), 2);
}
