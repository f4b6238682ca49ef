//! The captures in `corpus/captures`: packets in, lines out.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use model::CapturedHandshake;
use wire::capture::{Counts, Inspector, Limits};

const CAPTURES: &[&str] = &[
    "caddy-2.11.7-cut.pcap",
    "chromium-131-squid-splice.pcapng",
    "chromium-156-squid-and-quic.pcap",
    "firefox-153-quic-mss1300.pcap",
    "firefox-153-to-squid.pcap",
    "mitmproxy-12.2.3-nanoseconds.pcap",
    "nginx-1.22.pcap",
    "openssl-ipv6-sll.pcap",
    "openssl-ipv6-sll2.pcap",
    "openssl-ipv6.pcap",
    "privoxy-3.0.34.pcap",
    "squid-5.7-bump.pcap",
    "sslsplit-0.5.5-alert.pcap",
    "starttls.pcap",
    "stunnel-5.68-resumed.pcap",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures")
}

fn capture(file: &str) -> Vec<u8> {
    fs::read(folder().join(file)).unwrap()
}

fn inspect(octets: &[u8], piece: usize) -> (Vec<CapturedHandshake>, Counts, Option<String>) {
    let mut inspector = Inspector::new([7, 9], Limits::default());
    octets.chunks(piece).for_each(|piece| inspector.push(piece));
    inspector.finish();
    let found = inspector.drain().collect();
    (found, *inspector.counts(), inspector.damage().map(ToString::to_string))
}

/// The lines of each capture stand beside it in the corpus.
#[test]
fn lines_of_every_capture() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../../corpus/captures");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for file in CAPTURES {
            let (found, counts, damage) = inspect(&capture(file), usize::MAX);
            assert_eq!(damage, None, "{file}");
            let mut lines = String::new();
            for found in &found {
                writeln!(lines, "{}", serde_json::to_string(found).unwrap()).unwrap();
            }
            writeln!(lines, "{counts:#?}").unwrap();
            insta::assert_snapshot!(file.split_once(".pcap").unwrap().0, lines);
        }
    });
}

#[test]
fn no_capture_is_left_out() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let captures = files.filter(|name| name.contains(".pcap")).count();
    assert_eq!(captures, CAPTURES.len());
}

#[test]
fn pieces_of_a_file_do_not_matter() {
    for file in CAPTURES {
        let octets = capture(file);
        let whole = inspect(&octets, usize::MAX);
        for piece in [1, 7, 1000] {
            assert!(inspect(&octets, piece) == whole, "{file} in pieces of {piece}");
        }
    }
}

/// A file that is cut off anywhere gives what stands before the cut: nothing else, and not one handshake less.
#[test]
fn every_prefix_gives_what_it_holds() {
    for file in CAPTURES {
        let octets = capture(file);
        let (whole, counts, _) = inspect(&octets, usize::MAX);
        for end in (0..octets.len()).step_by(if octets.len() > 12_000 { 61 } else { 7 }) {
            let (found, cut, damage) = inspect(&octets[..end], usize::MAX);
            assert!(cut.packets <= counts.packets && found.len() <= whole.len(), "{file} cut at {end}");
            assert!(
                cut.packets == counts.packets || damage.is_some() || cut.octets == end as u64,
                "{file} cut at {end}"
            );
        }
    }
}

/// Whatever octet is wrong: no harm.
#[test]
fn damage_does_no_harm() {
    for file in CAPTURES {
        let octets = capture(file);
        for place in (0..octets.len()).step_by(if octets.len() > 12_000 { 97 } else { 11 }) {
            let mut damaged = octets.clone();
            damaged[place] ^= 0x81;
            let _ = inspect(&damaged, 4096);
        }
    }
}

/// The capture of one connection on two interfaces and in three link types is one handshake.
#[test]
fn link_types_do_not_matter() {
    let [mut ethernet, cooked, cooked_2] = ["openssl-ipv6.pcap", "openssl-ipv6-sll.pcap", "openssl-ipv6-sll2.pcap"]
        .map(|file| inspect(&capture(file), usize::MAX).0);
    for other in [cooked, cooked_2] {
        for (one, other) in ethernet.iter_mut().zip(other) {
            one.time = other.time;
            assert_eq!(*one, other);
        }
    }
}
