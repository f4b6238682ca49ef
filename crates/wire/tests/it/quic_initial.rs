//! Captured QUIC flows in `corpus/quic-initial`: the ClientHello that comes out of the datagrams is the one that another
//! program joined from the same packets (`corpus/client-hello`, same name).

use std::fs;
use std::path::{Path, PathBuf};

use wire::quic::initial::{InitialFlow, Progress, Sender, begins_with_initial};
use wire::tls::{ClientHello, ServerHello};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus")
}

/// One octet for the sender, two for the length, the datagram; again and again.
fn datagrams(mut octets: &[u8]) -> Vec<(Sender, Vec<u8>)> {
    let mut datagrams = Vec::new();
    while let [sender, high, low, rest @ ..] = octets {
        let (datagram, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        datagrams.push((if *sender == 0 { Sender::Client } else { Sender::Server }, datagram.to_vec()));
        octets = rest;
    }
    datagrams
}

fn check(name: &str, needed: usize) {
    let datagrams = datagrams(&fs::read(corpus().join("quic-initial").join(name)).unwrap());
    let expected = fs::read(corpus().join("client-hello").join(name)).unwrap();
    assert!(begins_with_initial(&datagrams[0].1));

    let mut flow = InitialFlow::new();
    let mut from_client = 0;
    for (sender, datagram) in &datagrams {
        assert_eq!(flow.push(*sender, datagram), Ok(Progress::Taken), "{name}");
        if *sender == Sender::Client {
            from_client += 1;
            assert_eq!(flow.client_hello().is_some(), from_client >= needed, "{name}");
        }
    }
    assert_eq!(flow.client_hello(), Some(&expected[..]), "{name}");
    assert!(flow.is_complete() && !flow.is_cut() && !flow.retried());
    assert_eq!((flow.version(), flow.close_code(Sender::Server)), (Some(1), None));
    let offered = ClientHello::parse(&expected).unwrap();
    let answer = ServerHello::parse(flow.server_messages().next().unwrap()).unwrap();
    assert_eq!(answer.version(), 0x0304);
    assert!(offered.key_share_groups().unwrap().contains(&answer.group().unwrap()));

    // The client's datagrams in the opposite order give the same hello: the same keys open all of them.
    let mut flow = InitialFlow::new();
    for (sender, datagram) in datagrams.iter().rev().filter(|(sender, _)| *sender == Sender::Client) {
        let _ = flow.push(*sender, datagram);
    }
    assert_eq!(flow.client_hello(), Some(&expected[..]), "{name}");
}

#[test]
fn hellos_of_real_clients() {
    check("aioquic-h3.bin", 1);
    check("chromium-156-quic.bin", 2);
    check("curl-cffi-chrome150-h3.bin", 2);
    check("curl-cffi-safari260-h3.bin", 2);
    check("firefox-153esr-quic.bin", 2);
}
