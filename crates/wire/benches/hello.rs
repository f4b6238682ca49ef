//! A ClientHello's octets to facts, JA3 and JA4: what `inspect` does for each handshake and `classify` for each line. The
//! promise is 600 ns for a hello of today.
//!
//! `cargo bench -p wire --bench hello`. Inputs are hellos of `corpus/client-hello`, see its README. `again` is what a log
//! looks like: hellos that came before, and Chromium's in a new order each time. `first` is the same with nothing remembered.
//! One hello over and over lets the processor learn its branches by heart; the shuffled ones and `all of the corpus` show what
//! is left without that.
#![expect(clippy::expect_used, reason = "a bench without its inputs ends here")]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use model::{HelloFacts, Transport};
use wire::fingerprint::{Fingerprints, Ja3, Ja4};
use wire::tls::{ClientHello, read_hello};

/// What is spoken on the networks that this is for.
const TODAY: [(&str, &str); 7] = [
    ("chrome", "chromium-156-3.bin"),
    ("firefox", "firefox-153esr-3.bin"),
    ("safari", "curl-cffi-safari260.bin"),
    ("go", "go1.19-nethttp.bin"),
    ("openssl", "curl-7.88.bin"),
    ("squid", "squid.bin"),
    ("mitmproxy", "mitmproxy-12.2.3-3.bin"),
];

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/client-hello");
    let files = fs::read_dir(folder).expect("the corpus is there").map(|entry| entry.expect("a file").path());
    let hellos = files.filter(|file| file.extension().is_some_and(|extension| extension == "bin"));
    let name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut hellos: Vec<_> = hellos.map(|file| (name(&file), fs::read(&file).expect("a hello"))).collect();
    hellos.sort();
    hellos
}

/// As who reads many hellos does it.
fn again(criterion: &mut Criterion) {
    let corpus = corpus();
    let mut facts = HelloFacts::default();
    let mut fingerprints = Fingerprints::new();
    let mut group = group(criterion, "again");
    for (name, file) in TODAY {
        let message = message(&corpus, file);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                read_hello(black_box(message), &mut facts).expect("a hello");
                fingerprints.of(&facts, Transport::Tcp)
            });
        });
    }

    let chrome = shuffled(message(&corpus, TODAY[0].1));
    let mut next = chrome.iter().cycle();
    group.bench_function("chrome, shuffled", |bencher| {
        // Touched a moment ago, as a hello is that was just received or decoded.
        let copy = || next.next().expect("there are some").clone();
        let read = |message: &mut Vec<u8>| {
            read_hello(message, &mut facts).expect("a hello");
            fingerprints.of(&facts, Transport::Tcp)
        };
        bencher.iter_batched_ref(copy, read, BatchSize::NumIterations(10));
    });
    group.finish();
}

/// With nothing to remember.
fn first(criterion: &mut Criterion) {
    let corpus = corpus();
    let mut facts = HelloFacts::default();
    let mut group = group(criterion, "first");
    for (name, file) in TODAY {
        let message = message(&corpus, file);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                read_hello(black_box(message), &mut facts).expect("a hello");
                (Ja3::of(&facts), Ja4::of(&facts, Transport::Tcp))
            });
        });
    }
    group.throughput(Throughput::Elements(corpus.len() as u64));
    group.bench_function("all of the corpus", |bencher| {
        bencher.iter(|| {
            for (_, message) in &corpus {
                read_hello(black_box(message), &mut facts).expect("a hello");
                black_box((Ja3::of(&facts), Ja4::of(&facts, Transport::Tcp)));
            }
        });
    });
    group.finish();
}

/// Where the time goes.
fn parts(criterion: &mut Criterion) {
    let corpus = corpus();
    let message = message(&corpus, TODAY[0].1);
    let mut facts = HelloFacts::default();
    let mut group = group(criterion, "parts of chrome");
    group.bench_function("facts", |bencher| bencher.iter(|| read_hello(black_box(message), &mut facts)));
    group.bench_function("ja3", |bencher| bencher.iter(|| Ja3::of(black_box(&facts))));
    group.bench_function("ja4", |bencher| bencher.iter(|| Ja4::of(black_box(&facts), Transport::Tcp)));
    group.finish();
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group
}

fn message<'a>(corpus: &'a [(String, Vec<u8>)], file: &str) -> &'a [u8] {
    let (_, message) = corpus.iter().find(|(found, _)| found == file).expect("it is in the corpus");
    message
}

/// The hello in more orders of its extensions than are remembered, the first and the last extension where they are.
fn shuffled(message: &[u8]) -> Vec<Vec<u8>> {
    let mut hello = ClientHello::parse(message).expect("a hello");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut shuffle = || {
        if let Some([_, between @ .., _]) = hello.extension_block.as_deref_mut() {
            for last in (1..between.len()).rev() {
                // xorshift
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                between.swap(last, usize::try_from(state % (last as u64 + 1)).expect("it is at most last"));
            }
        }
        hello.encode()
    };
    (0..2048).map(|_| shuffle()).collect()
}

criterion_group!(benches, again, first, parts);
criterion_main!(benches);
