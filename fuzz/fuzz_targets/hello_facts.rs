//! Any octets give the facts that `ClientHello` gives, or the same refusal; as records they do no harm; and what was read
//! has its fingerprints. The first octet chooses: 0 for the octets themselves, 1 for text that JA3 hashes, else records or a
//! message.
#![no_main]

use std::cell::RefCell;

use model::{HelloFacts, Transport};
use wire::fingerprint::{Fingerprints, Ja3, Ja4};
use wire::tls::{ClientHello, read_hello, read_hello_or_records, read_ja3_text};

thread_local! {
    /// It remembers the inputs before, as it does elsewhere.
    static FINGERPRINTS: RefCell<Fingerprints> = RefCell::new(Fingerprints::new());
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((choice, octets)) = input.split_first() else { return };
    let mut facts = HelloFacts { length: 1, ..HelloFacts::default() };
    match choice {
        0 => {
            let parsed = ClientHello::parse(octets);
            let read = read_hello(octets, &mut facts);
            let Ok(hello) = parsed else {
                assert_eq!(read, parsed.map(|_| ()));
                assert_eq!(facts, HelloFacts::default());
                return;
            };
            assert_eq!(read, Ok(()));
            assert_eq!(facts.cipher_suites, hello.cipher_suites);
            assert_eq!(facts.supported_groups, hello.supported_groups().unwrap_or_default());
            assert_eq!(facts.supported_versions, hello.supported_versions().unwrap_or_default());
            assert_eq!(facts.key_shares, hello.key_share_groups().unwrap_or_default());
            assert!(facts.alpn().map(<[u8]>::to_vec).eq(hello.alpn().unwrap_or_default()));
            let raw = Ja4::raw(&facts, Transport::Tcp);
            assert!(raw.is_some_and(|raw| raw.is_ascii()));
        }
        1 => {
            let Ok(text) = core::str::from_utf8(octets) else { return };
            if read_ja3_text(text, &mut facts).is_err() {
                return;
            }
            assert_eq!(Ja4::of(&facts, Transport::Tcp), None);
        }
        _ => {
            if read_hello_or_records(octets, &mut facts).is_err() {
                assert_eq!(facts, HelloFacts::default());
                return;
            }
        }
    }
    let each = (Ja3::of(&facts), Ja4::of(&facts, Transport::Quic));
    FINGERPRINTS.with_borrow_mut(|remembered| assert_eq!(remembered.of(&facts, Transport::Quic), each));
    let text = Ja3::text(&facts).unwrap_or_default();
    let mut again = HelloFacts::default();
    assert_eq!(read_ja3_text(&text, &mut again).is_ok(), again.cipher_suites.first().is_some());
});
