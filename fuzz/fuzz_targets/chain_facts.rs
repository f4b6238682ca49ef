//! Any bytes, cut into certificates that each have a length of two octets in front, are a chain with facts. The last one
//! is a root too, so that paths are searched; the first one also stands for the SCTs and the OCSP response.
#![no_main]

use std::sync::LazyLock;

use model::{HostName, Timestamp};
use wire::x509::{ChainInput, CtLogs, Roots, chain_facts};

static HOST: LazyLock<HostName> = LazyLock::new(|| HostName::parse("aws.amazon.com").unwrap());
static LOGS: LazyLock<CtLogs> = LazyLock::new(CtLogs::builtin);

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut chain = Vec::new();
    let mut rest = data;
    while let Some((length, after)) = rest.split_first_chunk() {
        let (der, after) = after.split_at(after.len().min(u16::from_be_bytes(*length).into()));
        chain.push(der);
        rest = after;
    }
    chain_facts(ChainInput {
        chain: &chain,
        host: &HOST,
        at: Timestamp::from_unix_seconds(1_780_272_000).unwrap(),
        roots: &Roots::from_der(chain.last()),
        logs: &LOGS,
        public_issuers: &[],
        tls_scts: chain.first().copied(),
        ocsp: chain.first().copied(),
    });
});
