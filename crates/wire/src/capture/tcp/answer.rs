//! The server's direction: the part of its first flight that is in the clear.
//!
//! In TLS 1.3 that is the ServerHello, after a HelloRetryRequest perhaps; before, it goes up to ServerHelloDone and holds
//! the certificates (RFC 5246 section 7.3), or up to ChangeCipherSpec where a session is resumed. Everything is optional, a
//! server may answer with an alert alone.

use model::{Base64Bytes, CapturedServer};

use super::prologue;
use crate::reader::Reader;
use crate::tls::extension::whole;
use crate::tls::record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Records};
use crate::tls::{Error, Messages, ServerHello, handshake};
use crate::x509;

const TLS_1_3: u16 = 0x0304;

/// Octets that a server may send before TLS: the greeting of a mail server, the page of a proxy that asks for a login.
const MAX_BEFORE: usize = 256 << 10;
/// Octets of a first flight. A chain of a few certificates has 5 KB, of large ones 20.
const MAX_FLIGHT: usize = 256 << 10;
/// More certificates of one chain are not kept; honest chains have two to five.
const MAX_CERTIFICATES: usize = 32;

#[derive(Debug)]
pub(super) struct ServerSide {
    phase: Phase,
    /// Octets read in this phase.
    read: usize,
    facts: CapturedServer,
    /// Something of the server was understood.
    answered: bool,
}

#[derive(Debug)]
enum Phase {
    /// Before TLS: the last octets, among which its start may be.
    Clear(Vec<u8>),
    Tls(Box<(Records, Messages)>),
    Complete,
    Damaged(String),
}

impl ServerSide {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Clear(Vec::new()), read: 0, facts: CapturedServer::default(), answered: false }
    }

    /// Takes the next octets of the stream.
    pub(super) fn push(&mut self, octets: &[u8]) {
        match &mut self.phase {
            Phase::Clear(tail) => {
                self.read = self.read.saturating_add(octets.len());
                tail.extend_from_slice(octets);
                let is_start = self.read == tail.len();
                // A server that speaks TLS from its first octet on is taken at its word.
                let starts_so = is_start && matches!(tail.as_slice(), [ALERT | HANDSHAKE, 3, ..]);
                let at = if starts_so { Some(0) } else { prologue::search(tail, 0, prologue::is_answer) };
                if let Some(at) = at {
                    let rest = tail.split_off(at.min(tail.len()));
                    self.read = 0;
                    self.phase = Phase::Tls(Box::new((Records::default(), Messages::of_hellos())));
                    self.records(&rest);
                } else if self.read > MAX_BEFORE {
                    self.phase = Phase::Damaged("the server did not answer with TLS".to_owned());
                } else {
                    tail.drain(..tail.len().saturating_sub(prologue::LOOK - 1));
                }
            }
            Phase::Tls(_) => self.records(octets),
            Phase::Complete | Phase::Damaged(_) => {}
        }
    }

    fn records(&mut self, octets: &[u8]) {
        let Phase::Tls(reading) = &mut self.phase else { return };
        self.read = self.read.saturating_add(octets.len());
        let (records, messages) = &mut **reading;
        records.push(octets);
        match read(records, messages, &mut self.facts, &mut self.answered) {
            Ok(true) => self.phase = Phase::Complete,
            Ok(false) if self.read > MAX_FLIGHT => {
                self.phase = Phase::Damaged(format!("the server's first flight exceeds {MAX_FLIGHT} octets"));
            }
            Ok(false) => {}
            Err(error) => self.phase = Phase::Damaged(format!("the server's answer: {error}")),
        }
    }

    /// Whether all is known that can be.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Complete | Phase::Damaged(_))
    }

    pub(super) fn damage(&self) -> Option<String> {
        match &self.phase {
            Phase::Damaged(damage) => Some(damage.clone()),
            Phase::Tls(_) if self.answered || self.read > 0 => {
                Some("the server's first flight is not whole".to_owned())
            }
            _ => None,
        }
    }

    /// What the server said, where it was understood at all.
    pub(super) fn into_facts(self) -> Option<CapturedServer> {
        let Self { mut facts, answered, .. } = self;
        let leaf = facts.chain.as_ref().and_then(|chain| chain.first());
        facts.issuer = leaf.and_then(|leaf| x509::issuer_name(&leaf.0));
        answered.then_some(facts)
    }

    /// Octets in memory, at most.
    pub(super) fn held(&self) -> usize {
        let chain = self.facts.chain.iter().flatten().map(|certificate| certificate.0.len()).sum::<usize>();
        match &self.phase {
            Phase::Clear(tail) => tail.len(),
            Phase::Tls(_) => self.read.saturating_add(chain),
            Phase::Complete | Phase::Damaged(_) => chain,
        }
    }
}

/// Reads the records at hand. Says whether the flight is complete.
fn read(
    records: &mut Records,
    messages: &mut Messages,
    facts: &mut CapturedServer,
    answered: &mut bool,
) -> Result<bool, Error> {
    while let Some(record) = records.next()? {
        match record.content_type {
            HANDSHAKE => messages.push(&record.fragment),
            ALERT => {
                let [level, description] = *record.fragment else { return Err(Error::Malformed("an alert")) };
                *answered = true;
                facts.alert = Some((level, description));
                // Older servers warn that they do not know the name, and go on (RFC 6066 section 3).
                if (level, description) != (1, 112) {
                    return Ok(true);
                }
            }
            // After a HelloRetryRequest (RFC 8446 appendix D.4) the ServerHello is still to come; a server that resumes a
            // session goes on encrypted.
            CHANGE_CIPHER_SPEC if facts.retry => {}
            CHANGE_CIPHER_SPEC | APPLICATION_DATA if *answered => return Ok(true),
            other => return Err(Error::UnexpectedRecord(other)),
        }
        while let Some(message) = messages.next()? {
            *answered = true;
            if take(&message, facts)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Takes one message. Says whether it is the last one.
fn take(message: &[u8], facts: &mut CapturedServer) -> Result<bool, Error> {
    let (kind, body) = (message.first(), message.get(handshake::HEADER..).unwrap_or_default());
    match kind {
        Some(&handshake::SERVER_HELLO) => {
            let hello = ServerHello::parse(message)?;
            take_hello(&hello, facts);
            Ok(!hello.is_hello_retry_request() && hello.version() >= TLS_1_3)
        }
        Some(&handshake::CERTIFICATE) => {
            facts.chain = Some(chain(body).ok_or(Error::Malformed("the certificate list"))?);
            Ok(false)
        }
        Some(&handshake::SERVER_KEY_EXCHANGE) => {
            facts.group = named_curve(body).or(facts.group);
            Ok(false)
        }
        Some(&handshake::SERVER_HELLO_DONE) => Ok(true),
        // CertificateStatus, CertificateRequest, NewSessionTicket.
        _ => Ok(false),
    }
}

/// The group of a ServerKeyExchange with ECParameters of a named curve (RFC 8422 section 5.4). Other key exchanges name no
/// group; that this is none of them shows in that it ends where the point and the signature (RFC 5246 section 4.7, and
/// without the algorithm in older versions) say.
fn named_curve(body: &[u8]) -> Option<u16> {
    const NAMED_CURVE: u8 = 3;
    let mut reader = Reader::new(body);
    let (kind, group, point) = (reader.u8()?, reader.u16()?, reader.vector8()?);
    let rest = reader.rest();
    let is_vector = |octets: &[u8]| whole(octets, Reader::vector16).is_some();
    let is_signature = rest.is_empty() || is_vector(rest) || rest.get(2..).is_some_and(is_vector);
    (kind == NAMED_CURVE && !point.is_empty() && is_signature).then_some(group)
}

/// What a ServerHello says, of TCP or QUIC.
pub(in crate::capture) fn take_hello(hello: &ServerHello, facts: &mut CapturedServer) {
    facts.version = Some(hello.version());
    facts.cipher = Some(hello.cipher_suite);
    facts.group = hello.group().or(facts.group);
    facts.alpn = hello.alpn().map(|name| name.escape_ascii().to_string());
    facts.retry |= hello.is_hello_retry_request();
}

/// The list of RFC 5246 section 7.4.2.
fn chain(body: &[u8]) -> Option<Vec<Base64Bytes>> {
    let mut list = Reader::new(Reader::new(body).vector24()?);
    let mut chain = Vec::new();
    while !list.is_empty() {
        let certificate = list.vector24()?;
        if chain.len() < MAX_CERTIFICATES {
            chain.push(Base64Bytes(certificate.to_vec()));
        }
    }
    Some(chain)
}
