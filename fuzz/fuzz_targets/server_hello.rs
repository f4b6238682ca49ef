//! Any bytes are a ServerHello that encodes to the same bytes, or refused.
#![no_main]

use wire::tls::ServerHello;

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    let Ok(hello) = ServerHello::parse(message) else { return };
    assert_eq!(hello.encode(), message);
    let _ = (hello.version(), hello.group(), hello.key_share(), hello.alpn(), hello.is_hello_retry_request());
});
