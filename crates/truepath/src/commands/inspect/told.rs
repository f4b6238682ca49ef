//! The counts of an inspection in words. What is zero is not mentioned.

use std::fmt::Write;

use wire::capture::Counts;

pub(super) fn counts(counts: &Counts) -> String {
    let mut text = format!(
        "{} in {} ({}), of {} and {}\n",
        number(counts.handshakes, "handshake", "handshakes"),
        number(counts.packets, "packet", "packets"),
        size(counts.octets),
        number(counts.tcp_connections, "TCP connection", "TCP connections"),
        number(counts.quic_connections, "QUIC connection", "QUIC connections"),
    );
    line(
        &mut text,
        "not looked at",
        &[
            (counts.not_ip, "not IP"),
            (counts.not_tcp_or_udp, "neither TCP nor UDP"),
            (counts.other_link_types, "of a link type that is not read"),
            (counts.later_fragments, "later fragments"),
            (counts.malformed, "malformed"),
            (counts.bad_blocks, "blocks without the packet they should hold"),
            (counts.unopened, "QUIC Initial packets that did not open"),
        ],
    );
    line(
        &mut text,
        "looked at in part",
        &[(counts.cut, "cut by the capture"), (counts.first_fragments, "first fragments")],
    );
    line(
        &mut text,
        "left because of a limit",
        &[
            (counts.dropped_half_open, "TCP connections without payload"),
            (counts.dropped_connections, "TCP connections before their handshake was whole"),
            (counts.dropped_quic, "QUIC connections"),
            (counts.too_large, "ClientHellos above 64 KiB"),
        ],
    );
    text
}

/// What the system lost before we saw it, which the other counts cannot know.
pub(super) fn dropped(packets: u64) -> String {
    let dropped = number(packets, "packet", "packets");
    format!("dropped by the system because they were not taken in time: {dropped}\n")
}

fn line(text: &mut String, title: &str, parts: &[(u64, &str)]) {
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if !parts.is_empty() {
        let _ = writeln!(text, "{title}: {}", parts.join(", "));
    }
}

fn number(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn size(octets: u64) -> String {
    match octets {
        0..10_000 => format!("{octets} octets"),
        10_000..10_000_000 => format!("{} kB", octets / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", octets / 1_000_000),
        _ => format!("{} GB", octets / 1_000_000_000),
    }
}
