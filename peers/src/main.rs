//! One ClientHello after the other through us and through huginn-net-tls, in one process and in turns, so that whatever
//! else the machine does meets both alike.
//!
//! Both get the TLS record, as it stands in a packet. We read it and work out JA3 and JA4; huginn-net-tls works out JA4, and
//! no JA3. For each hello that a server got over TCP, one line of nanoseconds: ours where the hello was seen before, ours
//! where nothing is remembered, theirs; and whether both say the same JA4.
//!
//! A Chromium shuffles its extensions for each connection. Where nothing else is said about what was seen before, that is
//! what we get here: the same browser, in an order that did not come yet.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use huginn_net_tls::parse_tls_client_hello_ja4;
use model::{HelloFacts, Transport};
use wire::fingerprint::{Fingerprints, Ja3, Ja4};
use wire::tls::{ClientHello, read_hello_or_records};

/// Long enough that one does not pay for what the other left in the processor's caches, short enough that many batches are
/// not interrupted. The best one of all rounds counts; the rounds are seconds apart, so that a while in which the machine is
/// slow does not hit all of a hello's.
const BATCH: u32 = 100;
const BATCHES: u32 = 25;
const ROUNDS: u32 = 10;
/// More orders than are remembered.
const ORDERS: u32 = 2048;

/// A hello, or the orders in which it comes, as records.
struct Subject {
    name: String,
    records: Vec<Vec<u8>>,
    fingerprints: Fingerprints,
    /// Where it was seen before; where nothing is remembered; huginn-net-tls.
    best: [Duration; 3],
}

fn main() {
    let mut subjects = subjects();
    for _ in 0..ROUNDS {
        subjects.iter_mut().for_each(measure);
    }
    for Subject { name, records, fingerprints, best } in &mut subjects {
        let mut facts = HelloFacts::default();
        let same = records.iter().take(10).all(|record| {
            read_hello_or_records(record, &mut facts).expect("a hello");
            let (_, ja4) = fingerprints.of(&facts, Transport::Tcp);
            ja4.map(|ja4| ja4.to_string()) == parse_tls_client_hello_ja4(record)
        });
        let [again, first, theirs] = best.map(|duration| duration.as_nanos());
        println!("{name}\t{again}\t{first}\t{theirs}\t{same}");
    }
}

fn subjects() -> Vec<Subject> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/client-hello");
    let index = fs::read_to_string(folder.join("index.tsv")).expect("the corpus is there");
    let mut subjects = Vec::new();
    for row in index.lines().skip(1) {
        let mut columns = row.split('\t');
        let (Some(file), Some("tcp")) = (columns.next(), columns.next()) else { continue };
        let message = fs::read(folder.join(file)).expect("a hello");
        let shuffles = file.starts_with("chromium") || file.starts_with("curl-cffi-chrome");
        let turns = 0..if shuffles { ORDERS } else { 1 };
        subjects.push(Subject {
            name: file.to_owned(),
            records: turns.map(|turn| record(&shuffled(&message, turn))).collect(),
            fingerprints: Fingerprints::new(),
            best: [Duration::MAX; 3],
        });
    }
    subjects
}

fn measure(Subject { records, fingerprints, best: [again, first, theirs], .. }: &mut Subject) {
    let mut facts = HelloFacts::default();
    let mut next = records.iter().cycle();
    for _ in 0..BATCHES {
        *again = time(&mut next, |record| {
            read_hello_or_records(record, &mut facts).expect("a hello");
            black_box(fingerprints.of(&facts, Transport::Tcp));
        })
        .min(*again);
        *first = time(&mut next, |record| {
            read_hello_or_records(record, &mut facts).expect("a hello");
            black_box((Ja3::of(&facts), Ja4::of(&facts, Transport::Tcp)));
        })
        .min(*first);
        *theirs = time(&mut next, |record| {
            black_box(parse_tls_client_hello_ja4(record));
        })
        .min(*theirs);
    }
}

/// One call, on average. Each record was touched a moment ago, as one is that was just received or decoded.
fn time<'a>(records: &mut impl Iterator<Item = &'a Vec<u8>>, mut call: impl FnMut(&[u8])) -> Duration {
    let batch: Vec<Vec<u8>> = records.take(BATCH as usize).cloned().collect();
    let start = Instant::now();
    for record in &batch {
        call(black_box(record));
    }
    start.elapsed() / BATCH
}

/// The hello with its extensions in another order, the first and the last one where they are; the hello itself in turn 0.
fn shuffled(message: &[u8], turn: u32) -> Vec<u8> {
    let mut hello = ClientHello::parse(message).expect("a hello");
    let mut state = u64::from(turn) * 0x9e37_79b9_7f4a_7c15;
    if let Some([_, between @ .., _]) = hello.extension_block.as_deref_mut()
        && turn > 0
    {
        for last in (1..between.len()).rev() {
            // xorshift
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            between.swap(last, (state % (last as u64 + 1)) as usize);
        }
    }
    hello.encode()
}

/// A handshake message in one TLS record.
fn record(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("it fits a record");
    [&[22, 3, 1][..], &length.to_be_bytes(), message].concat()
}
