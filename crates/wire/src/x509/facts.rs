//! Everything that the bytes of a chain say by themselves.

use model::{
    Attempt, CertificateFacts, ChainFacts, Failure, FailureKind, HostName, Milliseconds, Operation, SctFact, Timestamp,
};

use super::MAX_CERTIFICATES;
use super::certificate::{CertificateError, certificate_facts};
use super::claim::claimed_public_issuer;
use super::ct_logs::CtLogs;
use super::outline::Outline;
use super::path;
use super::roots::Roots;
use super::sct::Verifier;
use super::signature::{Signature, is_signed_by};
use super::validate::{validate, validate_ignoring_time};

/// One chain, and the knowledge to read it with.
#[derive(Clone, Copy, Debug)]
pub struct ChainInput<'a> {
    /// DER, leaf first, as presented.
    pub chain: &'a [&'a [u8]],
    pub host: &'a HostName,
    /// The time of the record, not of the reading.
    pub at: Timestamp,
    /// The public roots.
    pub roots: &'a Roots,
    pub logs: &'a CtLogs,
    /// Common names of public intermediates, for the claim of a chain that does not present them.
    pub public_issuers: &'a [String],
    /// The SignedCertificateTimestampList of the TLS extension, where the server sent one.
    pub tls_scts: Option<&'a [u8]>,
    /// The stapled OCSP response, where the server sent one.
    pub ocsp: Option<&'a [u8]>,
}

/// Reads a chain. It never fails: what could not be read is a fact in its place.
pub fn chain_facts(input: ChainInput<'_>) -> ChainFacts {
    let leaf = input.chain.first().and_then(|der| Outline::read(der).ok());
    let presented: Vec<Outline<'_>> =
        input.chain.iter().skip(1).take(MAX_CERTIFICATES).filter_map(|der| Outline::read(der).ok()).collect();
    let linked = leaf.as_ref().map(|leaf| path::linked(leaf, &presented)).unwrap_or_default();
    ChainFacts {
        certificates: certificates(input.chain),
        public: validate(input.chain, input.roots, input.host, input.at),
        public_ignoring_time: validate_ignoring_time(input.chain, input.roots, input.host),
        claims_public_issuer: leaf
            .as_ref()
            .and_then(|leaf| claimed_public_issuer(leaf, &linked, input.roots, input.public_issuers)),
        scts: leaf.as_ref().map(|leaf| scts(leaf, &linked, &input)).unwrap_or_default(),
    }
}

fn certificates(chain: &[&[u8]]) -> Vec<Attempt<CertificateFacts>> {
    let failed = |kind, detail| {
        let after_ms = Milliseconds(0.0);
        Attempt::Failed(Failure { operation: Operation::Handshake, kind, detail, after_ms })
    };
    let read = |der: &&[u8]| match certificate_facts(der) {
        Ok(facts) => Attempt::Seen(facts),
        Err(error @ CertificateError::TooLarge(_)) => failed(FailureKind::TooLarge, error.to_string()),
        Err(error) => failed(FailureKind::Protocol, error.to_string()),
    };
    let mut certificates: Vec<_> = chain.iter().take(MAX_CERTIFICATES).map(read).collect();
    if let Some(more @ 1..) = chain.len().checked_sub(MAX_CERTIFICATES) {
        certificates.push(failed(FailureKind::TooLarge, format!("{more} more certificates were not read")));
    }
    certificates
}

fn scts(leaf: &Outline<'_>, linked: &[&Outline<'_>], input: &ChainInput<'_>) -> Vec<SctFact> {
    let issuer_key = issuer_key(leaf, linked, input.roots);
    let verifier = Verifier { leaf, issuer_key: issuer_key.as_deref(), logs: input.logs, at: input.at };
    let mut facts = verifier.embedded();
    facts.extend(input.tls_scts.into_iter().flat_map(|list| verifier.tls_extension(list)));
    facts.extend(input.ocsp.into_iter().flat_map(|response| verifier.ocsp_response(response)));
    facts
}

/// The key of the leaf's issuer: of those who bear its name the one who signed the leaf, else the first presented, else
/// the root. A forger's key is as good here: the log's signature covers the hash of the true one.
fn issuer_key(leaf: &Outline<'_>, linked: &[&Outline<'_>], roots: &Roots) -> Option<Vec<u8>> {
    let presented = linked.iter().filter(|candidate| candidate.subject == leaf.issuer);
    let own = leaf.is_self_issued().then_some(leaf.subject_public_key_info);
    let candidates: Vec<Vec<u8>> = presented
        .map(|candidate| candidate.subject_public_key_info)
        .chain(own)
        .map(<[u8]>::to_vec)
        .chain(roots.named(leaf.issuer).map(|anchor| webpki::spki_for_anchor(anchor).to_vec()))
        .collect();
    let signer = candidates.iter().position(|key| is_signed_by(leaf, key) == Signature::Good);
    candidates.into_iter().nth(signer.unwrap_or(0))
}
