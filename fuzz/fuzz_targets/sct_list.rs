//! Any bytes are a SignedCertificateTimestampList, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = wire::x509::read_sct_list(data);
});
