//! `content`: whether test card numbers and the EICAR test file pass, up and down.

use std::fmt::Write;

use aws_lc_rs::digest;
use futures_util::future::join_all;
use model::{Attempt, Content, ContentOutcome, ContentTest, Failure, Header, HexBytes, Way};
use wire::http::specimen;

use crate::check::{Check, Scope, no_wait};
use crate::exact::{Reconnecting, Request, Response};
use crate::failure::Stopwatch;
use crate::host::Host;
use crate::http_client::ALPN;
use crate::reflect::Question;

pub(crate) const CHECK: Check = Check {
    name: "content",
    title: "whether test card numbers and the EICAR test file pass, up and down",
    page: "\
SECURITY TEAMS SEE THIS. A device that inspects content reports it as an attempt to leak data and as a virus, in your name
and with this machine's address. Tell them before; this check runs only where --content asks for it.

Uploads published test patterns to the reflector, and to nobody else: card numbers that payment services publish for tests,
IBAN of the registry's own examples, US social security numbers that are void (078-05-1120, 219-09-9999), and the EICAR test
file, by itself and in a zip archive. Downloads the last two from it. Before and after goes harmless text of the same length
over the same connection. Records for each: status and headers, whether it arrived as it was, and how long it took.

Shows data leakage prevention, secure web gateways and virus scanners that look inside: refused, altered or delayed where
the harmless text passes. The patterns are harmless: no number belongs to a person, and the test file does nothing. Limits: a
device may look only at some kinds of file or at larger ones, or pass everything on and tell its operator. A program on this
machine that scans traffic shows like one on the path.",
    round_trips: 7,
    waits: no_wait,
    needs_reflector: true,
    octets: |_| 80_000,
    scope: Scope::Reflector,
    by_default: false,
};

/// Octets of each text that is uploaded, the harmless one included.
const TEXT_LENGTH: usize = 2048;
/// Numbers in one text: rules often have a threshold, below which they only count.
const NUMBERS: usize = 20;
/// What is kept of an answer.
const TEXT_LIMIT: usize = 1024;
const HEADERS_LIMIT: usize = 64;
const HEADER_VALUE_LIMIT: usize = 256;

/// Test numbers that card networks and payment services publish; all pass the check digit (ISO/IEC 7812-1 annex B).
const CARDS: &[&str] =
    &["4111 1111 1111 1111", "5555 5555 5555 4444", "3782 822463 10005", "6011 1111 1111 1117", "3530 1113 3330 0000"];
/// Examples of the IBAN registry (ISO 13616).
const IBANS: &[&str] = &[
    "GB82 WEST 1234 5698 7654 32",
    "DE89 3704 0044 0532 0130 00",
    "FR14 2004 1010 0505 0001 3M02 606",
    "CH93 0076 2011 6238 5295 7",
    "NL91 ABNA 0417 1643 00",
];
/// Published by the US Social Security Administration: both stood in advertisements and are void.
const NATIONAL_IDS: &[&str] = &["078-05-1120", "219-09-9999"];

/// What one connection carries, one after the other: harmless, the patterns, harmless again.
type Lane = Vec<Pattern>;

struct Pattern {
    name: &'static str,
    way: Way,
    /// What is uploaded, or must come.
    octets: Vec<u8>,
    /// Where a download comes from, or what the file that is uploaded is called.
    at: &'static str,
}

pub(crate) async fn run(host: &Host, key: &HexBytes) -> Attempt<Content> {
    let lanes = join_all(lanes().into_iter().map(|lane| Box::pin(carry(host, key, lane)))).await;
    Attempt::Seen(Content { tests: lanes.into_iter().flatten().collect() })
}

fn lanes() -> Vec<Lane> {
    let eicar = specimen::eicar();
    let plain = specimen::harmless(eicar.len());
    // Names of the same length, as the reflector's archives have them.
    let archive = |name: &str, content: &[u8]| specimen::zip(name, content).unwrap_or_default();
    let (eicar_zip, plain_zip) = (archive("eicar.com", &eicar), archive("plain.txt", &plain));
    let up = |name, octets: &[u8], at| Pattern { name, way: Way::Request, octets: octets.to_vec(), at };
    let down = |name, octets: &[u8], at| Pattern { name, way: Way::Response, octets: octets.to_vec(), at };
    let text = || up("control", &specimen::harmless(TEXT_LENGTH), "plain.txt");
    vec![
        vec![
            text(),
            up("payment-cards", &numbers("Credit card number, CVV 123, expires 12/29", CARDS), "cards.txt"),
            up("iban", &numbers("IBAN, bank account", IBANS), "accounts.txt"),
            up("national-id", &numbers("Social Security Number (SSN)", NATIONAL_IDS), "people.txt"),
            text(),
        ],
        vec![up("control", &plain, "plain.com"), up("eicar", &eicar, "eicar.com"), up("control", &plain, "plain.com")],
        vec![
            up("control-zip", &plain_zip, "plain.zip"),
            up("eicar-zip", &eicar_zip, "eicar.zip"),
            up("control-zip", &plain_zip, "plain.zip"),
        ],
        vec![
            down("control", &plain, "/v1/content/harmless"),
            down("eicar", &eicar, "/v1/content/eicar"),
            down("control", &plain, "/v1/content/harmless"),
        ],
        vec![
            down("control-zip", &plain_zip, "/v1/content/harmless.zip"),
            down("eicar-zip", &eicar_zip, "/v1/content/eicar.zip"),
            down("control-zip", &plain_zip, "/v1/content/harmless.zip"),
        ],
    ]
}

/// Numbers with the words that usually stand beside them, filled up with harmless text.
fn numbers(words: &str, numbers: &[&str]) -> Vec<u8> {
    let mut text = String::new();
    for (line, number) in numbers.iter().cycle().take(NUMBERS).enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}. {words}: {number}", line + 1);
    }
    let mut octets = text.into_bytes();
    octets.extend(specimen::harmless(TEXT_LENGTH.saturating_sub(octets.len())));
    octets
}

async fn carry(host: &Host, key: &HexBytes, lane: Lane) -> Vec<ContentTest> {
    let purpose = match lane.first() {
        Some(Pattern { way: Way::Response, .. }) => "download",
        _ => "upload",
    };
    let mut connections = Reconnecting::new(CHECK.name, purpose, ALPN);
    let mut tests = Vec::new();
    for pattern in lane {
        let outcome = one(host, key, &pattern, &mut connections).await.into();
        let Pattern { name, way, octets, .. } = pattern;
        let length = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        let connection = connections.connection;
        tests.push(ContentTest { pattern: name.to_owned(), way, connection, length, outcome });
    }
    tests
}

async fn one(
    host: &Host,
    key: &HexBytes,
    pattern: &Pattern,
    connections: &mut Reconnecting,
) -> Result<ContentOutcome, Failure> {
    let question = Question::new(Stopwatch::start())?;
    let request = match pattern.way {
        Way::Request => {
            let kind = if pattern.at.ends_with(".txt") { "text/plain" } else { "application/octet-stream" };
            Request::new("POST", format!("/v1/reflect?{}", question.brief_query()))
                .header("content-type", kind)
                .header("content-disposition", format!("attachment; filename=\"{}\"", pattern.at))
                .body(pattern.octets.clone())
        }
        Way::Response => Request::get(pattern.at),
    };
    let response = match connections.exchange(host, &request.lower_case(), 0).await? {
        // A refusal is one although its page was cut short; anything else has to be whole.
        Response { broke: Some(failure), status: ..400, .. } => return Err(failure),
        response => response,
    };
    let (arrived, signature_valid) = match pattern.way {
        Way::Response => (response.status == 200 && response.body == pattern.octets, None),
        Way::Request => match question.read(&response.body, key).filter(|_| response.status == 200) {
            None => (false, None),
            Some((answer, valid)) => {
                let sha256 = digest::digest(&digest::SHA256, &pattern.octets);
                (valid && answer.body.is_some_and(|body| body.sha256.0 == sha256.as_ref()), Some(valid))
            }
        },
    };
    Ok(outcome(&response, arrived, signature_valid))
}

fn outcome(response: &Response, arrived: bool, signature_valid: Option<bool>) -> ContentOutcome {
    let short = |value: &str| value.chars().take(HEADER_VALUE_LIMIT).collect::<String>();
    let headers = response.headers.iter().take(HEADERS_LIMIT);
    // An answer of the reflector needs no text, and a record that held the test file would be taken away by a scanner.
    let told = !arrived && signature_valid.is_none() && !holds_eicar(&response.body);
    ContentOutcome {
        status: response.status,
        headers: headers.map(|(name, value)| Header(short(&name.to_lowercase()), short(value))).collect(),
        arrived,
        signature_valid,
        took_ms: response.took_ms,
        text: told.then(|| response.text(TEXT_LIMIT)).flatten(),
    }
}

/// The first half is enough for some scanners.
fn holds_eicar(octets: &[u8]) -> bool {
    let eicar = specimen::eicar();
    let start = eicar.get(..eicar.len() / 2).unwrap_or(&eicar);
    octets.windows(start.len()).any(|window| window == start)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ISO/IEC 7812-1 annex B.
    fn luhn(number: &str) -> u32 {
        let digits = number.chars().rev().filter_map(|c| c.to_digit(10)).enumerate();
        digits.map(|(at, digit)| if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit }).sum::<u32>() % 10
    }

    /// ISO 13616: four characters to the end, letters as two digits, modulo 97.
    fn mod_97(iban: &str) -> u32 {
        let iban = iban.replace(' ', "");
        let (check, account) = iban.split_at(4);
        let digits = format!("{account}{check}");
        let digits = digits.chars().filter_map(|c| c.to_digit(36));
        digits.fold(0, |sum, digit| if digit > 9 { (sum * 100 + digit) % 97 } else { (sum * 10 + digit) % 97 })
    }

    #[test]
    fn the_numbers_are_such_that_a_rule_takes_them_for_real() {
        assert!(CARDS.iter().all(|card| luhn(card) == 0));
        assert!(IBANS.iter().all(|iban| mod_97(iban) == 1));
    }

    #[test]
    fn what_is_compared_has_the_same_length() {
        for lane in lanes() {
            let length = lane[0].octets.len();
            assert!(lane[0].name.starts_with("control") && lane[lane.len() - 1].name.starts_with("control"));
            assert!(lane.iter().all(|pattern| pattern.octets.len() == length && length > 0));
        }
    }

    #[test]
    fn a_record_never_holds_the_test_file() {
        let response = |body: Vec<u8>| Response {
            version: "1.1",
            interim: Vec::new(),
            status: 200,
            headers: Vec::new(),
            framing: "length",
            body,
            broke: None,
            trailers: Vec::new(),
            took_ms: model::Milliseconds(1.0),
        };
        let more = [&specimen::eicar()[..], b" and more"].concat();
        assert_eq!(outcome(&response(more), false, None).text, None);
        assert_eq!(outcome(&response(b"blocked".to_vec()), false, None).text.as_deref(), Some("blocked"));
    }
}
