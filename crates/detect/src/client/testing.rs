//! ClientHellos of real clients for tests, from `corpus/client-hello`, and a reader for them.
//!
//! `detect` does not know `wire`, whose reader is the one for hostile octets; this one trusts the corpus.

use std::collections::BTreeMap;
use std::path::Path;

use model::HelloFacts;

/// The hello in this file of the corpus.
pub(super) fn hello(name: &str) -> HelloFacts {
    read(&std::fs::read(folder().join(format!("{name}.bin"))).expect("a file of the corpus"))
}

/// All of the corpus, with the program that wrote each.
pub(super) fn all() -> BTreeMap<String, String> {
    let index = std::fs::read_to_string(folder().join("index.tsv")).expect("the index of the corpus");
    let rows = index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.map(|row| (row[0].trim_end_matches(".bin").to_owned(), row[4].to_owned())).collect()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/client-hello")
}

fn read(message: &[u8]) -> HelloFacts {
    let mut facts = HelloFacts { length: message.len(), ..HelloFacts::default() };
    let mut rest = Octets(&message[4..]);
    facts.legacy_version = rest.u16();
    rest.take(32);
    facts.session_id_length = u8::try_from(rest.vector8().len()).expect("a short session id");
    facts.cipher_suites = codes(rest.vector16());
    facts.compression_methods = rest.vector8().to_vec();
    let mut extensions = Octets(rest.vector16());
    while !extensions.0.is_empty() {
        let code = extensions.u16();
        let mut body = Octets(extensions.vector16());
        facts.extensions.push(code);
        match code {
            10 => facts.supported_groups = codes(body.vector16()),
            11 => facts.point_formats = body.vector8().to_vec(),
            13 => facts.signature_algorithms = codes(body.vector16()),
            16 => facts.alpn_octets = body.vector16().to_vec(),
            27 => facts.certificate_compression = codes(body.vector8()),
            43 => facts.supported_versions = codes(body.vector8()),
            45 => facts.psk_key_exchange_modes = body.vector8().to_vec(),
            51 => {
                let mut shares = Octets(body.vector16());
                while !shares.0.is_empty() {
                    facts.key_shares.push(shares.u16());
                    shares.vector16();
                }
            }
            _ => {}
        }
    }
    facts
}

fn codes(octets: &[u8]) -> Vec<u16> {
    octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn u16(&mut self) -> u16 {
        let pair = self.take(2);
        u16::from_be_bytes([pair[0], pair[1]])
    }

    fn vector8(&mut self) -> &'a [u8] {
        let length = usize::from(self.take(1)[0]);
        self.take(length)
    }

    fn vector16(&mut self) -> &'a [u8] {
        let length = usize::from(self.u16());
        self.take(length)
    }
}

/// User-Agents, by what they claim.
pub(super) const CHROME_150: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
pub(super) const FIREFOX_153: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
pub(super) const SAFARI_26: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                                    Version/26.0 Safari/605.1.15";
pub(super) const IPHONE_26: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 \
                                    (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";

/// Chrome's own text with another version.
pub(super) fn chrome(version: u16) -> String {
    CHROME_150.replace("150", &version.to_string())
}

pub(super) fn firefox(version: u16) -> String {
    FIREFOX_153.replace("153", &version.to_string())
}
