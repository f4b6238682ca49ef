//! `truepath judge`: a stored record, judged with what is known today.

use std::process::ExitCode;

use anyhow::Result;
use model::{Attempt, Comparison, HexBytes, Record};
use wire::x509::{ChainInput, CtLogs, Roots, chain_facts, validate};

use crate::cli;
use crate::exit::misuse;
use crate::{inputs, report};

pub(crate) fn run(arguments: &cli::Judge) -> Result<ExitCode> {
    let octets = inputs::read(&arguments.record)?;
    let unreadable = |error: String| misuse(format!("{}: not a record: {error}", arguments.record.display()));
    let knowledge = inputs::knowledge(&arguments.knowledge)?;
    let (public, _) = inputs::public_roots(&arguments.knowledge)?;
    let (logs, _) = inputs::ct_logs(&arguments.knowledge)?;
    let given = inputs::given_roots(&arguments.knowledge)?;
    let given = given.as_ref().map(|(roots, _)| roots);
    if let Some(comparison) = Comparison::from_json(&octets).map_err(|error| unreadable(error.to_string()))? {
        let mut comparison = comparison;
        for way in [&mut comparison.detour, &mut comparison.bypass] {
            derive_again(&mut way.record, &public, given, &logs);
        }
        let judgement = detect::compare(&comparison, &knowledge);
        report::print_comparison(&comparison, &judgement, &knowledge, &arguments.output)?;
        return Ok(ExitCode::from(judgement.detour.exit.code()));
    }
    let mut record = Record::from_json(&octets).map_err(|error| unreadable(error.to_string()))?;
    derive_again(&mut record, &public, given, &logs);
    let judgement = detect::judge(&record, &knowledge);
    report::print(&record, &judgement, &knowledge, &arguments.output)?;
    Ok(ExitCode::from(judgement.exit.code()))
}

/// Computes anew what the bytes of each chain say, with today's public roots and CT logs and the roots given now, at the time
/// of each chain.
/// What only that machine could know, its own trust store, stays as it was stored.
fn derive_again(record: &mut Record, roots: &Roots, given: Option<&Roots>, logs: &CtLogs) {
    let public_issuers = inputs::public_issuers(record.hosts.iter().map(|host| &host.target));
    let certificates = std::mem::take(&mut record.certificates);
    let reflector = match &mut record.reflector {
        Attempt::Seen(reflector) => Some(&mut reflector.host),
        _ => None,
    };
    for host in record.hosts.iter_mut().chain(reflector) {
        let stapled = host.tls.seen().and_then(|tls| tls.timestamps.seen()).cloned();
        for (place, chain) in host.chains.iter_mut().enumerate() {
            let der: Option<Vec<&[u8]>> = chain
                .certificates
                .iter()
                .map(|hash: &HexBytes| certificates.get(&hash.to_string()).map(|der| der.0.as_slice()))
                .collect();
            // A chain whose bytes are not in the record keeps the facts that were stored with it.
            let Some(der) = der else { continue };
            let stapled = stapled.as_ref().filter(|stapled| stapled.chain == place);
            let (scts, ocsp) = (stapled.and_then(|s| s.list.as_ref()), stapled.and_then(|s| s.ocsp.as_ref()));
            if let Some(given) = given {
                chain.given = Attempt::Seen(validate(&der, given, &host.target.host, chain.at));
            }
            chain.facts = chain_facts(ChainInput {
                chain: &der,
                host: &host.target.host,
                at: chain.at,
                roots,
                logs,
                public_issuers: &public_issuers,
                tls_scts: scts.map(|list| list.0.as_slice()),
                ocsp: ocsp.map(|response| response.0.as_slice()),
            });
        }
    }
    record.certificates = certificates;
}
