//! SCTs of real public chains against the real list of logs, and of a log made here, damaged in every way.

use std::sync::LazyLock;

use model::{HostName, SctSource, SctStatus, Timestamp, Validation};
use proptest::prelude::*;
use rcgen::{CustomExtension, KeyPair};

use super::super::certificate::sha256;
use super::super::der::{self, OCTET_STRING};
use super::super::outline::Outline;
use super::super::{ChainInput, CtLogs, Roots, chain_facts, read_sct_list};
use super::pki::{Authority, HOST, TestLog, list, opaque24};
use super::{pem, public_roots, slices};

const SCT_EXTENSION: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
/// 2026-06-01T00:00:00Z and a minute before it, in milliseconds.
const AT: i64 = 1_780_272_000;
const STAMPED_MS: u64 = 1_780_271_940_000;

fn at() -> Timestamp {
    Timestamp::from_unix_seconds(AT).unwrap()
}

fn statuses(chain: &[Vec<u8>], roots: &Roots, logs: &CtLogs, tls: Option<&[u8]>) -> Vec<(SctSource, SctStatus)> {
    statuses_at(chain, roots, logs, tls, at())
}

fn statuses_at(
    chain: &[Vec<u8>],
    roots: &Roots,
    logs: &CtLogs,
    tls_scts: Option<&[u8]>,
    at: Timestamp,
) -> Vec<(SctSource, SctStatus)> {
    let host = HostName::parse(HOST).unwrap();
    let chain = slices(chain);
    let input = ChainInput { chain: &chain, host: &host, at, roots, logs, public_issuers: &[], tls_scts, ocsp: None };
    chain_facts(input).scts.into_iter().map(|fact| (fact.source, fact.status)).collect()
}

/// The proof against the world: SCTs that real logs gave to real certificates, verified with the compiled-in list.
#[test]
fn scts_of_public_chains_are_valid() {
    let check = |name: &str, host: &str, at: &str, logs: &[&str]| {
        let (chain, host) = (pem(name), HostName::parse(host).unwrap());
        let (roots, known) = (public_roots(), CtLogs::builtin());
        let chain = slices(&chain);
        let mut input = ChainInput {
            chain: &chain,
            host: &host,
            at: Timestamp(at.parse().unwrap()),
            roots: &roots,
            logs: &known,
            public_issuers: &[],
            tls_scts: None,
            ocsp: None,
        };
        let facts = chain_facts(input);
        assert_eq!(facts.public, Validation::Valid);
        let seen: Vec<_> = facts.scts.iter().map(|sct| (sct.log.as_deref().unwrap(), sct.status)).collect();
        assert_eq!(seen, logs.iter().map(|log| (*log, SctStatus::Valid)).collect::<Vec<_>>());

        // Without its issuer nothing can be said; with another's key the signature does not fit.
        input.chain = &chain[..1];
        assert!(chain_facts(input).scts.iter().all(|sct| sct.status == SctStatus::NoIssuer));
        let foreign = pem(if name.contains("aws") { "public-letsencrypt.org" } else { "public-aws.amazon.com" });
        let leaf = Outline::read(chain[0]).unwrap();
        let key = Outline::read(&foreign[1]).unwrap().subject_public_key_info.to_vec();
        let verifier = super::super::sct::Verifier { leaf: &leaf, issuer_key: Some(&key), logs: &known, at: input.at };
        assert!(verifier.embedded().iter().all(|sct| sct.status == SctStatus::BadSignature));
    };
    check(
        "public-aws.amazon.com",
        "aws.amazon.com",
        "2026-01-15T00:00:00Z",
        &["Google 'Xenon2026h2' log", "DigiCert 'Wyvern2026h2'", "DigiCert 'Sphinx2026h2'"],
    );
    check(
        "public-letsencrypt.org",
        "letsencrypt.org",
        "2026-08-01T00:00:00Z",
        &["DigiCert 'Sphinx2026h2'", "IPng Networks 'Gouda2026h2'"],
    );
}

/// An authority, a log, and a leaf with an SCT of that log.
struct World {
    root: Authority,
    log: TestLog,
    key: KeyPair,
    leaf: Vec<u8>,
}

impl World {
    fn new(log: TestLog) -> Self {
        Self::stamped(log, STAMPED_MS)
    }

    fn stamped(log: TestLog, timestamp_ms: u64) -> Self {
        let root = Authority::new("Example Root", (2020, 2040), None);
        let key = KeyPair::generate().unwrap();
        // The log sees the certificate without the extension: rcgen encodes it, not the code under test.
        let bare = root.leaf_with(&[HOST], (2026, 2027), &key, Vec::new());
        let tbs = Outline::read(&bare).unwrap().tbs.whole;
        let issuer_key = Outline::read(&root.der).unwrap().subject_public_key_info;
        let entry = [&[0, 1][..], &sha256(issuer_key), &opaque24(tbs)].concat();
        let list = log.sign(timestamp_ms, &entry);
        let leaf = root.leaf_with(&[HOST], (2026, 2027), &key, vec![extension(&list)]);
        Self { root, log, key, leaf }
    }

    fn roots(&self) -> Roots {
        Roots::from_der([&self.root.der])
    }
}

fn extension(list: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(SCT_EXTENSION, der::encode(OCTET_STRING, &[list]))
}

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(TestLog::new()));

const EMBEDDED_VALID: &[(SctSource, SctStatus)] = &[(SctSource::Embedded, SctStatus::Valid)];

#[test]
fn embedded_scts_verify_with_the_issuer_presented_or_known() {
    let (world, logs) = (&*WORLD, WORLD.log.list(""));
    assert_eq!(statuses(&[world.leaf.clone(), world.root.der.clone()], &Roots::default(), &logs, None), EMBEDDED_VALID);
    assert_eq!(statuses(core::slice::from_ref(&world.leaf), &world.roots(), &logs, None), EMBEDDED_VALID);
    assert_eq!(
        statuses(core::slice::from_ref(&world.leaf), &Roots::default(), &logs, None),
        [(SctSource::Embedded, SctStatus::NoIssuer)]
    );
}

/// What a forger can do with the SCTs of the true certificate: take them over, and fail.
#[test]
fn scts_taken_over_into_a_forged_leaf_do_not_verify() {
    let world = &*WORLD;
    let logs = world.log.list("");
    let embedded =
        super::super::precertificate::reconstruct(&Outline::read(&world.leaf).unwrap().tbs).unwrap().unwrap();
    let forger = Authority::new("Example Root", (2020, 2040), None);
    // Same names, dates, serial and even key: only the issuer's key differs.
    let forged = forger.leaf_with(&[HOST], (2026, 2027), &world.key, vec![extension(embedded.list)]);
    for chain in [vec![forged.clone(), forger.der.clone()], vec![forged.clone(), world.root.der.clone()], vec![forged]]
    {
        let seen = statuses(&chain, &world.roots(), &logs, None);
        // Against the true root's key hash the certificate's own octets differ by the AKI.
        assert_eq!(seen, [(SctSource::Embedded, SctStatus::BadSignature)]);
    }
}

#[test]
fn scts_of_the_tls_extension_cover_the_leaf_itself() {
    let root = Authority::new("Example Root", (2020, 2040), None);
    let (log, leaf) = (TestLog::new(), root.leaf(&[HOST], (2026, 2027)));
    let list = log.sign(STAMPED_MS, &[&[0, 0][..], &opaque24(&leaf)].concat());
    let roots = Roots::from_der([&root.der]);
    let logs = log.list("");
    assert_eq!(
        statuses(core::slice::from_ref(&leaf), &roots, &logs, Some(&list)),
        [(SctSource::TlsExtension, SctStatus::Valid)]
    );
    let other = root.leaf(&[HOST], (2026, 2027));
    assert_eq!(statuses(&[other], &roots, &logs, Some(&list)), [(SctSource::TlsExtension, SctStatus::BadSignature)]);
    assert_eq!(statuses(&[leaf], &roots, &logs, Some(&list[..9])), [(SctSource::TlsExtension, SctStatus::Malformed)]);
}

#[test]
fn scts_in_an_ocsp_response_are_found() {
    let root = Authority::new("Example Root", (2020, 2040), None);
    let (log, leaf) = (TestLog::new(), root.leaf(&[HOST], (2026, 2027)));
    let list = log.sign(STAMPED_MS, &[&[0, 0][..], &opaque24(&leaf)].concat());
    let time = der::encode(0x18, &[b"20260601000000Z"]);
    let kind = der::encode(6, &[&[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x05]]);
    let value = der::encode(OCTET_STRING, &[&der::encode(OCTET_STRING, &[&list])]);
    let extensions = der::encode(der::context(1), &[&der::encode(0x30, &[&der::encode(0x30, &[&kind, &value])])]);
    let single = der::encode(0x30, &[&der::encode(0x30, &[]), &[0x80, 0], &time, &extensions]);
    let key_hash = der::encode(der::context(2), &[&der::encode(OCTET_STRING, &[&[7; 20]])]);
    let data = der::encode(0x30, &[&key_hash, &time, &der::encode(0x30, &[&single])]);
    let basic = der::encode(0x30, &[&data, &der::encode(0x30, &[]), &[3, 1, 0]]);
    let basic_kind = der::encode(6, &[&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01]]);
    let bytes = der::encode(0x30, &[&basic_kind, &der::encode(OCTET_STRING, &[&basic])]);
    let response = der::encode(0x30, &[&[0x0a, 1, 0], &der::encode(der::context(0), &[&bytes])]);

    let (roots, logs, host) = (Roots::from_der([&root.der]), log.list(""), HostName::parse(HOST).unwrap());
    let chain = [leaf.as_slice()];
    let facts = |ocsp| {
        let input = ChainInput {
            chain: &chain,
            host: &host,
            at: at(),
            roots: &roots,
            logs: &logs,
            public_issuers: &[],
            tls_scts: None,
            ocsp: Some(ocsp),
        };
        chain_facts(input).scts.into_iter().map(|fact| (fact.source, fact.status)).collect::<Vec<_>>()
    };
    assert_eq!(facts(&response), [(SctSource::OcspResponse, SctStatus::Valid)]);
    for end in 0..response.len() {
        assert_eq!(facts(&response[..end]), [(SctSource::OcspResponse, SctStatus::Malformed)]);
    }
}

#[test]
fn what_the_list_says_of_a_log_counts() {
    let world = &*WORLD;
    let check = |rest: &str, status: SctStatus| {
        let seen = statuses(core::slice::from_ref(&world.leaf), &world.roots(), &world.log.list(rest), None);
        assert_eq!(seen, [(SctSource::Embedded, status)], "{rest}");
    };
    let state = |state: &str, at: &str| format!(r#", "state": {{"{state}": {{"timestamp": "{at}"}}}}"#);
    check(&state("usable", "2025-01-01T00:00:00Z"), SctStatus::Valid);
    check(&state("retired", "2026-07-01T00:00:00Z"), SctStatus::Valid);
    check(&state("retired", "2026-05-01T00:00:00Z"), SctStatus::RetiredLog);
    check(&state("rejected", "2026-07-01T00:00:00Z"), SctStatus::RetiredLog);
    check(&state("pending", "2026-05-01T00:00:00Z"), SctStatus::UnknownLog);
    let interval = |from: &str, before: &str| {
        format!(r#", "temporal_interval": {{"start_inclusive": "{from}", "end_exclusive": "{before}"}}"#)
    };
    // The leaf expires at 2027-01-01T00:00:00Z.
    check(&interval("2027-01-01T00:00:00Z", "2027-07-01T00:00:00Z"), SctStatus::Valid);
    check(&interval("2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"), SctStatus::OutsideLogInterval);

    let unknown = statuses(core::slice::from_ref(&world.leaf), &world.roots(), &CtLogs::builtin(), None);
    assert_eq!(unknown, [(SctSource::Embedded, SctStatus::UnknownLog)]);
}

#[test]
fn an_sct_of_tomorrow_tells_a_wrong_clock() {
    let world = &*WORLD;
    let yesterday = Timestamp::from_unix_seconds(AT - 86_400).unwrap();
    let seen = statuses_at(core::slice::from_ref(&world.leaf), &world.roots(), &world.log.list(""), None, yesterday);
    assert_eq!(seen, [(SctSource::Embedded, SctStatus::FromTheFuture)]);
    let absurd = World::stamped(TestLog::new(), u64::MAX);
    let seen = statuses(core::slice::from_ref(&absurd.leaf), &absurd.roots(), &absurd.log.list(""), None);
    assert_eq!(seen, [(SctSource::Embedded, SctStatus::Malformed)]);
}

/// RFC 6962 section 2.1.4: SHA-256, with NIST P-256 or RSA. A signature with another hash than it says does not fit.
#[test]
fn a_signature_with_another_hash_does_not_fit() {
    let world = World::new(TestLog::with_p384());
    let seen = statuses(core::slice::from_ref(&world.leaf), &world.roots(), &world.log.list(""), None);
    assert_eq!(seen, [(SctSource::Embedded, SctStatus::BadSignature)]);
}

#[test]
fn a_list_keeps_the_good_beside_the_bad() {
    let world = &*WORLD;
    let embedded =
        super::super::precertificate::reconstruct(&Outline::read(&world.leaf).unwrap().tbs).unwrap().unwrap();
    let good = &embedded.list[4..];
    let mixed = list(&[&[1, 2, 3], good]);
    let read = read_sct_list(&mixed).unwrap();
    assert!(read[0].is_err());
    assert_eq!(read[1].unwrap().log_id, world.log.id());
    let many = list(&vec![good; 100]);
    assert_eq!(read_sct_list(&many).unwrap().len(), 32);
    assert!(read_sct_list(&[0, 0]).is_err());
    for end in 0..embedded.list.len() {
        assert!(read_sct_list(&embedded.list[..end]).is_err());
    }
}

#[test]
fn two_sct_extensions_are_malformed() {
    let world = &*WORLD;
    let twice = world.root.leaf_with(&[HOST], (2026, 2027), &world.key, vec![extension(b""), extension(b"")]);
    let seen = statuses(&[twice], &world.roots(), &world.log.list(""), None);
    assert_eq!(seen, [(SctSource::Embedded, SctStatus::Malformed)]);
}

proptest! {
    /// Whatever bit of the certificate's signed part flips, the SCT is not valid any more.
    #[test]
    fn a_flipped_bit_breaks_the_sct(position in 0_usize..10_000, bit in 0_u8..8) {
        let world = &*WORLD;
        let tbs = Outline::read(&world.leaf).unwrap().tbs.whole.len();
        let mut leaf = world.leaf.clone();
        leaf[4 + position % tbs] ^= 1 << bit;
        let chain = [leaf, world.root.der.clone()];
        let seen = statuses(&chain, &world.roots(), &world.log.list(""), None);
        prop_assert!(seen.iter().all(|(_, status)| *status != SctStatus::Valid), "{seen:?}");
    }

    #[test]
    fn any_bytes_are_a_list_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_sct_list(&bytes);
        let _ = super::super::ocsp::sct_lists(&bytes);
    }
}
