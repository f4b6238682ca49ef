//! Packets, files and connections made up for the tests of this module.

use super::packet::LinkType;
use super::packet::transport::{ACK, SYN};
use super::{Inspector, Limits};
use model::CapturedHandshake;

pub(super) const CLIENT: ([u8; 4], u16) = ([192, 0, 2, 1], 50_000);
pub(super) const SERVER: ([u8; 4], u16) = ([198, 51, 100, 1], 443);

/// The options of a SYN of Linux.
pub(super) const OPTIONS: &[u8] = &[2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

/// A TCP segment without addresses.
pub(super) fn segment(ports: (u16, u16), numbers: (u32, u32), flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut segment = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    segment.extend(numbers.0.to_be_bytes());
    segment.extend(numbers.1.to_be_bytes());
    segment.push(u8::try_from((20 + options.len()) / 4).unwrap() << 4);
    segment.extend([flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    segment.extend(options);
    segment.extend(payload);
    segment
}

pub(super) fn ipv4(protocol: u8, ends: ([u8; 4], [u8; 4]), options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let mut packet = vec![0x40 | u8::try_from(header / 4).unwrap(), 0];
    packet.extend(u16::try_from(header + payload.len()).unwrap().to_be_bytes());
    packet.extend([0, 1, 0x40, 0, 57, protocol, 0, 0]);
    packet.extend(ends.0);
    packet.extend(ends.1);
    packet.extend(options);
    packet.extend(payload);
    packet
}

/// The addresses of IPv4 in 2001:db8::.
pub(super) fn ipv6(first: u8, ends: ([u8; 4], [u8; 4]), extensions: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(extensions.len() + payload.len()).unwrap().to_be_bytes());
    packet.extend([first, 57]);
    for end in [ends.0, ends.1] {
        packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0]);
        packet.extend(end);
    }
    packet.extend(extensions);
    packet.extend(payload);
    packet
}

/// The packet with the link layer in front, and so many tags where it can have them.
pub(super) fn link(kind: LinkType, tags: usize, ip: &[u8]) -> Vec<u8> {
    let is_ipv6 = ip[0] >> 4 == 6;
    let protocol: [u8; 2] = if is_ipv6 { [0x86, 0xdd] } else { [0x08, 0] };
    let mut tagged = Vec::new();
    for tag in 0..tags {
        tagged.extend(if tag == 0 && tags > 1 { [0x88, 0xa8] } else { [0x81, 0] });
        tagged.extend([0, 10]);
    }
    tagged.extend(protocol);
    let front = match kind {
        LinkType::ETHERNET => [&[2; 12][..], &tagged].concat(),
        LinkType::LINUX_SLL => [&[0; 14][..], &tagged].concat(),
        LinkType::LINUX_SLL2 => {
            let (first, rest) = tagged.split_at(2);
            [first, &[0; 18], rest].concat()
        }
        LinkType::NULL => vec![if is_ipv6 { 30 } else { 2 }, 0, 0, 0],
        LinkType::LOOP => vec![0, 0, 0, if is_ipv6 { 24 } else { 2 }],
        _ => Vec::new(),
    };
    [&front, ip].concat()
}

/// One end's segments of a connection over IPv4 and Ethernet.
pub(super) fn frame(from_client: bool, numbers: (u32, u32), flags: u8, payload: &[u8]) -> Vec<u8> {
    let (from, to) = if from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let options = if flags & SYN != 0 { OPTIONS } else { &[] };
    let segment = segment((from.1, to.1), numbers, flags, options, payload);
    link(LinkType::ETHERNET, 0, &ipv4(6, (from.0, to.0), &[], &segment))
}

/// SYN and its answer; the first octets have the numbers 1001 and 2001.
pub(super) fn opening() -> Vec<Vec<u8>> {
    vec![frame(true, (1000, 0), SYN, b""), frame(false, (2000, 1001), SYN | ACK, b"")]
}

/// What an interface would have given.
pub(super) fn inspect(frames: &[Vec<u8>]) -> (Vec<CapturedHandshake>, Inspector) {
    inspect_within(frames, Limits::default())
}

pub(super) fn inspect_within(frames: &[Vec<u8>], limits: Limits) -> (Vec<CapturedHandshake>, Inspector) {
    let mut inspector = Inspector::new([1, 2], limits);
    for (number, octets) in frames.iter().enumerate() {
        let time = Some(1_700_000_000_000_000_000 + i64::try_from(number).unwrap() * 1_000);
        let original_length = octets.len();
        inspector.packet(super::Packet { time, link_type: LinkType::ETHERNET, original_length, octets });
    }
    inspector.finish_packets();
    let found = inspector.drain().collect();
    (found, inspector)
}

fn number(big: bool, value: u32) -> [u8; 4] {
    if big { value.to_be_bytes() } else { value.to_le_bytes() }
}

fn short(big: bool, value: u16) -> [u8; 2] {
    if big { value.to_be_bytes() } else { value.to_le_bytes() }
}

/// A packet for a file: nanoseconds since 1970, octets.
pub(super) type Stamped = (u64, Vec<u8>);

pub(super) fn pcap(big: bool, nanoseconds: bool, kind: LinkType, packets: &[Stamped]) -> Vec<u8> {
    let mut file = number(big, if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }).to_vec();
    file.extend([short(big, 2), short(big, 4)].concat());
    file.extend([0; 8]);
    file.extend(number(big, 262_144));
    file.extend(number(big, kind.0.into()));
    for (time, octets) in packets {
        let unit = if nanoseconds { 1 } else { 1_000 };
        file.extend(number(big, u32::try_from(time / 1_000_000_000).unwrap()));
        file.extend(number(big, u32::try_from(time % 1_000_000_000 / unit).unwrap()));
        let length = number(big, u32::try_from(octets.len()).unwrap());
        file.extend([length, length].concat());
        file.extend(octets);
    }
    file
}

/// A block of pcapng; the body is padded to four octets.
pub(super) fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = number(big, u32::try_from(padded + 12).unwrap());
    let mut block = [number(big, kind), length].concat();
    block.extend(body);
    block.resize(8 + padded, 0);
    block.extend(length);
    block
}

pub(super) fn section(big: bool) -> Vec<u8> {
    let mut body = number(big, 0x1a2b_3c4d).to_vec();
    body.extend([short(big, 1), short(big, 0)].concat());
    body.extend([0xff; 8]);
    block(big, 0x0a0d_0d0a, &body)
}

/// An interface with these options, each code and value.
pub(super) fn interface(big: bool, kind: LinkType, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = [short(big, kind.0), [0, 0]].concat();
    body.extend(number(big, 0));
    for (code, value) in options {
        body.extend(short(big, *code));
        body.extend(short(big, u16::try_from(value.len()).unwrap()));
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(big, 1, &body)
}

/// An enhanced packet: the time in the interface's unit.
pub(super) fn enhanced(big: bool, interface: u32, stamp: u64, octets: &[u8]) -> Vec<u8> {
    let mut body = number(big, interface).to_vec();
    body.extend(number(big, u32::try_from(stamp >> 32).unwrap()));
    body.extend(number(big, u32::try_from(stamp & 0xffff_ffff).unwrap()));
    let length = number(big, u32::try_from(octets.len()).unwrap());
    body.extend([length, length].concat());
    body.extend(octets);
    block(big, 6, &body)
}

/// A ClientHello that asks for this name, in records of at most `record` octets.
pub(super) fn client_hello(name: &str, record: usize) -> Vec<u8> {
    let mut server_name = vec![0];
    server_name.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
    server_name.extend(name.as_bytes());
    let list = [&u16::try_from(server_name.len()).unwrap().to_be_bytes()[..], &server_name].concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0x13, 1, 0x13, 2, 1, 0]);
    let extension = [&[0, 0][..], &u16::try_from(list.len()).unwrap().to_be_bytes(), &list].concat();
    // Padding, as long as a hybrid key share.
    let padding = [&[0, 21, 0x05, 0][..], &[0; 0x500]].concat();
    body.extend(u16::try_from(extension.len() + padding.len()).unwrap().to_be_bytes());
    body.extend(extension);
    body.extend(padding);
    records(&message(1, &body), record)
}

/// A ServerHello of TLS 1.3.
pub(super) fn server_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.extend([0, 0x13, 1, 0, 0, 14, 0, 43, 0, 2, 3, 4, 0, 51, 0, 4, 0, 0x1d, 0, 0]);
    records(&message(2, &body), usize::MAX)
}

pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, a, b, c][..], body].concat()
}

pub(super) fn records(message: &[u8], record: usize) -> Vec<u8> {
    let records = message
        .chunks(record.min(1 << 14))
        .map(|fragment| [&[22, 3, 1][..], &u16::try_from(fragment.len()).unwrap().to_be_bytes(), fragment].concat());
    records.collect::<Vec<_>>().concat()
}
