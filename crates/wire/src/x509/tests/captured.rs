//! The chains that real products showed to real clients (`corpus/chains/README.md`): bytes in, facts out.

use std::sync::LazyLock;

use model::{HostName, Timestamp, Validation};
use proptest::prelude::*;

use super::super::{ChainInput, CtLogs, Roots, chain_facts, validate};
use super::{corpus, pem, public_roots, slices};

const HOST: &str = "outlook.office365.com";
const INTERCEPTORS: &[&str] = &[
    "anyproxy-4.1.3",
    "caddy-2.11.7",
    "e2guardian-5.3.5",
    "goproxy-1.1",
    "http-mitm-proxy-1.1.0",
    "mitmproxy-8.1.1",
    "mitmproxy-11.0.2",
    "mitmproxy-12.2.3",
    "mockttp-4.6.5",
    "nginx-1.22.1",
    "privoxy-3.0.34",
    "proxy.py-2.4.10",
    "squid-5.7",
    "sslsplit-0.5.5",
    "stunnel-5.68",
];

fn at() -> Timestamp {
    Timestamp("2026-11-23T18:00:00Z".parse().unwrap())
}

fn facts(name: &str) -> model::ChainFacts {
    let chain = pem(name);
    let input = ChainInput {
        chain: &slices(&chain),
        host: &HostName::parse(HOST).unwrap(),
        at: at(),
        roots: &public_roots(),
        logs: &CtLogs::builtin(),
        public_issuers: &[],
        tls_scts: None,
        ocsp: None,
    };
    chain_facts(input)
}

/// The whole facts of each chain stand beside it in the corpus.
#[test]
fn facts_of_every_chain() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../../../corpus/chains");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in INTERCEPTORS.iter().chain(&["origin"]) {
            insta::assert_json_snapshot!(*name, facts(name));
        }
    });
}

/// No product of the lab poses as a public authority: all are strangers to the public roots, whatever else is wrong.
#[test]
fn interceptors_are_unknown_issuers() {
    for name in INTERCEPTORS {
        let facts = facts(name);
        assert_eq!(facts.public, Validation::UnknownIssuer, "{name}");
        assert_eq!(facts.public_ignoring_time, Validation::UnknownIssuer, "{name}");
        assert_eq!(facts.claims_public_issuer, None, "{name}");
        assert!(facts.scts.is_empty(), "{name}");
        assert!(facts.certificates.iter().all(|certificate| certificate.seen().is_some()), "{name}");
    }
}

/// With its authority installed, as at a company that inspects: what a client that trusts it sees.
#[test]
fn an_installed_authority_makes_the_chain_valid() {
    let check = |name: &str, expected: Validation| {
        let chain = pem(name);
        let chain = slices(&chain);
        let roots = Roots::from_der([chain.last().unwrap()]);
        assert_eq!(validate(&chain, &roots, &HostName::parse(HOST).unwrap(), at()), expected, "{name}");
    };
    check("squid-5.7", Validation::Valid);
    check("sslsplit-0.5.5", Validation::Valid);
    check("privoxy-3.0.34", Validation::Valid);
    check("mockttp-4.6.5", Validation::Valid);
    check("stunnel-5.68", Validation::Valid);
    check("caddy-2.11.7", Validation::Valid);
    assert_eq!(Roots::from_pem(&corpus("caddy-2.11.7.pem")).unwrap().len(), 2);
}

/// The facts of a public chain, at a time at which it was valid, with some octets damaged and the last one cut.
fn damaged_facts(name: &str, damage: &[(usize, u8)], length: usize) -> model::ChainFacts {
    let mut chain = pem(name);
    let octets: usize = chain.iter().map(Vec::len).sum();
    for (position, octet) in damage {
        let position = position % octets;
        let at = chain.iter().scan(0, |sum, der| {
            let start = *sum;
            *sum += der.len();
            Some(start)
        });
        let (index, start) = at.enumerate().filter(|(_, start)| *start <= position).last().unwrap();
        chain[index][position - start] = *octet;
    }
    let last = chain.last_mut().unwrap();
    last.truncate(length % last.len());
    let input = ChainInput {
        chain: &slices(&chain),
        host: &HostName::parse("aws.amazon.com").unwrap(),
        at: Timestamp("2026-08-01T00:00:00Z".parse().unwrap()),
        roots: &PUBLIC_ROOTS,
        logs: &LOGS,
        public_issuers: &[],
        tls_scts: Some(&chain[0]),
        ocsp: Some(&chain[0]),
    };
    chain_facts(input)
}

static PUBLIC_ROOTS: LazyLock<Roots> = LazyLock::new(public_roots);
static LOGS: LazyLock<CtLogs> = LazyLock::new(CtLogs::builtin);

proptest! {
    #[test]
    fn a_damaged_chain_is_read_as_far_as_it_goes(
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        length in any::<usize>(),
    ) {
        let facts = damaged_facts("public-letsencrypt.org", &damage, length);
        prop_assert_eq!(facts.certificates.len(), 3);
    }
}
