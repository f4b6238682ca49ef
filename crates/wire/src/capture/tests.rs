//! The whole way: packets in, handshakes out.

use proptest::prelude::*;

use super::packet::transport::{ACK, FIN, RST, SYN};
use super::testing::*;
use super::*;

const NAME: &str = "outlook.office.com";

/// The connection of `opening`, its client's octets cut as the segments say: place and length.
fn uploaded(octets: &[u8], segments: &[(usize, usize)]) -> Vec<Vec<u8>> {
    let cut = |(at, length): &(usize, usize)| {
        let at = (*at).min(octets.len());
        let end = at.saturating_add(*length).min(octets.len());
        frame(true, (1001 + u32::try_from(at).unwrap(), 2001), ACK, &octets[at..end])
    };
    segments.iter().map(cut).collect()
}

fn answered(octets: &[u8]) -> Vec<u8> {
    frame(false, (2001, 1001), ACK, octets)
}

#[test]
fn a_handshake_is_found_with_its_syn_and_its_answer() {
    let hello = client_hello(NAME, 600);
    let mut frames = opening();
    frames.extend(uploaded(&hello, &[(0, 1000), (1000, 1000)]));
    frames.push(answered(&server_hello()));
    let (found, inspector) = inspect(&frames);
    let [found] = found.try_into().unwrap();
    assert_eq!(found.sni.as_deref(), Some(NAME));
    assert_eq!((found.src.to_string(), found.dst.to_string()), ("192.0.2.1:50000".into(), "198.51.100.1:443".into()));
    // That of the packet that completed the hello, the fourth one.
    assert_eq!(found.time.to_string(), "2023-11-14T22:13:20.000003Z");
    let syn = found.syn.unwrap();
    assert_eq!((syn.ttl, syn.window, syn.options.as_str()), (57, 64240, "mss,sok,ts,nop,ws"));
    let server = found.server.unwrap();
    assert_eq!((server.version, server.cipher, server.group), (Some(0x0304), Some(0x1301), Some(0x001d)));
    assert_eq!(found.damage, [""; 0]);
    assert_eq!(inspector.counts().handshakes, 1);
}

#[test]
fn prologues_are_passed_over_and_named() {
    let mysql = [&[32, 0, 0, 1, 0x85, 0xae, 0xff, 0][..], &[0; 28]].concat();
    let ldap = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037".to_vec();
    let socks5_login = b"\x05\x02\x00\x02\x01\x01u\x01p\x05\x01\x00\x03\x09a.example\x01\xbb".to_vec();
    let version_2 = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &[7; 12]].concat();
    let twice =
        b"CONNECT a:443 HTTP/1.1\r\n\r\nCONNECT a:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n".to_vec();
    for (prologue, name) in [
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), "connect"),
        (twice, "connect"),
        (b"\x05\x01\x00\x05\x01\x00\x01\x01\x02\x03\x04\x01\xbb".to_vec(), "socks5"),
        (socks5_login, "socks5"),
        (b"\x04\x01\x01\xbb\0\0\0\x01me\0a.example\0".to_vec(), "socks4"),
        (b"EHLO a\r\nSTARTTLS\r\n".to_vec(), "starttls-smtp"),
        (b"a1 CAPABILITY\r\na2 STARTTLS\r\n".to_vec(), "starttls-imap"),
        (b"STLS\r\n".to_vec(), "starttls-pop3"),
        (b"AUTH TLS\r\n".to_vec(), "starttls-ftp"),
        (b"<?xml version='1.0'?><stream:stream><starttls xmlns='x'/>".to_vec(), "starttls-xmpp"),
        (ldap, "starttls-ldap"),
        (b"\0\0\0\x08\x04\xd2\x16\x2f".to_vec(), "postgresql"),
        (b"\0\0\0\x08\x04\xd2\x16\x30\0\0\0\x08\x04\xd2\x16\x2f".to_vec(), "postgresql"),
        (mysql, "mysql"),
        (b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0".to_vec(), "rdp"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(), "proxy-protocol"),
        (b"PROXY UNKNOWN\r\nCONNECT a:443 HTTP/1.1\r\n\r\n".to_vec(), "proxy-protocol+connect"),
        (version_2, "proxy-protocol"),
        (b"whatever\x16\x03".to_vec(), "unknown"),
    ] {
        let stream = [prologue, client_hello(NAME, usize::MAX)].concat();
        let whole = [opening(), uploaded(&stream, &[(0, 1400), (1400, 1400)])].concat();
        let octet_by_octet: Vec<_> = (0..stream.len()).map(|at| (at, 1)).collect();
        for frames in [whole, [opening(), uploaded(&stream, &octet_by_octet)].concat()] {
            let (found, _) = inspect(&frames);
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!((found[0].prologue.as_deref(), found[0].sni.as_deref()), (Some(name), Some(NAME)));
        }
    }
}

#[test]
fn the_server_may_speak_before_tls_too() {
    let mut frames = opening();
    let greeting = b"220 mail.example ESMTP\r\n250 STARTTLS\r\n220 go ahead\r\n";
    frames.push(frame(false, (2001, 1001), ACK, greeting));
    frames.extend(uploaded(&[b"EHLO a\r\nSTARTTLS\r\n", &client_hello(NAME, 9000)[..]].concat(), &[(0, 9000)]));
    let after = 2001 + u32::try_from(greeting.len()).unwrap();
    frames.push(frame(false, (after, 1001), ACK, &server_hello()));
    let (found, _) = inspect(&frames);
    assert_eq!(found[0].server.as_ref().and_then(|server| server.cipher), Some(0x1301));
}

#[test]
fn what_is_no_tls_gives_nothing() {
    for stream in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"SSH-2.0-x\r\n", b"\x16\x03\x01\0\x04\x02\0\0\0", &[b'x'; 40_000]] {
        let segments: Vec<_> = (0..stream.len()).step_by(1400).map(|at| (at, 1400)).collect();
        let (found, inspector) = inspect(&[opening(), uploaded(stream, &segments)].concat());
        assert_eq!((found.len(), inspector.counts().tcp_connections), (0, 1));
    }
}

#[test]
fn a_connection_of_which_the_beginning_was_not_captured() {
    let hello = client_hello(NAME, usize::MAX);
    // Octets of an older exchange, then a hello at the start of a segment.
    let mut frames = vec![frame(true, (7, 2001), ACK, b"more of something else")];
    frames.extend(uploaded(&hello, &[(0, 1000), (1000, 1000)]));
    frames.push(answered(&server_hello()));
    let (found, _) = inspect(&frames);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].sni.as_deref(), found[0].syn.as_ref()), (Some(NAME), None));
    assert!(found[0].server.is_some());
    // From the answer to the SYN on.
    let (found, _) = inspect(&[opening().split_off(1), uploaded(&hello, &[(0, 2000)])].concat());
    assert_eq!((found[0].src.port(), found[0].syn.as_ref()), (50_000, None));
}

#[test]
fn ends_of_connections() {
    let hello = client_hello(NAME, usize::MAX);
    let begun = || [opening(), uploaded(&hello, &[(0, 9000)])].concat();
    let with = |more: Vec<Vec<u8>>| inspect(&[begun(), more].concat()).0;
    let reset = with(vec![frame(false, (2001, 1001), RST | ACK, b"")]);
    assert_eq!(reset[0].damage, ["reset"]);
    // One that cannot be of this connection.
    let forged = with(vec![frame(false, (0x8000_0000, 1001), RST, b""), answered(&server_hello())]);
    assert_eq!((forged[0].damage.len(), forged[0].server.is_some()), (0, true));
    let closed = with(vec![frame(true, (9001, 2001), FIN | ACK, b""), frame(false, (2001, 9002), FIN | ACK, b"")]);
    assert!(closed[0].server.is_none());
    let alert = with(vec![answered(&[21, 3, 3, 0, 2, 2, 40])]);
    assert_eq!(alert[0].server.as_ref().and_then(|server| server.alert), Some((2, 40)));
    // The same ports again: two connections, two handshakes.
    let again = with(vec![
        frame(true, (5000, 0), SYN, b""),
        frame(true, (5001, 0), ACK, &client_hello("other.example", usize::MAX)),
    ]);
    assert_eq!(again.iter().map(|found| found.sni.as_deref()).collect::<Vec<_>>(), [Some(NAME), Some("other.example")]);
}

#[test]
fn a_client_hello_in_the_format_of_ssl_2_is_told() {
    let mut hello = vec![0x80, 0x1c, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f];
    hello.extend([5; 16]);
    let (found, _) =
        inspect(&[opening(), uploaded(&hello, &[(0, 9), (9, 100)]), vec![answered(&server_hello())]].concat());
    assert_eq!(found[0].damage, ["a ClientHello in the format of SSL 2.0"]);
    assert_eq!((found[0].client_hello.as_ref(), found[0].server.is_some()), (None, true));
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let mut inspector = Inspector::new([1, 2], Limits::default());
    let frames = [opening(), uploaded(&client_hello(NAME, usize::MAX), &[(0, 9000)])].concat();
    let give = |inspector: &mut Inspector, seconds: i64, octets: &[u8]| {
        let time = Some(seconds * 1_000_000_000);
        let original_length = octets.len();
        inspector.packet(Packet { time, link_type: LinkType::ETHERNET, original_length, octets });
        inspector.drain().count()
    };
    for octets in &frames {
        assert_eq!(give(&mut inspector, 100, octets), 0);
    }
    assert_eq!(give(&mut inspector, 129, b"anything"), 0);
    assert_eq!(give(&mut inspector, 130, b"anything"), 1);
    assert_eq!(give(&mut inspector, 131, &answered(&server_hello())), 0);
}

#[test]
fn a_flood_meets_a_limit_and_is_counted() {
    let limits = Limits { tcp_connections: 1_000, octets: 1 << 20, ..Limits::default() };
    let syn = |number: u32| {
        let [_, a, b, c] = number.to_be_bytes();
        let syn = segment((50_000, 443), (number, 0), SYN, OPTIONS, b"");
        link(LinkType::ETHERNET, 0, &ipv4(6, ([10, a, b, c], SERVER.0), &[], &syn))
    };
    let mut frames: Vec<_> = (0..20_000).map(syn).collect();
    // A connection among them is still found.
    frames.extend([opening(), uploaded(&client_hello(NAME, usize::MAX), &[(0, 9000)])].concat());
    let (found, inspector) = inspect_within(&frames, limits);
    assert_eq!(found.len(), 1);
    assert_eq!((inspector.counts().tcp_connections, inspector.counts().dropped_half_open), (20_001, 19_001));
    // Hellos that never end: together they stay below the limit of octets.
    let halves = (0..5_000_u32).flat_map(|number| {
        let [_, a, b, c] = number.to_be_bytes();
        let half = segment((50_000, 443), (1, 0), ACK, &[], &client_hello(NAME, usize::MAX)[..1000]);
        [syn(number), link(LinkType::ETHERNET, 0, &ipv4(6, ([10, a, b, c], SERVER.0), &[], &half))]
    });
    let (found, inspector) = inspect_within(&halves.collect::<Vec<_>>(), limits);
    assert!(inspector.counts().dropped_connections > 3_000, "{:?}", inspector.counts());
    assert!(found.iter().all(|found| found.client_hello.is_none() && !found.damage.is_empty()));
}

#[test]
fn a_hello_of_16_megabytes_is_refused_and_counted() {
    let stream = [&[22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff, 3, 3][..], &[0; 40_000]].concat();
    let segments: Vec<_> = (0..stream.len()).step_by(1400).map(|at| (at, 1400)).collect();
    let (found, inspector) = inspect(&[opening(), uploaded(&stream, &segments), vec![answered(b"")]].concat());
    assert_eq!(inspector.counts().too_large, 1);
    assert!(found[0].damage[0].contains("exceeds"), "{:?}", found[0].damage);
}

#[test]
fn fragments_and_cut_packets_are_counted() {
    let hello = client_hello(NAME, usize::MAX);
    let mut later = frame(true, (1001, 2001), ACK, &hello);
    later[14 + 7] = 1;
    let mut first = frame(true, (1001, 2001), ACK, &hello[..500]);
    first[14 + 6] = 0x20;
    let cut = frame(true, (1501, 2001), ACK, &hello[500..])[..200].to_vec();
    let (found, inspector) = inspect(&[opening(), vec![first, later, cut]].concat());
    let counts = inspector.counts();
    assert_eq!((counts.first_fragments, counts.later_fragments, counts.cut), (1, 1, 1));
    assert_eq!(found[0].client_hello, None);
    assert!(found[0].damage.contains(&"the capture holds packets only in part".to_owned()), "{:?}", found[0].damage);
}

#[test]
fn every_link_type_carries_the_same_handshake() {
    let raw = [LinkType::RAW, LinkType(12), LinkType(14)];
    let links = [LinkType::ETHERNET, LinkType::LINUX_SLL, LinkType::LINUX_SLL2, LinkType::NULL, LinkType::LOOP];
    let ends = (CLIENT.0, SERVER.0);
    let syn = segment((CLIENT.1, SERVER.1), (1000, 0), SYN, OPTIONS, b"");
    let data = segment((CLIENT.1, SERVER.1), (1001, 1), ACK, &[], &client_hello(NAME, usize::MAX));
    // Destination options of 8 octets, then a first fragment that is the only one (RFC 6946).
    let extensions = [44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 1];
    let over = |version: usize, payload: &[u8]| match version {
        0 => ipv4(6, ends, &[], payload),
        1 => ipv4(6, ends, &[1, 1, 1, 0], payload),
        2 => ipv6(6, ends, &[], payload),
        _ => ipv6(60, ends, &extensions, payload),
    };
    for version in 0..4 {
        let own = if version < 2 { LinkType::IPV4 } else { LinkType::IPV6 };
        for kind in raw.iter().chain(&links).chain([&own]) {
            for tags in 0..=8 {
                let mut inspector = Inspector::new([1, 2], Limits::default());
                for payload in [&syn, &data] {
                    let octets = link(*kind, tags, &over(version, payload));
                    // Padding of the link layer does not count.
                    let padded = [&octets[..], &[0; 6]].concat();
                    let original_length = padded.len();
                    inspector.packet(Packet { time: None, link_type: *kind, original_length, octets: &padded });
                }
                inspector.finish_packets();
                let found: Vec<_> = inspector.drain().collect();
                assert_eq!(found.len(), 1, "{kind:?}, version {version}, {tags} tags, {:?}", inspector.counts());
                assert_eq!((found[0].sni.as_deref(), found[0].syn.is_some()), (Some(NAME), true));
                assert_eq!(found[0].src.is_ipv6(), version >= 2);
            }
        }
    }
    let nine = link(LinkType::ETHERNET, 9, &over(0, &syn));
    let (_, inspector) = inspect(&[nine, vec![2; 60], vec![2; 9]]);
    assert_eq!((inspector.counts().malformed, inspector.counts().not_ip), (2, 1));
}

proptest! {
    /// However the client's stream is cut, ordered and repeated, the line is the same.
    #[test]
    fn any_segmentation_gives_the_same_handshake(
        record in 1_usize..2000,
        prologue in prop::sample::select(vec![&b""[..], b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"EHLO x\r\nSTARTTLS\r\n"]),
        more in prop::collection::vec((0_usize..1600, 1_usize..800), 0..12),
        length in 50_usize..1500,
        seed: u64,
    ) {
        let stream = [prologue, &client_hello(NAME, record)[..]].concat();
        let mut segments: Vec<_> = (0..stream.len()).step_by(length).map(|at| (at, length)).collect();
        segments.extend(more);
        segments.sort_by_key(|(at, length)| (*at as u64 * 7 + *length as u64 + 1).wrapping_mul(seed | 1));
        let (found, _) = inspect(&[opening(), uploaded(&stream, &segments), vec![answered(&server_hello())]].concat());
        let (expected, _) = inspect(&[opening(), uploaded(&stream, &[(0, 9000)]), vec![answered(&server_hello())]].concat());
        prop_assert_eq!(found.len(), 1);
        let mut found = found[0].clone();
        found.time = expected[0].time;
        prop_assert_eq!(&found, &expected[0]);
        prop_assert_eq!(found.sni.as_deref(), Some(NAME));
    }

    #[test]
    fn any_packets_are_read_without_harm(
        packets in prop::collection::vec((0_u16..300, prop::collection::vec(any::<u8>(), 0..120)), 0..20),
    ) {
        let mut inspector = Inspector::new([1, 2], Limits::default());
        for (kind, octets) in &packets {
            let original_length = octets.len();
            inspector.packet(Packet { time: Some(i64::MAX), link_type: LinkType(*kind), original_length, octets });
        }
        inspector.finish_packets();
        prop_assert_eq!(inspector.counts().packets, packets.len() as u64);
    }
}
