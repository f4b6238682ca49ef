//! Any bytes in answer to our hello. The first octet says how they come: 0 means messages of TLS 1.3 whose records were
//! opened already, anything else the length of the pieces of a connection.
#![no_main]

use std::sync::LazyLock;

use model::HostName;
use wire::tls::{ServerFlight, TimestampClient, read_opened};

static HOST: LazyLock<HostName> = LazyLock::new(|| HostName::parse("mail.example").unwrap());

fn check(flight: Option<ServerFlight>, octets: &[u8]) {
    let Some(flight) = flight else { return };
    assert!(!flight.certificates.is_empty());
    assert!(flight.certificates.iter().map(Vec::len).sum::<usize>() < octets.len());
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((length, octets)) = data.split_first() else { return };
    if *length == 0 {
        check(read_opened(octets).unwrap_or_default(), octets);
        return;
    }
    let mut client = TimestampClient::new(&HOST).unwrap();
    for piece in octets.chunks((*length).into()) {
        check(client.receive(piece).unwrap_or_default(), octets);
    }
});
