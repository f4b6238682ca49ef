//! The record layer (RFC 8446 section 5.1), one direction of one connection: octets in, records or the first handshake
//! message out.

use crate::reader::Reader;
use crate::writer::vector16;

use super::{Error, Messages};

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// Octets of type, version and length.
pub(super) const HEADER: usize = 5;
/// Content of one record (RFC 8446 section 5.1), and what encryption may add to it (section 5.2; the older limit of
/// 2048 octets in RFC 5246 section 6.2.3 concerns records that are never opened here).
pub(super) const MAX_PLAINTEXT: usize = 1 << 14;
const MAX_CIPHERTEXT: usize = MAX_PLAINTEXT + 256;

/// Reads the first handshake message of one direction: a ClientHello or a ServerHello.
///
/// The octets may come in any pieces, and the message may be spread over records. Nothing may come before it: an alert
/// is [`Error::Alert`] (but for the warning `unrecognized_name`, after which old servers go on), other octets than TLS are [`Error::NotTls`]. Apart from how many octets `NotTls` could keep, the
/// result does not depend on how the stream was cut. At most 64 KiB, one record and one pushed piece are held.
#[derive(Clone, Debug)]
pub struct FirstMessage {
    records: Records,
    messages: Messages,
    end: Option<Result<(), Error>>,
}

impl Default for FirstMessage {
    fn default() -> Self {
        Self::new()
    }
}

impl FirstMessage {
    pub fn new() -> Self {
        Self { records: Records::default(), messages: Messages::of_hellos(), end: None }
    }

    /// Gives the message once, with its four octets of header; `None` before and after that. An error is given again at
    /// each further push.
    pub fn push(&mut self, octets: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match &self.end {
            Some(end) => return end.clone().map(|()| None),
            None => self.records.push(octets),
        }
        let result = self.read();
        match &result {
            Ok(None) => {}
            Ok(Some(_)) => self.finish(Ok(())),
            Err(error) => self.finish(Err(error.clone())),
        }
        result
    }

    fn read(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while let Some(record) = self.records.next()? {
            match record.content_type {
                HANDSHAKE => self.messages.push(&record.fragment),
                ALERT => alert(&record.fragment)?,
                other => return Err(Error::UnexpectedRecord(other)),
            }
            if let Some(message) = self.messages.next()? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    fn finish(&mut self, end: Result<(), Error>) {
        self.end = Some(end);
        self.records = Records::default();
        self.messages = Messages::of_hellos();
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) content_type: u8,
    /// As it stood in the header: it is authenticated together with what it frames (RFC 8446 section 5.2).
    pub(super) header: [u8; HEADER],
    pub(crate) fragment: Vec<u8>,
}

/// Cuts a stream into records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    buffer: Vec<u8>,
    /// Octets of the buffer that were given out already.
    read: usize,
}

impl Records {
    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.buffer.drain(..self.read.min(self.buffer.len()));
        self.read = 0;
        self.buffer.extend_from_slice(octets);
    }

    pub(crate) fn next(&mut self) -> Result<Option<Record>, Error> {
        let unread = self.buffer.get(self.read..).unwrap_or_default();
        let mut reader = Reader::new(unread);
        let not_tls = || Error::NotTls { first: unread.iter().take(Error::FIRST_OCTETS).copied().collect() };

        let Some(content_type) = reader.u8() else { return Ok(None) };
        if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content_type) {
            return Err(not_tls());
        }
        // Every version from SSL 3.0 to TLS 1.3 has a 3 here; the minor number was never used consistently.
        let Some(major) = reader.u8() else { return Ok(None) };
        if major != 3 {
            return Err(not_tls());
        }
        let Some((minor, length)) = reader.u8().zip(reader.u16()) else { return Ok(None) };
        let limit = if content_type == APPLICATION_DATA { MAX_CIPHERTEXT } else { MAX_PLAINTEXT };
        if usize::from(length) > limit {
            return Err(Error::TooLarge { what: "a record", limit });
        }
        if length == 0 && content_type != APPLICATION_DATA {
            return Err(Error::Malformed("a record without content"));
        }
        let Some(fragment) = reader.take(length.into()) else { return Ok(None) };
        let fragment = fragment.to_vec();
        let [high, low] = length.to_be_bytes();
        self.read = self.read.saturating_add(HEADER).saturating_add(fragment.len());
        Ok(Some(Record { content_type, header: [content_type, major, minor, high, low], fragment }))
    }
}

/// One handshake message as records of protocol version 3.1, as a first ClientHello travels (RFC 8446 section 5.1).
pub(super) fn handshake_records(message: &[u8]) -> Vec<u8> {
    let mut records = Vec::with_capacity(message.len() + HEADER);
    for fragment in message.chunks(MAX_PLAINTEXT) {
        records.extend([HANDSHAKE, 3, 1]);
        vector16(fragment, &mut records);
    }
    records
}

/// What an alert record says (RFC 8446 section 6): always two octets, and never spread over records. All alerts end the
/// handshake but one: older servers warn that they do not know the name and then go on (RFC 6066 section 3).
pub(super) fn alert(fragment: &[u8]) -> Result<(), Error> {
    const WARNING: u8 = 1;
    const UNRECOGNIZED_NAME: u8 = 112;
    match fragment {
        [WARNING, UNRECOGNIZED_NAME] => Ok(()),
        &[level, description] => Err(Error::Alert { level, description }),
        _ => Err(Error::Malformed("an alert")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(content_type: u8, fragment: &[u8]) -> Vec<u8> {
        let mut record = vec![content_type, 3, 3];
        vector16(fragment, &mut record);
        record
    }

    fn push_all(octets: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        FirstMessage::new().push(octets)
    }

    #[test]
    fn the_message_is_given_once() {
        let message = [1, 0, 0, 2, 9, 9];
        let mut first = FirstMessage::new();
        assert_eq!(first.push(&record(HANDSHAKE, &message[..3])), Ok(None));
        // The rest of the message and the start of another one in the same record.
        let rest = [&message[3..], &[11, 0, 0, 1]].concat();
        assert_eq!(first.push(&record(HANDSHAKE, &rest)), Ok(Some(message.to_vec())));
        assert_eq!(first.push(b"whatever follows"), Ok(None));
    }

    #[test]
    fn what_is_not_the_message_is_named() {
        for (octets, error) in [
            (b"HTTP/1.1 403 Forbidden\r\n".to_vec(), Error::NotTls { first: b"HTTP/1.1 403 Forbidden\r\n".to_vec() }),
            (vec![0x80, 0x2e, 1, 3, 1], Error::NotTls { first: vec![0x80, 0x2e, 1, 3, 1] }),
            (vec![22, 2, 0], Error::NotTls { first: vec![22, 2, 0] }),
            (record(ALERT, &[2, 40]), Error::Alert { level: 2, description: 40 }),
            (record(ALERT, &[1, 0]), Error::Alert { level: 1, description: 0 }),
            (record(ALERT, &[2]), Error::Malformed("an alert")),
            (record(APPLICATION_DATA, &[1]), Error::UnexpectedRecord(APPLICATION_DATA)),
            (record(CHANGE_CIPHER_SPEC, &[1]), Error::UnexpectedRecord(CHANGE_CIPHER_SPEC)),
            (record(HANDSHAKE, &[]), Error::Malformed("a record without content")),
            (vec![22, 3, 1, 0x40, 1], Error::TooLarge { what: "a record", limit: MAX_PLAINTEXT }),
            (record(HANDSHAKE, &[1, 1, 0, 1]), Error::TooLarge { what: "a handshake message", limit: 65536 }),
        ] {
            let mut first = FirstMessage::new();
            assert_eq!(first.push(&octets), Err(error.clone()), "{octets:x?}");
            assert_eq!(first.push(&record(HANDSHAKE, &[1, 0, 0, 0])), Err(error), "an error lasts");
        }
        let long = vec![b'x'; 1000];
        assert_eq!(push_all(&long), Err(Error::NotTls { first: vec![b'x'; Error::FIRST_OCTETS] }));
        assert_eq!(
            push_all(b"HTTP/1.1 400\r\n").unwrap_err().to_string(),
            r#"not TLS; it begins with "HTTP/1.1 400\r\n""#
        );
    }

    #[test]
    fn a_server_that_does_not_know_the_name_may_warn_and_go_on() {
        let octets = [record(ALERT, &[1, 112]), record(HANDSHAKE, &[2, 0, 0, 0])].concat();
        assert_eq!(push_all(&octets), Ok(Some(vec![2, 0, 0, 0])));
        assert_eq!(push_all(&record(ALERT, &[2, 112])), Err(Error::Alert { level: 2, description: 112 }));
    }

    #[test]
    fn the_longest_hello_is_read() {
        let message = [&[1, 1, 0, 0][..], &vec![7; 65536]].concat();
        assert_eq!(push_all(&handshake_records(&message)), Ok(Some(message)));
    }

    /// The first result that is not "more octets, please".
    fn in_pieces(octets: &[u8], cuts: &[usize]) -> Result<Option<Vec<u8>>, Error> {
        let mut first = FirstMessage::new();
        for piece in cuts.windows(2) {
            match first.push(&octets[piece[0]..piece[1]]) {
                Ok(None) => {}
                end => return end,
            }
        }
        Ok(None)
    }

    fn cuts(indices: &[prop::sample::Index], length: usize) -> Vec<usize> {
        let mut cuts: Vec<usize> = indices.iter().map(|index| index.index(length + 1)).collect();
        cuts.extend([0, length]);
        cuts.sort_unstable();
        cuts
    }

    /// How much of a foreign protocol was at hand depends on the pieces, and nothing else does.
    fn without_first(result: Result<Option<Vec<u8>>, Error>) -> Result<Option<Vec<u8>>, Error> {
        match result {
            Err(Error::NotTls { .. }) => Err(Error::NotTls { first: vec![] }),
            other => other,
        }
    }

    proptest! {
        #[test]
        fn messages_arrive_however_they_are_cut(
            body in prop::collection::vec(any::<u8>(), 0..400),
            fragments in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
            pieces in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let message = super::super::handshake::message(1, &body);
            let mut octets = Vec::new();
            for fragment in cuts(&fragments, message.len()).windows(2).filter(|cut| cut[0] < cut[1]) {
                octets.extend(record(HANDSHAKE, &message[fragment[0]..fragment[1]]));
            }
            prop_assert_eq!(in_pieces(&octets, &cuts(&pieces, octets.len())), Ok(Some(message)));
            for end in 0..octets.len() {
                prop_assert_eq!(push_all(&octets[..end]), Ok(None));
            }
        }

        #[test]
        fn any_octets_are_read_alike_however_they_are_cut(
            start in prop::sample::select(vec![&b""[..], b"\x16\x03", b"\x16\x03\x01\x00", b"\x15\x03\x03\x00\x02"]),
            octets in prop::collection::vec(any::<u8>(), 0..120),
            pieces in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let octets = [start, &octets].concat();
            let whole = without_first(push_all(&octets));
            prop_assert_eq!(without_first(in_pieces(&octets, &cuts(&pieces, octets.len()))), whole);
        }
    }
}
