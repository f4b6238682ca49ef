//! A TLS handshake that goes only as far as the server's certificates.
//!
//! Certificate Transparency timestamps can come in the handshake itself, either in an extension of their own (RFC 6962
//! section 3.3.1) or inside of a stapled OCSP response (section 3.3). TLS libraries no longer ask for the former. This
//! client asks for both, over TLS 1.3 and 1.2, takes what it is shown and stops; the caller closes the connection.
//!
//! **What it proves.** Nothing about who answered: no signature of the server is checked, so a chain could be shown here
//! by anybody who has it. It is one more view of what is presented on a path; possession of the key is proven by the
//! handshakes that the real library completes.
//!
//! **In and out.** [`TimestampClient::hello`] is to be sent; everything that comes back goes into
//! [`TimestampClient::receive`], in any pieces, until it gives the [`ServerFlight`]. In TLS 1.3 the certificates are
//! encrypted under a Diffie-Hellman secret of the two hellos (RFC 8446 section 7.1), so a key exchange is made; in TLS 1.2
//! they come in the clear before one.
//!
//! **Limits.** The Certificate message may hold 512 KiB, which is a chain of some 300 certificates, and 1024 entries; all
//! records together may hold 1 MiB. A HelloRetryRequest ends the attempt: shares for the three groups that servers prefer
//! are sent at once, so that only a server that wants none of them, or a cookie, asks again.

mod certificate;
mod hello;
mod key_schedule;

use model::HostName;

use super::handshake::{self, HEADER as MESSAGE_HEADER, Messages};
use super::record::{self, HEADER as RECORD_HEADER, Record, Records};
use super::{Error, ServerHello, extension, names};

use certificate::Certificates;
use hello::KeyShare;
use key_schedule::RecordOpener;

/// The body of one handshake message.
const MAX_MESSAGE: usize = 512 * 1024;
/// All records of the server's flight, headers included.
const MAX_FLIGHT: usize = 1024 * 1024;

/// What the server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFlight {
    /// 0x0304 is TLS 1.3, 0x0303 is TLS 1.2.
    pub version: u16,
    /// The chain in DER, in the order in which it came; at least the leaf.
    pub certificates: Vec<Vec<u8>>,
    /// The SignedCertificateTimestampList (RFC 6962 section 3.3) as sent; absent where the server sent none.
    pub sct_list: Option<Vec<u8>>,
    /// The stapled OCSPResponse in DER (RFC 6066 section 8); absent where the server sent none.
    pub ocsp: Option<Vec<u8>>,
}

/// A handshake up to the certificates: sans-IO, one connection, nothing verified.
#[derive(Debug)]
pub struct TimestampClient {
    /// The ClientHello message: part of the transcript that the keys are derived from.
    hello: Vec<u8>,
    shares: Vec<KeyShare>,
    records: Records,
    messages: Messages,
    /// Octets of all records that were read.
    read: usize,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    ServerHello,
    /// TLS 1.2 and before.
    Clear(Clear),
    /// TLS 1.3.
    Encrypted(RecordOpener),
    Finished(Result<(), Error>),
}

#[derive(Debug)]
struct Clear {
    version: u16,
    sct_list: Option<Vec<u8>>,
    /// The server announced a CertificateStatus message; it may still leave it out (RFC 6066 section 8).
    status_announced: bool,
    certificates: Option<Vec<Vec<u8>>>,
}

impl TimestampClient {
    /// Fails only where this machine gives no random numbers.
    pub fn new(host: &HostName) -> Result<Self, Error> {
        let shares = KeyShare::generate()?;
        let hello = hello::client_hello(host, &shares)?.encode();
        Ok(Self {
            hello,
            shares,
            records: Records::default(),
            messages: Messages::new(MAX_MESSAGE),
            read: 0,
            stage: Stage::ServerHello,
        })
    }

    /// The ClientHello as records, to be sent once.
    pub fn hello(&self) -> Vec<u8> {
        record::handshake_records(&self.hello)
    }

    /// The ClientHello as a handshake message, its four octets of header included.
    pub fn hello_message(&self) -> &[u8] {
        &self.hello
    }

    /// Takes what the transport received. Gives the flight once, when all of it that matters is there; `None` before and
    /// after that. An error is given again at each further call.
    pub fn receive(&mut self, octets: &[u8]) -> Result<Option<ServerFlight>, Error> {
        if let Stage::Finished(end) = &self.stage {
            return end.clone().map(|()| None);
        }
        self.records.push(octets);
        let result = self.read_records();
        match &result {
            Ok(None) => return result,
            Ok(Some(_)) => self.stage = Stage::Finished(Ok(())),
            Err(error) => self.stage = Stage::Finished(Err(error.clone())),
        }
        self.records = Records::default();
        self.messages = Messages::new(MAX_MESSAGE);
        result
    }

    fn read_records(&mut self) -> Result<Option<ServerFlight>, Error> {
        while let Some(record) = self.records.next()? {
            self.read = self.read.saturating_add(RECORD_HEADER).saturating_add(record.fragment.len());
            if self.read > MAX_FLIGHT {
                return Err(Error::TooLarge { what: "the server's flight", limit: MAX_FLIGHT });
            }
            self.read_record(record)?;
            while let Some(message) = self.messages.next()? {
                if let Some(flight) = self.read_message(&message)? {
                    return Ok(Some(flight));
                }
            }
        }
        Ok(None)
    }

    fn read_record(&mut self, record: Record) -> Result<(), Error> {
        match (&mut self.stage, record.content_type) {
            (_, record::ALERT) => record::alert(&record.fragment),
            (Stage::ServerHello | Stage::Clear(_), record::HANDSHAKE) => {
                self.messages.push(&record.fragment);
                Ok(())
            }
            // Sent for the sake of middleboxes and without a meaning (RFC 8446 section 5).
            (Stage::Encrypted(_), record::CHANGE_CIPHER_SPEC) if record.fragment == [1] => Ok(()),
            (Stage::Encrypted(opener), record::APPLICATION_DATA) => {
                let (content_type, content) = opener.open(record)?;
                match content_type {
                    record::HANDSHAKE if content.is_empty() => Err(Error::Malformed("a record without content")),
                    record::HANDSHAKE => {
                        self.messages.push(&content);
                        Ok(())
                    }
                    record::ALERT => record::alert(&content),
                    other => Err(Error::UnexpectedRecord(other)),
                }
            }
            (_, other) => Err(Error::UnexpectedRecord(other)),
        }
    }

    fn read_message(&mut self, message: &[u8]) -> Result<Option<ServerFlight>, Error> {
        let kind = message.first().copied().unwrap_or_default();
        let body = message.get(MESSAGE_HEADER..).unwrap_or_default();
        match &mut self.stage {
            Stage::ServerHello => {
                self.stage = self.after_server_hello(message)?;
                Ok(None)
            }
            Stage::Clear(clear) => clear.read_message(kind, body),
            Stage::Encrypted(_) => read_encrypted(kind, body),
            Stage::Finished(_) => Ok(None),
        }
    }

    fn after_server_hello(&self, message: &[u8]) -> Result<Stage, Error> {
        let hello = ServerHello::parse(message)?;
        if hello.is_hello_retry_request() {
            return Err(Error::HelloRetryRequest);
        }
        match hello.version() {
            hello::TLS13 => {
                // Keys change here, and a message may not lie on both sides (RFC 8446 section 5.1).
                if !self.messages.is_empty() {
                    return Err(Error::Malformed("what follows the ServerHello in its record"));
                }
                let secret = self.agree(&hello)?;
                RecordOpener::new(hello.cipher_suite, &secret, &[&self.hello, message]).map(Stage::Encrypted)
            }
            // Only 1.2 was offered besides; a server that answers with less is read all the same, for the record.
            version @ 0x0300..=hello::TLS12 => Ok(Stage::Clear(Clear {
                version,
                sct_list: hello.extension(extension::SIGNED_CERTIFICATE_TIMESTAMP).map(<[u8]>::to_vec),
                status_announced: hello.extension(extension::STATUS_REQUEST).is_some(),
                certificates: None,
            })),
            other => Err(Error::NotOffered(names::version(other))),
        }
    }

    fn agree(&self, hello: &ServerHello) -> Result<Vec<u8>, Error> {
        let (group, public_key) = hello.key_share().ok_or(Error::Malformed("the key share"))?;
        let ours = self.shares.iter().find(|share| share.group() == group);
        ours.ok_or_else(|| Error::NotOffered(names::group(group)))?.agree(public_key)
    }
}

impl Clear {
    fn read_message(&mut self, kind: u8, body: &[u8]) -> Result<Option<ServerFlight>, Error> {
        let ocsp = match (self.certificates.is_some(), kind) {
            (false, handshake::CERTIFICATE) => {
                self.certificates = Some(certificate::read_tls12(body)?);
                if self.status_announced {
                    return Ok(None);
                }
                None
            }
            (true, handshake::CERTIFICATE_STATUS) => Some(certificate::read_status(body)?),
            (true, _) => None,
            (false, found) => return Err(Error::UnexpectedMessage { due: handshake::CERTIFICATE, found }),
        };
        Ok(self.certificates.take().map(|certificates| ServerFlight {
            version: self.version,
            certificates,
            sct_list: self.sct_list.take(),
            ocsp,
        }))
    }
}

/// A message of the server's encrypted flight (RFC 8446 section 4.3 and 4.4).
fn read_encrypted(kind: u8, body: &[u8]) -> Result<Option<ServerFlight>, Error> {
    match kind {
        // Nothing in them concerns the certificates.
        handshake::ENCRYPTED_EXTENSIONS | handshake::CERTIFICATE_REQUEST => Ok(None),
        handshake::CERTIFICATE => {
            let Certificates { certificates, sct_list, ocsp } = certificate::read_tls13(body)?;
            Ok(Some(ServerFlight { version: hello::TLS13, certificates, sct_list, ocsp }))
        }
        found => Err(Error::UnexpectedMessage { due: handshake::CERTIFICATE, found }),
    }
}

/// The messages of an encrypted flight as if their records had been opened: a fuzzer cannot encrypt.
#[cfg(feature = "fuzzing")]
pub fn read_opened(octets: &[u8]) -> Result<Option<ServerFlight>, Error> {
    let mut messages = Messages::new(MAX_MESSAGE);
    messages.push(octets);
    while let Some(message) = messages.next()? {
        let kind = message.first().copied().unwrap_or_default();
        if let Some(flight) = read_encrypted(kind, message.get(MESSAGE_HEADER..).unwrap_or_default())? {
            return Ok(Some(flight));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
