//! The hellos in `corpus/client-hello`, held against what other programs read in the same captures: the server name and
//! the JA4 fingerprint, which covers versions, cipher suites, extensions, ALPN and signature algorithms.

use std::fs;
use std::path::Path;

use aws_lc_rs::digest;
use wire::tls::{ClientHello, hello_differences, names};

struct Row {
    file: String,
    transport: String,
    server_name: Option<String>,
    ja4: String,
    message: Vec<u8>,
}

fn rows() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/client-hello");
    let index = fs::read_to_string(folder.join("index.tsv")).unwrap();
    let rows = index.lines().skip(1).map(|line| {
        let [file, transport, server_name, ja4, _written_by] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        Row {
            file: file.to_owned(),
            transport: transport.to_owned(),
            server_name: (server_name != "-").then(|| server_name.to_owned()),
            ja4: ja4.to_owned(),
            message: fs::read(folder.join(file)).unwrap(),
        }
    });
    rows.collect()
}

/// JA4 as its authors describe it, computed from nothing but the parsed value.
fn ja4(transport: &str, hello: &ClientHello) -> String {
    let without_grease =
        |codes: Vec<u16>| codes.into_iter().filter(|code| !names::is_grease(*code)).collect::<Vec<_>>();
    let version = without_grease(hello.supported_versions().unwrap_or_default());
    let version = match version.iter().max().copied().unwrap_or(hello.legacy_version) {
        0x0304 => "13",
        0x0303 => "12",
        other => panic!("{other:04x}"),
    };
    let mut suites = without_grease(hello.cipher_suites.clone());
    let mut extensions = without_grease(hello.extensions().iter().map(|extension| extension.code).collect());
    let alpn = hello.alpn().unwrap_or_default();
    let alpn = match alpn.first().map(Vec::as_slice) {
        Some([first, .., last]) => format!("{}{}", char::from(*first), char::from(*last)),
        _ => "00".to_owned(),
    };
    let start = format!(
        "{}{version}{}{:02}{:02}{alpn}",
        if transport == "quic" { 'q' } else { 't' },
        if hello.extension(0).is_some() { 'd' } else { 'i' },
        suites.len().min(99),
        extensions.len().min(99),
    );
    let list = |codes: &[u16]| codes.iter().map(|code| format!("{code:04x}")).collect::<Vec<_>>().join(",");
    let hash = |text: String| hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))[..12].to_owned();
    suites.sort_unstable();
    extensions.retain(|code| !matches!(code, 0 | 16));
    extensions.sort_unstable();
    let algorithms = list(&without_grease(hello.signature_algorithms().unwrap_or_default()));
    let rest = [list(&extensions), algorithms].join("_");
    format!("{start}_{}_{}", hash(list(&suites)), hash(rest.trim_end_matches('_').to_owned()))
}

#[test]
fn real_hellos_are_read_as_others_read_them() {
    let rows = rows();
    assert!(rows.len() >= 70, "{} rows", rows.len());
    for Row { file, transport, server_name, ja4: expected, message } in &rows {
        let hello = ClientHello::parse(message).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(hello.encode(), *message, "{file}");
        assert_eq!(hello.server_name().map(|name| name.to_string()), *server_name, "{file}");
        assert_eq!(ja4(transport, &hello), *expected, "{file}");
        assert!(hello.supported_groups().is_some() && hello.signature_algorithms().is_some(), "{file}");
        assert_eq!(hello.key_shares().is_some(), hello.supported_versions().is_some(), "{file}");
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
