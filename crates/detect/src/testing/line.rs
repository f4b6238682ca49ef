//! What was measured of the line: a call and a download.

use model::*;

use super::*;

/// Two relay ports that answer, and a call that went well.
pub(crate) fn media() -> Media {
    let stun = |address: &str| StunTry {
        address: address.parse().expect("an address"),
        outcome: Attempt::Seen(StunAnswer {
            mapped: Some("203.0.113.7:50000".parse().expect("an address")),
            time_ms: Milliseconds(20.0),
            tries: 1,
            software: None,
            request: StunRequest::Binding,
            error: None,
        }),
    };
    Media {
        stun: vec![stun("192.0.2.10:3478"), stun("192.0.2.10:3479")],
        tcp: Attempt::Seen(Milliseconds(20.0)),
        call: Attempt::Seen(Call {
            address: "192.0.2.10:3478".parse().expect("an address"),
            duration_ms: Milliseconds(10_000.0),
            interval_ms: Milliseconds(20.0),
            packet_octets: 172,
            sent: 500,
            arrived: Some(500),
            returned: 500,
            duplicated: 0,
            reordered_there: Some(0),
            reordered: 0,
            longest_gap: 0,
            burst_ratio: 1.0,
            least_ms: Milliseconds(19.0),
            median_ms: Milliseconds(20.0),
            p95_ms: Milliseconds(22.0),
            greatest_ms: Milliseconds(30.0),
            jitter_ms: Milliseconds(1.0),
            jitter_there_ms: Some(Milliseconds(1.0)),
            lateness_ms: Milliseconds(1.0),
            seen_as: None,
        }),
    }
}

/// 15 MB in two seconds, and nothing beside it waited.
pub(crate) fn download() -> Download {
    Download {
        connection: HTTP,
        path: "/v1/bytes/15000000".to_owned(),
        octets: 15_000_000,
        complete: true,
        took_ms: Milliseconds(2_000.0),
        quarters: vec![1_875_000; 8],
        idle_ms: vec![Milliseconds(20.0); 5],
        loaded_ms: vec![Milliseconds(40.0); 5],
    }
}
