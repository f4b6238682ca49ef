//! Captures of made-up connections that say real hellos: a classic pcap file, Ethernet, IPv4, TCP.
//!
//! Checksums are zero, as where a network card fills them in after the capture.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::shell::{root, target_folder};

/// Octets of TCP payload in a full packet, with timestamps as every system sends them.
const SEGMENT: usize = 1448;
/// Plaintext of a full TLS record, and what encryption adds.
const RECORD: usize = 16 * 1024 + 17;

/// A file that goes when this does.
pub(super) struct Capture {
    pub(super) path: PathBuf,
    pub(super) octets: u64,
    pub(super) packets: u64,
    pub(super) connections: u32,
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Nothing else can be done about a file that will not go.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes `connections` connections, each of which brings `records` full TLS records from the server after both hellos. They
/// speak in turns, a record each.
pub(super) fn make(name: &str, connections: u32, records: u32) -> anyhow::Result<Capture> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { target_folder() };
    let path = folder.join(format!("truepath-bench-{}-{name}.pcap", std::process::id()));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    // From here on, whatever fails, the file goes.
    let mut capture = Capture { path, octets: 0, packets: 0, connections };
    let mut writer = Writer { out: BufWriter::with_capacity(1 << 20, file), octets: 0, packets: 0 };
    // Little-endian, microseconds, version 2.4, packets of at most 64 KiB, Ethernet.
    for field in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1] {
        writer.number(field)?;
    }
    let hellos = hellos()?;
    let mut clients: Vec<Connection> = Vec::new();
    for (number, hello) in (0..connections).zip(hellos.iter().cycle()) {
        let mut connection = Connection::new(number);
        connection.open(hello, &mut writer)?;
        connection.server_says(&server_hello(), &mut writer)?;
        clients.push(connection);
    }
    let mut record = vec![23, 3, 3];
    record.extend(u16::try_from(RECORD)?.to_be_bytes());
    record.extend(noise(RECORD));
    for _ in 0..records {
        for connection in &mut clients {
            connection.server_says(&record, &mut writer)?;
        }
    }
    writer.out.flush()?;
    (capture.octets, capture.packets) = (writer.octets, writer.packets);
    Ok(capture)
}

/// Those of the corpus that went over TCP, each in a record.
fn hellos() -> anyhow::Result<Vec<Vec<u8>>> {
    let folder = root().join("corpus/client-hello");
    let index = fs::read_to_string(folder.join("index.tsv"))?;
    let mut hellos = Vec::new();
    for row in index.lines().skip(1) {
        let mut columns = row.split('\t');
        let (Some(file), Some("tcp")) = (columns.next(), columns.next()) else { continue };
        let message = fs::read(folder.join(file))?;
        let length = u16::try_from(message.len()).with_context(|| format!("{file} does not fit a record"))?;
        hellos.push([&[22, 3, 1][..], &length.to_be_bytes(), &message].concat());
    }
    Ok(hellos)
}

/// A ServerHello of TLS 1.3 (RFC 8446 section 4.1.3) and the change of cipher that follows for the sake of old devices.
fn server_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(noise(32));
    // No session, TLS_AES_128_GCM_SHA256, no compression; supported_versions, and an X25519 key share.
    body.extend([0, 0x13, 0x01, 0, 0, 46, 0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 29, 0, 32]);
    body.extend(noise(32));
    let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
    let header = [22, 3, 3, 0, length.saturating_add(4), 2, 0, 0, length];
    [&header[..], &body, &[20, 3, 3, 0, 1, 1]].concat()
}

/// Octets without a pattern, as encrypted ones are, and always the same (xorshift).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut octets = Vec::with_capacity(length + 8);
    while octets.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        octets.extend(state.to_le_bytes());
    }
    octets.truncate(length);
    octets
}

struct Writer {
    out: BufWriter<File>,
    octets: u64,
    packets: u64,
}

impl Writer {
    fn write(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        self.octets += octets.len() as u64;
        Ok(self.out.write_all(octets)?)
    }

    fn number(&mut self, number: u32) -> anyhow::Result<()> {
        self.write(&number.to_le_bytes())
    }

    /// One packet, a microsecond after the one before.
    fn packet(&mut self, headers: &[u8], payload: &[u8]) -> anyhow::Result<()> {
        let length = u32::try_from(headers.len() + payload.len())?;
        self.number(1_764_000_000 + u32::try_from(self.packets / 1_000_000)?)?;
        self.number(u32::try_from(self.packets % 1_000_000)?)?;
        self.number(length)?;
        self.number(length)?;
        self.packets += 1;
        self.write(headers)?;
        self.write(payload)
    }
}

/// One end of a connection.
#[derive(Clone, Copy)]
struct End {
    address: Ipv4Addr,
    port: u16,
    /// Of the next octet.
    sequence: u32,
}

struct Connection {
    client: End,
    server: End,
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const PUSH: u8 = 8;

impl Connection {
    /// The number gives the client's address and port, so that no two are alike.
    fn new(number: u32) -> Self {
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 1)) + number / 10_000);
        let port = 20_000 + u16::try_from(number % 10_000).unwrap_or_default();
        Self {
            client: End { address, port, sequence: number.wrapping_mul(2_654_435_761) },
            server: End { address: Ipv4Addr::new(203, 0, 113, 1), port: 443, sequence: 7 },
        }
    }

    /// The handshake of TCP, then the hello.
    fn open(&mut self, hello: &[u8], out: &mut Writer) -> anyhow::Result<()> {
        // MSS 1460, SACK permitted, timestamps, no operation, window scale 7.
        let options = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
        out.packet(&headers(self.client, self.server, SYN, &options, 0), &[])?;
        self.client.sequence = self.client.sequence.wrapping_add(1);
        out.packet(&headers(self.server, self.client, SYN | ACK, &options, 0), &[])?;
        self.server.sequence = self.server.sequence.wrapping_add(1);
        out.packet(&headers(self.client, self.server, ACK, &TIMESTAMPS, 0), &[])?;
        says(&mut self.client, self.server, hello, out)
    }

    /// As many full packets as it takes, and the acknowledgement.
    fn server_says(&mut self, octets: &[u8], out: &mut Writer) -> anyhow::Result<()> {
        says(&mut self.server, self.client, octets, out)?;
        out.packet(&headers(self.client, self.server, ACK, &TIMESTAMPS, 0), &[])
    }
}

/// No operation twice, then timestamps.
const TIMESTAMPS: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 1];

fn says(from: &mut End, to: End, octets: &[u8], out: &mut Writer) -> anyhow::Result<()> {
    for segment in octets.chunks(SEGMENT) {
        out.packet(&headers(*from, to, ACK | PUSH, &TIMESTAMPS, segment.len()), segment)?;
        from.sequence = from.sequence.wrapping_add(u32::try_from(segment.len())?);
    }
    Ok(())
}

/// Ethernet, IPv4 and TCP.
fn headers(from: End, to: End, flags: u8, options: &[u8], payload: usize) -> Vec<u8> {
    let mut headers = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let tcp = 20 + options.len();
    let length = u16::try_from(20 + tcp + payload).unwrap_or(u16::MAX);
    headers.extend([0x45, 0]);
    headers.extend(length.to_be_bytes());
    // Identification, do not fragment, time to live 64, TCP, no checksum.
    headers.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    headers.extend(from.address.octets());
    headers.extend(to.address.octets());
    headers.extend(from.port.to_be_bytes());
    headers.extend(to.port.to_be_bytes());
    headers.extend(from.sequence.to_be_bytes());
    headers.extend(if flags == SYN { [0; 4] } else { to.sequence.to_be_bytes() });
    headers.push(u8::try_from(tcp / 4 * 16).unwrap_or(u8::MAX));
    headers.extend([flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    headers.extend(options);
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_as_long_as_its_packets_and_goes_in_the_end() {
        let capture = make("test", 3, 2).expect("it can be made");
        let octets = fs::read(&capture.path).expect("it is there");
        assert_eq!(octets.len() as u64, capture.octets);
        let (mut at, mut packets) = (24, 0);
        while at < octets.len() {
            let length = u32::from_le_bytes(*octets[at + 8..].first_chunk().expect("a header")) as usize;
            let ip = usize::from(u16::from_be_bytes([octets[at + 16 + 16], octets[at + 16 + 17]]));
            assert_eq!(length, 14 + ip);
            at += 16 + length;
            packets += 1;
        }
        assert_eq!((at, packets), (octets.len(), capture.packets));
        let path = capture.path.clone();
        drop(capture);
        assert!(!path.exists());
    }
}
