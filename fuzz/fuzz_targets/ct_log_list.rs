//! Any bytes are a list of CT logs, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = wire::x509::CtLogs::from_json(data);
});
