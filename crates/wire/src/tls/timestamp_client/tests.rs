//! Against a real TLS server in memory. `tests/it` has another one, over sockets.

use std::sync::Arc;

use proptest::prelude::*;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConnection, SupportedProtocolVersion};

use super::*;

struct Server {
    config: Arc<rustls::ServerConfig>,
    chain: Vec<Vec<u8>>,
}

const OCSP: &[u8] = b"an OCSP response, which nobody parses here";

/// A server with `length` certificates, of which the first is its own; `fragment` splits its messages into small records.
fn server(version: &'static SupportedProtocolVersion, length: usize, fragment: Option<usize>) -> Server {
    // Names enough to make the certificate as long as real ones are.
    let names: Vec<String> = (0..25).map(|number| format!("mail-{number}.service.example")).collect();
    let key = rcgen::generate_simple_self_signed(names).unwrap();
    let chain = vec![key.cert.der().clone(); length];
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert_with_ocsp(
                chain.clone(),
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der())),
                OCSP.to_vec(),
            )
            .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.max_fragment_size = fragment;
    Server { config: Arc::new(config), chain: chain.iter().map(|der| der.to_vec()).collect() }
}

impl Server {
    /// What it sends in answer to a hello.
    fn answer(&self, mut hello: &[u8]) -> Vec<u8> {
        let mut connection = ServerConnection::new(Arc::clone(&self.config)).unwrap();
        // A chain of two hundred is more than rustls buffers by default.
        connection.set_buffer_limit(None);
        connection.read_tls(&mut hello).unwrap();
        let _ = connection.process_new_packets();
        let mut flight = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut flight).unwrap();
        }
        flight
    }

    fn flight(&self, version: u16) -> ServerFlight {
        ServerFlight { version, certificates: self.chain.clone(), sct_list: None, ocsp: Some(OCSP.to_vec()) }
    }
}

fn client() -> TimestampClient {
    TimestampClient::new(&HostName::parse("mail.example").unwrap()).unwrap()
}

#[test]
fn certificates_and_ocsp_of_both_versions() {
    for (version, code) in [(&TLS12, 0x0303), (&TLS13, 0x0304)] {
        let server = server(version, 2, None);
        let mut client = client();
        let answer = server.answer(&client.hello());
        assert_eq!(client.receive(&answer), Ok(Some(server.flight(code))));
        assert_eq!(client.receive(b"what follows does not matter"), Ok(None));
    }
}

#[test]
fn a_chain_of_two_hundred_in_small_records() {
    for (version, code) in [(&TLS12, 0x0303), (&TLS13, 0x0304)] {
        let server = server(version, 200, Some(512));
        let mut client = client();
        let answer = server.answer(&client.hello());
        assert_eq!(client.receive(&answer), Ok(Some(server.flight(code))));
    }
}

#[test]
fn a_chain_without_end_is_refused() {
    // More than one message may hold.
    let server = server(&TLS13, 700, None);
    let mut client = client();
    let answer = server.answer(&client.hello());
    assert!(answer.len() > MAX_MESSAGE, "{}", answer.len());
    let error = Error::TooLarge { what: "a handshake message", limit: MAX_MESSAGE };
    assert_eq!(client.receive(&answer), Err(error.clone()));
    assert_eq!(client.receive(&[]), Err(error));

    let mut endless = self::client();
    let hello = &server.answer(&endless.hello());
    let hello_ends = RECORD_HEADER + usize::from(u16::from_be_bytes([hello[3], hello[4]]));
    assert_eq!(endless.receive(&hello[..hello_ends]), Ok(None));
    let nothing: Vec<u8> = [20, 3, 3, 0, 1, 1].repeat(MAX_FLIGHT / 6);
    assert_eq!(endless.receive(&nothing), Err(Error::TooLarge { what: "the server's flight", limit: MAX_FLIGHT }));
}

#[test]
fn what_answers_otherwise_is_named() {
    let check = |octets: &[u8], error: Error| assert_eq!(client().receive(octets), Err(error));
    check(b"HTTP/1.0 400 Bad Request\r\n", Error::NotTls { first: b"HTTP/1.0 400 Bad Request\r\n".to_vec() });
    check(&[21, 3, 3, 0, 2, 2, 40], Error::Alert { level: 2, description: 40 });
    check(&[23, 3, 3, 0, 1, 0], Error::UnexpectedRecord(23));
    check(&[22, 3, 3, 0, 4, 11, 0, 0, 0], Error::UnexpectedMessage { due: 2, found: 11 });

    let hello = |version: &[u8], suite: u16, share: &[u8]| {
        let hello = ServerHello {
            legacy_version: 0x0303,
            random: [1; 32],
            session_id: vec![],
            cipher_suite: suite,
            compression_method: 0,
            extension_block: Some(vec![
                super::super::Extension::new(43, version.to_vec()),
                super::super::Extension::new(51, share.to_vec()),
            ]),
        };
        record::handshake_records(&hello.encode())
    };
    let x25519 = [&[0, 0x1d, 0, 32][..], &[9; 32]].concat();
    check(&hello(&[3, 5], 0x1301, &x25519), Error::NotOffered("0x0305".to_owned()));
    check(&hello(&[3, 4], 0xc02f, &x25519), Error::NotOffered("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()));
    check(&hello(&[3, 4], 0x1301, &[0x11, 0xec, 0, 1, 0]), Error::NotOffered("X25519MLKEM768".to_owned()));
    check(&hello(&[3, 4], 0x1301, &[0, 0x1d, 0, 1, 0]), Error::KeyShare);
    check(&hello(&[3, 4], 0x1301, &[]), Error::Malformed("the key share"));

    // Whoever does not know the shared secret cannot go on from here.
    let forged = [hello(&[3, 4], 0x1301, &x25519), [&[23, 3, 3, 0, 30][..], &[0; 30]].concat()].concat();
    check(&forged, Error::Decrypt);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_flight_is_read_alike_however_it_is_cut(
        pieces in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        fragment in prop::option::of(64..2000usize),
        tls13 in any::<bool>(),
        damage in prop::option::of((any::<prop::sample::Index>(), 1..=255u8)),
    ) {
        let (version, code) = if tls13 { (&TLS13, 0x0304) } else { (&TLS12, 0x0303) };
        let server = server(version, 2, fragment);
        let mut client = client();
        let mut answer = server.answer(&client.hello());
        if let Some((index, bits)) = damage {
            let index = index.index(answer.len());
            answer[index] ^= bits;
        }
        let mut cuts: Vec<usize> = pieces.iter().map(|piece| piece.index(answer.len() + 1)).collect();
        cuts.extend([0, answer.len()]);
        cuts.sort_unstable();
        let mut end = Ok(None);
        for piece in cuts.windows(2) {
            end = client.receive(&answer[piece[0]..piece[1]]);
            if end != Ok(None) {
                break;
            }
        }
        if damage.is_none() {
            prop_assert_eq!(end, Ok(Some(server.flight(code))));
        } else if tls13 {
            // The keys cover both hellos and each record is authenticated: nothing else than the truth can come out.
            prop_assert!(end.as_ref().is_ok_and(|flight| flight.as_ref().is_none_or(|f| *f == server.flight(code))) || end.is_err());
        }
    }

    #[test]
    fn any_octets_are_read_alike_however_they_are_cut(
        octets in prop::collection::vec(any::<u8>(), 0..200),
        body in prop::collection::vec(any::<u8>(), 0..60),
        cut in any::<prop::sample::Index>(),
    ) {
        // A ServerHello of TLS 1.2, then a message of any content, then anything.
        let hello = ServerHello {
            legacy_version: 0x0303, random: [1; 32], session_id: vec![], cipher_suite: 0xc02f,
            compression_method: 0, extension_block: None,
        };
        let certificate = handshake::message(handshake::CERTIFICATE, &body);
        let octets = [record::handshake_records(&hello.encode()), record::handshake_records(&certificate), octets].concat();
        let cut = cut.index(octets.len() + 1);
        let whole = client().receive(&octets);
        let mut pieces = client();
        let first = pieces.receive(&octets[..cut]);
        let end = if first == Ok(None) { pieces.receive(&octets[cut..]) } else { first };
        let ends = [whole, end].map(|end| match end {
            Err(Error::NotTls { .. }) => Err(Error::NotTls { first: vec![] }),
            other => other,
        });
        prop_assert_eq!(&ends[0], &ends[1]);
    }
}
