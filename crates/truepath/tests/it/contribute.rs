//! `inspect --contribute`: what may be given away of a capture, and nothing else.

use model::{Contribution, Transport};

use crate::program::{Scratch, truepath};

/// A capture (link type raw IP) of a flow in `corpus/quic-initial`: one octet for the sender, two for the length, the
/// datagram; again and again.
fn pcap(flow: &[u8]) -> Vec<u8> {
    let mut pcap = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 101] {
        pcap.extend(field.to_le_bytes());
    }
    let (client, server) = ([192, 0, 2, 77], [198, 51, 100, 88]);
    let mut rest = flow;
    while let [sender, high, low, after @ ..] = rest {
        let (datagram, after) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        rest = after;
        let ends = if *sender == 0 { (client, 50123_u16, server, 443) } else { (server, 443, client, 50123) };
        let udp = u16::try_from(8 + datagram.len()).unwrap();
        let mut packet = vec![0x45, 0];
        packet.extend((20 + udp).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
        packet.extend(ends.0);
        packet.extend(ends.2);
        for field in [ends.1, ends.3, udp, 0] {
            packet.extend(field.to_be_bytes());
        }
        packet.extend(datagram);
        // 2026-11-24 10:11:12 UTC.
        let length = u32::try_from(packet.len()).unwrap();
        for field in [1_795_515_072, 345_678, length, length] {
            pcap.extend(u32::to_le_bytes(field));
        }
        pcap.extend(packet);
    }
    pcap
}

fn corpus(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../corpus/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn nothing_that_identifies_is_written() {
    let scratch = Scratch::new("contribute");
    let flow = corpus("quic-initial/chromium-156-quic.bin");
    let file = scratch.file("flow.pcap", pcap(&flow));
    let seen = truepath(&["inspect", &file]);
    for identifying in ["teams.cloud.microsoft", "192.0.2.77", "50123", "10:11:12"] {
        assert!(seen.out.contains(identifying), "the capture has it: {identifying}");
    }
    let ja4 = "q13d0312h3_55b375c5d22e_178839b6cec1";
    assert!(seen.out.contains(ja4), "{}", seen.out);

    let arguments = [
        "--client",
        "Chromium",
        "--client-version",
        "156.0.8078.79",
        "--issuer",
        "CN=lab",
        "--header-names",
        ":method,accept",
    ];
    let given = truepath(&[&["inspect", "--contribute", &file][..], &arguments].concat());
    assert_eq!(given.code, 0, "{}", given.err);
    assert!(
        given.err.contains("kinds of handshakes written, without names, addresses, keys and times: 1;"),
        "{}",
        given.err
    );
    assert!(given.err.contains("--no-issuers leaves them out"), "{}", given.err);
    for identifying in ["teams", "192.0.2", "198.51.100", "50123", "443,", "10:11:12"] {
        assert!(!given.out.contains(identifying), "{identifying}");
    }
    let line: Contribution = serde_json::from_str(&given.out).unwrap();
    assert_eq!(line.check(), Ok(()));
    assert_eq!((line.day.as_str(), line.transport, line.quic_version), ("2026-11-24", Transport::Quic, Some(1)));
    assert_eq!(line.header_names.as_deref(), Some(&[":method".to_owned(), "accept".to_owned()][..]));
    let server = line.server.unwrap();
    assert_eq!((server.version, server.cipher, server.group), (Some(0x0304), Some(0x1301), Some(0x11ec)));
    assert_eq!(server.issuers, ["CN=lab"]);
    let original = corpus("client-hello/chromium-156-quic.bin");
    assert_eq!(line.client_hello.0, wire::tls::redact_hello(&original).unwrap());
    // Neither the random nor the host name is anywhere in it.
    assert!(!line.client_hello.0.windows(8).any(|window| window == &original[6..14]));
    assert!(!line.client_hello.0.windows(5).any(|window| window == b"teams"));
}

#[test]
fn only_one_name_and_only_what_keeps_the_rules() {
    let scratch = Scratch::new("contribute-only");
    let flow = corpus("quic-initial/aioquic-h3.bin");
    let file = scratch.file("flow.pcap", pcap(&flow));
    let other = truepath(&["inspect", "--contribute", &file, "--client", "aioquic", "--only", "mail.example"]);
    assert_eq!((other.code, other.out.as_str()), (0, ""));
    assert!(other.err.contains("handshakes left out, to other names: 1"), "{}", other.err);
    let refused =
        truepath(&["inspect", "--contribute", &file, "--client", "aioquic", "--user-agent", "me@example.com"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert_eq!(refused.err, "error: this may not be given away: `user_agent` holds an address\n");
    let nameless = truepath(&["inspect", "--contribute", &file]);
    assert_eq!(nameless.err, "error: this may not be given away: neither `product` nor `client` says what this is\n");
    let usage = truepath(&["inspect", &file, "--product", "x"]);
    assert_eq!(usage.code, 2);
    assert!(usage.err.contains("--contribute"), "{}", usage.err);
}
