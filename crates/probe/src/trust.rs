//! What chains are held against, and how one presented chain becomes a stored one.

use model::{Attempt, Chain, Failure, HexBytes, HostName, Timestamp, TrustFacts, Validation};
use wire::x509::{ChainInput, CtLogs, Roots, chain_facts, validate};

/// Roots and CT logs, read by the shell.
#[derive(Debug)]
pub struct Trust {
    pub public: Roots,
    /// Where the public roots come from, for the record.
    pub public_source: String,
    /// The system's own store, or why it could not be read.
    pub system: Result<Roots, Failure>,
    /// The roots of a private service of the user's own, and the file that they come from.
    pub given: Option<(Roots, String)>,
    pub logs: CtLogs,
    pub logs_source: String,
    /// Common names of public intermediates, which a forged chain may claim without presenting them.
    pub public_issuers: Vec<String>,
}

impl Trust {
    /// How many roots each set holds, for the record.
    pub(crate) fn facts(&self) -> TrustFacts {
        TrustFacts {
            public_roots: format!("{} ({} roots)", self.public_source, self.public.len()),
            system_roots: match &self.system {
                Ok(roots) => Attempt::Seen(roots.len()),
                Err(failure) => Attempt::Failed(failure.clone()),
            },
            given_roots: self.given.as_ref().map(|(roots, file)| format!("{file} ({} roots)", roots.len())),
            ct_logs: format!("{} ({})", self.logs.version, self.logs_source),
            ct_logs_made: self.logs.made,
        }
    }

    /// Holds a presented chain against every set of roots.
    pub(crate) fn chain(
        &self,
        certificates: &[Vec<u8>],
        hashes: Vec<HexBytes>,
        host: &HostName,
        at: Timestamp,
        handshake_scts: Option<&[u8]>,
        ocsp: Option<&[u8]>,
    ) -> Chain {
        let chain: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
        let against = |roots: &Roots| {
            Attempt::Seen(if roots.is_empty() { Validation::NoRoots } else { validate(&chain, roots, host, at) })
        };
        Chain {
            certificates: hashes,
            at,
            system: match &self.system {
                Ok(roots) => against(roots),
                Err(failure) => Attempt::Failed(failure.clone()),
            },
            given: match &self.given {
                Some((roots, _)) => against(roots),
                None => Attempt::not_tried("no --trust-roots"),
            },
            facts: chain_facts(ChainInput {
                chain: &chain,
                host,
                at,
                roots: &self.public,
                logs: &self.logs,
                public_issuers: &self.public_issuers,
                tls_scts: handshake_scts,
                ocsp,
            }),
        }
    }
}
