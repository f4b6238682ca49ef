//! The hellos in `corpus/client-hello`, held against what other programs read in the same captures: the server name, JA3 and
//! JA4, which between them cover versions, cipher suites, extensions, groups, ALPN and signature algorithms.

use std::fs;
use std::path::Path;

use model::{HelloFacts, Transport};
use wire::fingerprint::{Fingerprints, Ja3, Ja4};
use wire::tls::{ClientHello, hello_differences, read_hello, read_ja3_text};

struct Row {
    file: String,
    transport: String,
    server_name: Option<String>,
    ja4: String,
    ja4_raw: String,
    ja3: String,
    ja3_text: String,
    message: Vec<u8>,
}

fn rows() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/client-hello");
    let table = |file| fs::read_to_string(folder.join(file)).unwrap();
    let (index, fingerprints) = (table("index.tsv"), table("fingerprints.tsv"));
    let rows = index.lines().zip(fingerprints.lines()).skip(1).map(|(row, fingerprints)| {
        let [file, transport, server_name, ja4, _written_by] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let [same_file, ja3, ja4_raw, ja3_text] = fingerprints.split('\t').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(file, same_file);
        Row {
            file: file.to_owned(),
            transport: transport.to_owned(),
            server_name: (server_name != "-").then(|| server_name.to_owned()),
            ja4: ja4.to_owned(),
            ja4_raw: ja4_raw.to_owned(),
            ja3: ja3.to_owned(),
            ja3_text: ja3_text.to_owned(),
            message: fs::read(folder.join(file)).unwrap(),
        }
    });
    rows.collect()
}

#[test]
fn real_hellos_are_read_as_others_read_them() {
    let rows = rows();
    assert!(rows.len() >= 70, "{} rows", rows.len());
    let mut facts = HelloFacts::default();
    for Row { file, server_name, message, .. } in &rows {
        let hello = ClientHello::parse(message).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(hello.encode(), *message, "{file}");
        assert_eq!(hello.server_name().map(|name| name.to_string()), *server_name, "{file}");
        assert!(hello.supported_groups().is_some() && hello.signature_algorithms().is_some(), "{file}");
        assert_eq!(hello.key_shares().is_some(), hello.supported_versions().is_some(), "{file}");

        read_hello(message, &mut facts).unwrap();
        assert_eq!(facts.server_name, server_name.as_deref().unwrap_or_default().as_bytes(), "{file}");
        assert_eq!(facts.key_shares, hello.key_share_groups().unwrap_or_default(), "{file}");
    }
}

#[test]
fn real_hellos_have_the_fingerprints_that_others_gave_them() {
    let (mut facts, mut fingerprints) = (HelloFacts::default(), Fingerprints::new());
    for Row { file, transport, ja4, ja4_raw, ja3, ja3_text, message, .. } in rows() {
        let transport = if transport == "quic" { Transport::Quic } else { Transport::Tcp };
        read_hello(&message, &mut facts).unwrap();
        assert_eq!(Ja3::text(&facts).unwrap(), ja3_text, "{file}");
        assert_eq!(Ja3::of(&facts).unwrap().as_str(), ja3, "{file}");
        assert_eq!(Ja4::raw(&facts, transport).unwrap(), ja4_raw, "{file}");
        assert_eq!(Ja4::of(&facts, transport).unwrap().as_str(), ja4, "{file}");
        let each = (Ja3::of(&facts), Ja4::of(&facts, transport));
        assert_eq!((fingerprints.of(&facts, transport), fingerprints.of(&facts, transport)), (each, each), "{file}");

        // What an edge can tell that has only the text gives the same JA3, and no JA4.
        read_ja3_text(&ja3_text, &mut facts).unwrap();
        assert_eq!(fingerprints.of(&facts, transport), (Ja3::of(&facts), None), "{file}");
        assert_eq!(Ja3::of(&facts).unwrap().as_str(), ja3, "{file}");
    }
}

#[test]
fn hellos_of_two_clients_never_pass_for_each_other() {
    let rows = rows();
    for sent in &rows {
        for arrived in &rows {
            let differences = hello_differences(&sent.message, &arrived.message);
            assert_eq!(differences.is_empty(), sent.file == arrived.file);
            if sent.file != arrived.file {
                assert_eq!(differences[0], "random differs: another client wrote this hello");
            }
        }
    }
}

/// What an interceptor does to a browser's hello, in the words that a user will read.
#[test]
fn squid_in_place_of_chromium() {
    let rows = rows();
    let message = |file: &str| &rows.iter().find(|row| row.file == file).unwrap().message;
    let lines = hello_differences(message("chromium-156-3.bin"), message("squid.bin"));
    insta::assert_snapshot!(lines.join("\n"));
}
