//! Handshake messages (RFC 8446 section 4): type, length in three octets, body.

use crate::reader::Reader;

use super::Error;

pub(crate) const CLIENT_HELLO: u8 = 1;
pub(crate) const SERVER_HELLO: u8 = 2;
pub(super) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(crate) const CERTIFICATE: u8 = 11;
pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(crate) const SERVER_HELLO_DONE: u8 = 14;
pub(super) const CERTIFICATE_STATUS: u8 = 22;

/// Octets of type and length.
pub(crate) const HEADER: usize = 4;

/// The longest hello that is read, without its header. Hybrid key shares and ECH make about 2 kB; a record of several
/// hellos that long would still be far below.
pub(super) const MAX_HELLO: usize = 64 * 1024;

/// The body of a message that must be of type `due` and end where its length says.
pub(super) fn body(message: &[u8], due: u8) -> Result<&[u8], Error> {
    let mut reader = Reader::new(message);
    let found = reader.u8().ok_or(Error::Truncated("the handshake message"))?;
    if found != due {
        return Err(Error::UnexpectedMessage { due, found });
    }
    let length = length(&mut reader).ok_or(Error::Truncated("the handshake message"))?;
    if length > MAX_HELLO {
        return Err(Error::TooLarge { what: "the hello", limit: MAX_HELLO });
    }
    let body = reader.take(length).ok_or(Error::Truncated("the handshake message"))?;
    if reader.is_empty() { Ok(body) } else { Err(Error::Malformed("the end of the message")) }
}

/// A message with its header. `body` is at most [`MAX_HELLO`] long in everything that is written here; a longer one
/// would be cut off rather than framed wrongly.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).min(0x00ff_ffff);
    let [_, a, b, c] = length.to_be_bytes();
    let mut message = vec![kind, a, b, c];
    message.extend(body.iter().take(usize::try_from(length).unwrap_or(usize::MAX)));
    message
}

/// Joins the pieces in which messages travel (records, CRYPTO frames) and cuts them into messages again.
#[derive(Clone, Debug)]
pub(crate) struct Messages {
    buffer: Vec<u8>,
    limit: usize,
}

impl Messages {
    /// For hellos: bodies of at most 64 KiB.
    pub(crate) fn of_hellos() -> Self {
        Self::new(MAX_HELLO)
    }

    pub(super) fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), limit }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The next whole message, header included. A message that is longer than the limit is refused as soon as its
    /// header is there, so that no more than the limit and one piece is ever held.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut reader = Reader::new(&self.buffer);
        let Some(length) = reader.u8().and_then(|_| length(&mut reader)) else { return Ok(None) };
        if length > self.limit {
            return Err(Error::TooLarge { what: "a handshake message", limit: self.limit });
        }
        let end = HEADER.saturating_add(length);
        if self.buffer.len() < end {
            return Ok(None);
        }
        let rest = self.buffer.split_off(end);
        Ok(Some(core::mem::replace(&mut self.buffer, rest)))
    }

    /// Whether nothing waits for its remainder.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

fn length(reader: &mut Reader<'_>) -> Option<usize> {
    reader.u24().and_then(|length| usize::try_from(length).ok())
}
