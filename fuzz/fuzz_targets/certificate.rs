//! Any bytes are a certificate with facts, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = wire::x509::certificate_facts(data);
    let _ = wire::x509::Roots::from_der([data]);
    let _ = wire::x509::Roots::from_pem(data);
});
