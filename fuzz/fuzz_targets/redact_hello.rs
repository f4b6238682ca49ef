//! Any bytes are a hello that is redacted once and for all, or refused; what is given away reads as a hello still.
#![no_main]

use model::{HelloFacts, Transport};
use wire::fingerprint::{Ja3, Ja4};
use wire::tls::{read_hello, redact_hello};

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    let Ok(redacted) = redact_hello(message) else { return };
    assert_eq!(redact_hello(&redacted).as_ref(), Ok(&redacted));
    let (mut before, mut after) = (HelloFacts::default(), HelloFacts::default());
    if read_hello(message, &mut before).is_ok() {
        read_hello(&redacted, &mut after).unwrap();
        assert_eq!(Ja3::text(&before), Ja3::text(&after));
        let _ = Ja4::of(&after, Transport::Tcp);
    }
});
