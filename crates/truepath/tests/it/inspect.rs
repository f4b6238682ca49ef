//! `inspect` on files: lines, a table, counts, and files that are damaged or none.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use model::CapturedHandshake;

use crate::program::{Scratch, command, ran, truepath};

fn corpus(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn one_line_for_each_handshake() {
    let ran = truepath(&["inspect", &corpus("firefox-153-quic-mss1300.pcap")]);
    assert_eq!(ran.code, 0);
    let found: Vec<CapturedHandshake> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 3);
    insta::assert_snapshot!(ran.err, @"3 handshakes in 42 packets (20 kB), of 2 TCP connections and 1 QUIC connection");
    let quiet = truepath(&["inspect", "--quiet", &corpus("firefox-153-quic-mss1300.pcap")]);
    assert_eq!((quiet.code, quiet.err.as_str(), quiet.out), (0, "", ran.out));
}

#[test]
fn a_table_for_people() {
    let ran = truepath(&["inspect", "--summary", &corpus("openssl-ipv6.pcap")]);
    insta::assert_snapshot!(ran.out);
    assert_eq!(ran.code, 0);
}

#[test]
fn standard_input_is_read_too() {
    let file = std::fs::read(corpus("chromium-131-squid-splice.pcapng")).unwrap();
    let mut child = command()
        .args(["inspect", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&file).unwrap();
    let piped = ran(child.wait_with_output().unwrap());
    assert_eq!((piped.code, piped.out), (0, truepath(&["inspect", &corpus("chromium-131-squid-splice.pcapng")]).out));
}

#[test]
fn compressed_files_are_unpacked() {
    let scratch = Scratch::new("inspect-compressed");
    let name = corpus("chromium-131-squid-splice.pcapng");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&std::fs::read(&name).unwrap()).unwrap();
    let packed = packed.finish().unwrap();
    let plain = truepath(&["inspect", &name]);
    let unpacked = truepath(&["inspect", &scratch.file("x.gz", &packed)]);
    assert_eq!((unpacked.code, &unpacked.out, &unpacked.err), (0, &plain.out, &plain.err));
    // Cut off within: what came before is there, and the error is told.
    let cut = truepath(&["inspect", &scratch.file("y.gz", &packed[..packed.len() - 2000])]);
    assert_eq!((cut.code, cut.out.is_empty(), cut.err.lines().count()), (2, false, 1), "{}", cut.err);
}

#[test]
fn what_can_be_read_of_a_damaged_file_is_written() {
    let scratch = Scratch::new("inspect-damaged");
    let mut file = std::fs::read(corpus("starttls.pcap")).unwrap();
    file.truncate(30_000);
    let cut = truepath(&["inspect", &scratch.file("cut.pcap", &file)]);
    assert_eq!((cut.code, cut.out.lines().count()), (2, 9));
    insta::assert_snapshot!(cut.err);
}

#[test]
fn what_is_no_capture_is_one_line_and_says_why() {
    let scratch = Scratch::new("inspect-none");
    let mut said = Vec::new();
    for (name, content) in [
        ("empty.pcap", &b""[..]),
        ("notes.txt", b"some text\n"),
        ("capture.pcap.gz", &[0x1f, 0x8b, 8, 0, 0, 0]),
        ("solaris.snoop", b"snoop\0\0\0"),
        ("header.pcap", &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]),
    ] {
        let ran = truepath(&["inspect", &scratch.file(name, content)]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (2, "", 1), "{}", ran.err);
        said.push(ran.err.split_once("truepath-test").unwrap().1.split_once('/').unwrap().1.to_owned());
    }
    insta::assert_snapshot!(said.concat());
}
