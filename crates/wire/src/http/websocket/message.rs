//! Messages: what frames carry between applications.

use crate::reader::Reader;

use super::{Error, Frame, Opcode};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// `None` where the peer gave no reason, which reads as code 1005.
    Close(Option<Close>),
}

/// The body of a close frame (RFC 6455 section 5.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: String,
}

impl Close {
    pub const NORMAL: u16 = 1000;
    pub const GOING_AWAY: u16 = 1001;

    pub fn new(code: u16, reason: &str) -> Self {
        Self { code, reason: reason.to_owned() }
    }

    fn parse(payload: &[u8]) -> Result<Option<Self>, Error> {
        if payload.is_empty() {
            return Ok(None);
        }
        let mut reader = Reader::new(payload);
        let code = reader.u16().filter(|code| may_be_sent(*code)).ok_or(Error::Close)?;
        let reason = core::str::from_utf8(reader.rest()).map_err(|_| Error::Utf8)?;
        Ok(Some(Self::new(code, reason)))
    }
}

/// Codes that may stand in a close frame (RFC 6455 section 7.4 and the IANA registry): 1005, 1006 and 1015 are only ever
/// reported by an end to itself.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

impl Message {
    pub(super) fn from_whole(opcode: Opcode, payload: Vec<u8>) -> Result<Self, Error> {
        Ok(match opcode {
            Opcode::Text => Self::Text(String::from_utf8(payload).map_err(|_| Error::Utf8)?),
            Opcode::Binary => Self::Binary(payload),
            Opcode::Ping => Self::Ping(payload),
            Opcode::Pong => Self::Pong(payload),
            Opcode::Close => Self::Close(Close::parse(&payload)?),
            Opcode::Continuation => return Err(Error::ContinuationOfNothing),
            Opcode::Reserved(code) => return Err(Error::ReservedOpcode(code)),
        })
    }

    pub(super) fn to_frame(&self) -> Frame {
        match self {
            Self::Text(text) => Frame::new(Opcode::Text, text.as_bytes().to_vec()),
            Self::Binary(octets) => Frame::new(Opcode::Binary, octets.clone()),
            Self::Ping(octets) => Frame::new(Opcode::Ping, octets.clone()),
            Self::Pong(octets) => Frame::new(Opcode::Pong, octets.clone()),
            Self::Close(None) => Frame::new(Opcode::Close, Vec::new()),
            Self::Close(Some(Close { code, reason })) => {
                let mut payload = code.to_be_bytes().to_vec();
                payload.extend(reason.as_bytes());
                Frame::new(Opcode::Close, payload)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_frames_are_read_by_the_rules() {
        let check = |payload: &[u8], expected: Result<Option<Close>, Error>| {
            assert_eq!(
                Message::from_whole(Opcode::Close, payload.to_vec()),
                expected.map(Message::Close),
                "{payload:x?}"
            );
        };
        check(b"", Ok(None));
        check(b"\x03\xe8", Ok(Some(Close::new(1000, ""))));
        check(b"\x0f\xa0bye", Ok(Some(Close::new(4000, "bye"))));
        check(b"\x03", Err(Error::Close));
        for never in [0u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            check(&never.to_be_bytes(), Err(Error::Close));
        }
        check(b"\x03\xe8\xff", Err(Error::Utf8));
    }
}
