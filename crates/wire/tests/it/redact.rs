//! Hellos of real clients as people give them away: nothing of one connection is left, and the fingerprints are the same.

use std::fs;
use std::path::Path;

use model::{HelloFacts, Transport};
use wire::fingerprint::{Ja3, Ja4};
use wire::tls::{ClientHello, REDACTED_NAME, read_hello, redact_hello};

#[test]
fn fingerprints_survive_and_secrets_do_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/client-hello");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "bin") {
            continue;
        }
        let shown = path.display();
        let message = fs::read(&path).unwrap();
        let redacted = redact_hello(&message).unwrap();
        assert_eq!(redact_hello(&redacted).unwrap(), redacted, "{shown}");

        let (mut before, mut after) = (HelloFacts::default(), HelloFacts::default());
        read_hello(&message, &mut before).unwrap();
        read_hello(&redacted, &mut after).unwrap();
        assert_eq!(Ja3::text(&before), Ja3::text(&after), "{shown}");
        for transport in [Transport::Tcp, Transport::Quic] {
            assert_eq!(Ja4::of(&before, transport), Ja4::of(&after, transport), "{shown}");
            assert_eq!(Ja4::raw(&before, transport), Ja4::raw(&after, transport), "{shown}");
        }
        assert_eq!(before.key_shares, after.key_shares, "{shown}");
        assert_eq!(before.alpn_octets, after.alpn_octets, "{shown}");

        let (before, after) = (ClientHello::parse(&message).unwrap(), ClientHello::parse(&redacted).unwrap());
        assert_eq!(
            after.server_name().map(|name| name.to_string()),
            before.server_name().map(|_| REDACTED_NAME.to_owned())
        );
        // Four octets in a row of a random, an id or a key do not come again by chance.
        let keys = before.key_shares().into_iter().flatten().map(|(_, key)| key.to_vec());
        for secret in keys.chain([before.random.to_vec(), before.session_id.clone()]).filter(|secret| secret.len() >= 4)
        {
            let is_zero = secret.iter().all(|octet| *octet == 0);
            assert!(is_zero || !redacted.windows(4).any(|window| window == &secret[..4]), "{shown}");
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}
