//! The hellos of QUIC handshakes, from captured datagrams: Initial packets opened, their CRYPTO frames put together.
//!
//! Initial packets are protected with keys that follow from the destination connection id of the client's first packet
//! (RFC 9001 section 5.2), so everybody on the path can open them; that protection keeps out the blind, not observers.
//! In go the UDP payloads of one flow in the order in which they were captured, each with the side that sent it; out
//! come the ClientHello and what the server answered, as handshake messages. Versions 1 (RFC 9000, 9001) and 2 (RFC 9369)
//! are read, and draft 29.
//!
//! A hello may be spread over several datagrams, since hybrid key shares do not fit one, and over many frames in any order,
//! since Chromium scatters it to keep devices on the way from relying on its place. A Retry changes the keys, a
//! compatible change of version does too (RFC 9368 section 2.3). Datagrams may come late, twice or damaged; each is used as
//! far as it goes. What a flow can hold is limited: [`MAX_PACKETS`] opened for each side and 64 KiB of their CRYPTO
//! stream.

mod connection;
mod crypto_stream;
mod error;
mod frame;
mod packet;
mod protection;
#[cfg(test)]
mod tests;
mod version;

use crate::reader::Reader;
use crate::tls::ServerHello;

use connection::Connection;
use crypto_stream::CryptoStream;
use frame::Frame;
use packet::{InitialPacket, Packet, RetryPacket};

pub use error::Error;

/// Packets of one side that are opened, or tried. A hello of 64 KiB takes about 60, and some are sent again.
pub const MAX_PACKETS: u32 = 128;

/// Whether a datagram may begin a flow: whether it begins with an Initial packet of a version that is known here. Looks at
/// its first octets alone, so that it can be asked of every datagram.
pub fn begins_with_initial(datagram: &[u8]) -> bool {
    packet::begins_with_initial(datagram)
}

/// Whether a datagram may tell a flow anything: whether it begins with a long header of a version that is known here, or
/// with that of Version Negotiation. All packets after a handshake have short headers, so this keeps the bulk away.
pub fn may_belong(datagram: &[u8]) -> bool {
    packet::has_known_long_header(datagram)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    Client,
    Server,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It belongs to this flow, and was used as far as it had anything to use.
    Taken,
    /// It begins another connection between the same addresses and ports: a new [`InitialFlow`] is due, and this datagram
    /// is its first.
    AnotherConnection,
}

/// One QUIC connection, seen from outside.
///
/// ```
/// # fn captured() -> Vec<Vec<u8>> { Vec::new() }
/// use wire::quic::initial::{InitialFlow, Sender};
///
/// let mut flow = InitialFlow::new();
/// for datagram in captured() {
///     if let Err(damage) = flow.push(Sender::Client, &datagram) {
///         eprintln!("{damage}");
///     }
///     if let Some(hello) = flow.client_hello() {
///         println!("{} octets", hello.len());
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct InitialFlow {
    /// Known from the first packet of the client that opened.
    connection: Option<Connection>,
    client: Side,
    server: Side,
    versions_offered: Vec<u32>,
    retried: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct Side {
    stream: CryptoStream,
    /// The largest packet number that was opened, plus one.
    expected: u64,
    /// Packets opened or tried.
    packets: u32,
    close: Option<u64>,
}

impl InitialFlow {
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses a datagram as far as it goes. An error tells of the first thing that was wrong in it; what else it held was
    /// used nevertheless, and the flow stays usable.
    pub fn push(&mut self, sender: Sender, datagram: &[u8]) -> Result<Progress, Error> {
        let mut rest = datagram;
        let mut result = Ok(Progress::Taken);
        let mut first = true;
        loop {
            let taken = match packet::next(&mut rest) {
                Ok(None) => return result,
                Ok(Some(Packet::Initial(packet))) => match self.initial(sender, &packet) {
                    Ok(Progress::AnotherConnection) if first => return Ok(Progress::AnotherConnection),
                    Ok(Progress::AnotherConnection) => Err(Error::Decrypt),
                    Ok(Progress::Taken) => Ok(()),
                    Err(error) => Err(error),
                },
                Ok(Some(Packet::Retry(packet))) => self.retry(sender, &packet),
                Ok(Some(Packet::VersionNegotiation(packet))) => {
                    self.version_negotiation(sender, packet);
                    Ok(())
                }
                Ok(Some(Packet::Sealed)) => Ok(()),
                Err(error) => Err(error),
            };
            result = result.and_then(|progress| taken.map(|()| progress));
            first = false;
        }
    }

    /// The version of the client's first packet.
    pub fn version(&self) -> Option<u32> {
        self.connection.as_ref().map(|connection| connection.version.number)
    }

    /// The first ClientHello, its four octets of header included, as soon as all of it is there.
    pub fn client_hello(&self) -> Option<&[u8]> {
        self.client_messages().next()
    }

    /// All whole messages of the client: after a HelloRetryRequest there are two.
    pub fn client_messages(&self) -> impl Iterator<Item = &[u8]> {
        self.client.stream.messages()
    }

    /// The whole messages of the server that everybody can read: a ServerHello, a HelloRetryRequest before it perhaps.
    pub fn server_messages(&self) -> impl Iterator<Item = &[u8]> {
        self.server.stream.messages()
    }

    /// Whether both hellos are there, so that nothing is left to wait for.
    pub fn is_complete(&self) -> bool {
        let answered = |message| ServerHello::parse(message).is_ok_and(|hello| !hello.is_hello_retry_request());
        self.client_hello().is_some() && self.server_messages().any(answered)
    }

    /// Whether there are pieces of a hello that is not whole: what this flow would leave behind if it ended now.
    pub fn is_cut(&self) -> bool {
        [&self.client, &self.server].into_iter().any(|side| {
            let whole: usize = side.stream.messages().map(<[u8]>::len).sum();
            side.stream.has_gap() || side.stream.octets().len() > whole
        })
    }

    /// Whether the server sent a Retry packet, which makes the client prove its address (RFC 9000 section 8.1.2).
    pub fn retried(&self) -> bool {
        self.retried
    }

    /// The versions in the server's Version Negotiation packet; empty where it sent none.
    pub fn versions_offered(&self) -> &[u32] {
        &self.versions_offered
    }

    /// The error code with which a side closed the connection before its handshake was at an end (RFC 9000 section 20.1).
    pub fn close_code(&self, sender: Sender) -> Option<u64> {
        match sender {
            Sender::Client => self.client.close,
            Sender::Server => self.server.close,
        }
    }

    /// The TLS alert that such a code stands for (RFC 9001 section 4.8).
    pub fn alert(&self, sender: Sender) -> Option<u8> {
        self.close_code(sender)?.checked_sub(CRYPTO_ERROR)?.try_into().ok()
    }

    /// Forgets the hellos and keys of a flow that has told all. From then on it only tells what comes late from another
    /// connection.
    pub fn close(&mut self) {
        self.closed = true;
        (self.client.stream, self.server.stream) = (CryptoStream::default(), CryptoStream::default());
        if let Some(connection) = &mut self.connection {
            connection.forget_keys();
        }
    }

    /// Octets that this flow holds in memory beside itself, about.
    pub fn held(&self) -> usize {
        let connection = self.connection.as_ref().map_or(0, Connection::held);
        let streams = self.client.stream.held().saturating_add(self.server.stream.held());
        connection.saturating_add(streams).saturating_add(self.versions_offered.capacity().saturating_mul(4))
    }

    /// Lets a fuzz target reach what is read after decryption.
    #[cfg(feature = "fuzzing")]
    #[doc(hidden)]
    pub fn push_opened(&mut self, sender: Sender, frames: &[u8]) -> Result<(), Error> {
        match sender {
            Sender::Client => self.client.read(frames, sender),
            Sender::Server => self.server.read(frames, sender),
        }
    }

    fn initial(&mut self, sender: Sender, packet: &InitialPacket<'_>) -> Result<Progress, Error> {
        let side = match sender {
            Sender::Client => &mut self.client,
            Sender::Server => &mut self.server,
        };
        if side.packets >= MAX_PACKETS {
            return Err(Error::TooManyPackets);
        }
        side.packets = side.packets.saturating_add(1);
        if let (true, Some(connection)) = (self.closed, &self.connection) {
            return Ok(connection.late(sender, packet));
        }
        let opened = match (&mut self.connection, sender) {
            (Some(connection), _) => match connection.open(sender, packet, side.expected) {
                Err(Error::Decrypt) if sender == Sender::Client && connection.is_foreign(packet) => {
                    // Tells another connection from damage: only who means it so uses these keys.
                    Connection::of(packet)?;
                    return Ok(Progress::AnotherConnection);
                }
                // From before a Retry, and late.
                Err(Error::Decrypt) if self.retried && connection.original == packet.destination => {
                    return Ok(Progress::Taken);
                }
                opened => opened?,
            },
            (none, Sender::Client) => {
                let (connection, opened) = Connection::of(packet)?;
                *none = Some(connection);
                opened
            }
            (None, Sender::Server) => return Err(Error::ServerFirst),
        };
        side.expected = side.expected.max(opened.number.saturating_add(1));
        side.read(&opened.frames, sender).map(|()| Progress::Taken)
    }

    /// RFC 9000 section 17.2.5.2: the first one counts, before any other answer of the server, and it must be one that this
    /// client's packet brought about. What does not count is passed over, as the client does.
    fn retry(&mut self, sender: Sender, packet: &RetryPacket<'_>) -> Result<(), Error> {
        let Some(connection) = &mut self.connection else { return Err(Error::ServerFirst) };
        if sender == Sender::Server && !self.retried && self.server.expected == 0 {
            self.retried = connection.retry(packet);
        }
        Ok(())
    }

    fn version_negotiation(&mut self, sender: Sender, packet: &[u8]) {
        let Some(connection) = &self.connection else { return };
        let offered = super::version_negotiation::parse(packet, &connection.original, &connection.client);
        if let (Sender::Server, true, Some(offered)) = (sender, self.versions_offered.is_empty(), offered) {
            self.versions_offered = offered.into_iter().take(MAX_VERSIONS).collect();
        }
    }
}

/// The versions that are kept of a Version Negotiation packet.
const MAX_VERSIONS: usize = 32;

/// The first of the 256 error codes that carry an alert (RFC 9000 section 20.1).
const CRYPTO_ERROR: u64 = 0x0100;

impl Side {
    /// Reads all frames; the error is that of the first that was wrong.
    fn read(&mut self, frames: &[u8], sender: Sender) -> Result<(), Error> {
        let mut frames = Reader::new(frames);
        let mut result = Ok(());
        loop {
            match frame::next(&mut frames) {
                Ok(Some(Frame::Crypto { offset, data })) => result = result.and(self.stream.insert(offset, data)),
                Ok(Some(Frame::Close(code))) => self.close = self.close.or(Some(code)),
                Ok(None) => break,
                // Without its length nobody knows where the next one begins.
                Err(error) => {
                    result = result.and(Err(error));
                    break;
                }
            }
        }
        let due = match sender {
            Sender::Client => CLIENT_HELLO,
            Sender::Server => SERVER_HELLO,
        };
        let mut first = Reader::new(self.stream.octets());
        match (first.u8(), first.u24()) {
            (Some(found), _) if found != due => result.and(Err(Error::UnexpectedMessage { due, found })),
            (_, Some(length)) if usize::try_from(length).is_ok_and(|length| length > MAX_HELLO) => {
                result.and(Err(Error::TooLarge { what: "the hello", limit: MAX_HELLO }))
            }
            _ => result,
        }
    }
}

/// A longer body would not fit into the stream with its header.
const MAX_HELLO: usize = crypto_stream::MAX_STREAM - 4;

/// RFC 8446 section 4.
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
