//! The client's direction: what comes before TLS, then the ClientHello.

use super::prologue::{self, Found};
use crate::tls::{Error, FirstMessage, handshake};

#[derive(Debug)]
pub(super) struct ClientSide {
    phase: Phase,
    prologue: Option<String>,
    /// Octets of TLS that were read.
    read: usize,
}

#[derive(Debug)]
enum Phase {
    /// The octets so far, and how many of them were searched for TLS.
    Clear {
        octets: Vec<u8>,
        searched: usize,
    },
    Tls(Box<FirstMessage>),
    Hello(Vec<u8>),
    Damaged(Error),
    /// A ClientHello in the format of SSL 2.0. It has no extensions: no name, no groups, nothing that a fingerprint of today
    /// could be made from.
    Version2,
    /// Something else than TLS.
    Other,
}

impl ClientSide {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Clear { octets: Vec::new(), searched: 0 }, prologue: None, read: 0 }
    }

    /// Takes the next octets of the stream. Says whether an answer is due from now on.
    pub(super) fn push(&mut self, octets: &[u8]) -> bool {
        match &mut self.phase {
            Phase::Clear { octets: clear, .. } if clear.is_empty() && octets.starts_with(&[22, 3]) => {
                self.phase = Phase::Tls(Box::default());
                self.records(octets)
            }
            Phase::Clear { octets: clear, searched } => {
                let room = prologue::MAX_PROLOGUE.saturating_sub(clear.len());
                clear.extend(octets.iter().take(room));
                let found = prologue::find(clear, *searched);
                *searched = clear.len().saturating_sub(prologue::LOOK - 1);
                match found {
                    Found::NotYet => false,
                    Found::Never => {
                        self.phase = Phase::Other;
                        false
                    }
                    Found::Version2 => {
                        self.phase = Phase::Version2;
                        true
                    }
                    Found::At(at) => {
                        let rest = clear.split_off(at.min(clear.len()));
                        if at > 0 {
                            self.prologue = Some(prologue::name(clear));
                        }
                        self.phase = Phase::Tls(Box::default());
                        self.records(&rest) || self.records(octets.get(room..).unwrap_or_default())
                    }
                }
            }
            Phase::Tls(_) => self.records(octets),
            Phase::Hello(_) | Phase::Damaged(_) | Phase::Version2 | Phase::Other => false,
        }
    }

    fn records(&mut self, octets: &[u8]) -> bool {
        let Phase::Tls(first) = &mut self.phase else { return false };
        self.read = self.read.saturating_add(octets.len());
        match first.push(octets) {
            Ok(None) => false,
            Ok(Some(message)) if message.first() == Some(&handshake::CLIENT_HELLO) => {
                self.phase = Phase::Hello(message);
                true
            }
            // A connection that the capture joined later than its ClientHello, or another protocol.
            Ok(Some(_)) | Err(Error::NotTls { .. } | Error::UnexpectedRecord(_)) => {
                self.phase = Phase::Other;
                false
            }
            Err(error) => {
                self.phase = Phase::Damaged(error);
                false
            }
        }
    }

    /// The message, with its four octets of header.
    pub(super) fn hello(&self) -> Option<&[u8]> {
        match &self.phase {
            Phase::Hello(message) => Some(message),
            _ => None,
        }
    }

    pub(super) fn into_hello(self) -> Option<Vec<u8>> {
        match self.phase {
            Phase::Hello(message) => Some(message),
            _ => None,
        }
    }

    pub(super) fn prologue(&self) -> Option<&str> {
        self.prologue.as_deref()
    }

    /// Whether nothing of this stream is worth reading any more.
    pub(super) fn is_other(&self) -> bool {
        matches!(self.phase, Phase::Other)
    }

    /// Whether the stream is TLS as far as it was seen.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.phase, Phase::Tls(_) | Phase::Hello(_) | Phase::Damaged(_) | Phase::Version2)
    }

    /// Whether the hello says to be longer than any that is read.
    pub(super) fn is_too_large(&self) -> bool {
        matches!(self.phase, Phase::Damaged(Error::TooLarge { .. }))
    }

    /// What is wrong where no hello came out.
    pub(super) fn damage(&self) -> Option<String> {
        match &self.phase {
            Phase::Damaged(error) => Some(format!("ClientHello: {error}")),
            Phase::Version2 => Some("a ClientHello in the format of SSL 2.0".to_owned()),
            Phase::Tls(_) => Some(format!("ClientHello: cut off after {} octets of TLS", self.read)),
            Phase::Clear { .. } | Phase::Hello(_) | Phase::Other => None,
        }
    }

    /// Octets in memory, at most.
    pub(super) fn held(&self) -> usize {
        match &self.phase {
            Phase::Clear { octets, .. } => octets.len(),
            Phase::Tls(_) => self.read,
            Phase::Hello(message) => message.len(),
            Phase::Damaged(_) | Phase::Version2 | Phase::Other => 0,
        }
    }
}
