//! Any bytes are a ClientHello that encodes to the same bytes, or refused.
#![no_main]

use wire::tls::ClientHello;

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    let Ok(hello) = ClientHello::parse(message) else { return };
    assert_eq!(hello.encode(), message);
    let _ = (hello.server_name(), hello.alpn(), hello.supported_groups(), hello.signature_algorithms());
    let _ = (hello.supported_versions(), hello.key_shares(), hello.key_share_groups());
});
