//! DHCP for IPv4 (RFC 2131, RFC 2132), as far as it takes to ask a server for options without asking for an address, and
//! to read what it, or the file in which a client keeps its lease, says.
//!
//! Parts of one option are joined (RFC 3396), and options that were moved into the fields `sname` and `file` are found
//! there (option 52, RFC 2132 section 9.3). A message that ends early is an error; one without an end option is not.

use std::net::Ipv4Addr;

use crate::reader::Reader;

/// What is read of one message. Servers keep to 576 octets unless told that more would do (RFC 2131 section 2).
pub const MESSAGE_LIMIT: usize = 16 * 1024;
/// Options kept of one message.
const OPTIONS_LIMIT: usize = 256;
/// Octets before the options, the magic cookie not included.
const FIXED_LENGTH: usize = 236;
const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];

/// Codes of options (IANA, BOOTP Vendor Extensions and DHCP Options).
pub mod option {
    pub const PAD: u8 = 0;
    pub const DOMAIN_NAME: u8 = 15;
    pub const OVERLOAD: u8 = 52;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER_IDENTIFIER: u8 = 54;
    pub const PARAMETER_REQUEST_LIST: u8 = 55;
    pub const CLIENT_IDENTIFIER: u8 = 61;
    /// The URL of a proxy auto-configuration script. Of the private range; the meaning is that of the Internet-Draft
    /// draft-ietf-wrec-wpad-01, section 4.4.1.
    pub const WPAD: u8 = 252;
    pub const END: u8 = 255;
}

/// Values of the option message type (RFC 2132 section 9.6).
pub mod message_type {
    pub const ACK: u8 = 5;
    pub const INFORM: u8 = 8;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Request,
    Reply,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub op: Op,
    pub transaction: u32,
    /// The client's own address, where it has one: that is where the answer goes.
    pub client: Ipv4Addr,
    /// The address that the server gives.
    pub yours: Ipv4Addr,
    /// The client's Ethernet address.
    pub hardware: [u8; 6],
    /// Code and value, in the order in which each code came first.
    pub options: Vec<(u8, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the message ends early")]
    Short,
    #[error("the message is longer than {MESSAGE_LIMIT} octets")]
    TooLong,
    #[error("this is not a DHCP message")]
    NotDhcp,
    #[error("the message has more than {OPTIONS_LIMIT} options")]
    TooManyOptions,
}

impl Message {
    /// A question for options alone by a client that has an address already (RFC 2131 section 4.4.3).
    pub fn inform(transaction: u32, client: Ipv4Addr, hardware: [u8; 6], wanted: &[u8]) -> Self {
        let identifier = [&[ETHERNET][..], &hardware].concat();
        Self {
            op: Op::Request,
            transaction,
            client,
            yours: Ipv4Addr::UNSPECIFIED,
            hardware,
            options: vec![
                (option::MESSAGE_TYPE, vec![message_type::INFORM]),
                (option::CLIENT_IDENTIFIER, identifier),
                (option::PARAMETER_REQUEST_LIST, wanted.to_vec()),
            ],
        }
    }

    pub fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|option| option.0 == code).map(|option| option.1.as_slice())
    }

    pub fn message_type(&self) -> Option<u8> {
        self.option(option::MESSAGE_TYPE)?.first().copied()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(300);
        let op = match self.op {
            Op::Request => 1,
            Op::Reply => 2,
        };
        out.extend([op, ETHERNET, 6, 0]);
        out.extend(self.transaction.to_be_bytes());
        // Seconds since the client began, and flags: nobody needs to broadcast to us, for we have an address.
        out.extend([0; 4]);
        out.extend(self.client.octets());
        out.extend(self.yours.octets());
        out.extend([0; 8]);
        out.extend(self.hardware);
        out.resize(FIXED_LENGTH, 0);
        out.extend(MAGIC_COOKIE);
        for (code, value) in &self.options {
            let mut pieces = value.chunks(255);
            // An empty value is one empty piece.
            let first = pieces.next().unwrap_or_default();
            for piece in std::iter::once(first).chain(pieces) {
                out.push(*code);
                crate::writer::vector8(piece, &mut out);
            }
        }
        out.push(option::END);
        // Some servers drop what is shorter than BOOTP had it (RFC 1542 section 2.1).
        out.resize(out.len().max(300), option::PAD);
        out
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MESSAGE_LIMIT {
            return Err(Error::TooLong);
        }
        let mut reader = Reader::new(bytes);
        let [op, hardware_type, hardware_length, _hops] = reader.array().ok_or(Error::Short)?;
        let op = match (op, hardware_type, hardware_length) {
            (1, ETHERNET, 6) => Op::Request,
            (2, ETHERNET, 6) => Op::Reply,
            _ => return Err(Error::NotDhcp),
        };
        let transaction = reader.u32().ok_or(Error::Short)?;
        reader.take(4).ok_or(Error::Short)?;
        let address = |reader: &mut Reader<'_>| reader.array::<4>().map(Ipv4Addr::from).ok_or(Error::Short);
        let client = address(&mut reader)?;
        let yours = address(&mut reader)?;
        reader.take(8).ok_or(Error::Short)?;
        let hardware = reader.array().ok_or(Error::Short)?;
        reader.take(10).ok_or(Error::Short)?;
        let sname = reader.take(64).ok_or(Error::Short)?;
        let file = reader.take(128).ok_or(Error::Short)?;
        if reader.array().ok_or(Error::Short)? != MAGIC_COOKIE {
            return Err(Error::NotDhcp);
        }
        let mut options = Vec::new();
        read_options(&mut reader, &mut options)?;
        let overload =
            options.iter().find(|(code, _)| *code == option::OVERLOAD).and_then(|(_, value)| value.first().copied());
        // The order is that of RFC 3396 section 5: first the options, then file, then sname.
        if matches!(overload, Some(1 | 3)) {
            read_options(&mut Reader::new(file), &mut options)?;
        }
        if matches!(overload, Some(2 | 3)) {
            read_options(&mut Reader::new(sname), &mut options)?;
        }
        Ok(Self { op, transaction, client, yours, hardware, options })
    }
}

/// The hardware type of Ethernet (IANA ARP Parameters).
const ETHERNET: u8 = 1;

fn read_options(reader: &mut Reader<'_>, options: &mut Vec<(u8, Vec<u8>)>) -> Result<(), Error> {
    while let Some(code) = reader.u8() {
        match code {
            option::PAD => continue,
            option::END => return Ok(()),
            _ => {}
        }
        let value = reader.vector8().ok_or(Error::Short)?;
        if let Some((_, joined)) = options.iter_mut().find(|option| option.0 == code) {
            joined.extend(value);
        } else if options.len() < OPTIONS_LIMIT {
            options.push((code, value.to_vec()));
        } else {
            return Err(Error::TooManyOptions);
        }
    }
    Ok(())
}

/// The URL of option 252. Servers end it with a zero, a line end or nothing, because its specification never said.
pub fn wpad_url(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(options: Vec<(u8, Vec<u8>)>) -> Message {
        Message {
            op: Op::Reply,
            transaction: 7,
            client: Ipv4Addr::new(192, 0, 2, 9),
            yours: Ipv4Addr::UNSPECIFIED,
            hardware: [2, 0, 0, 0, 0, 9],
            options,
        }
    }

    #[test]
    fn a_question_for_options_has_an_address_and_asks_for_none() {
        let question = Message::inform(7, Ipv4Addr::new(192, 0, 2, 9), [2, 0, 0, 0, 0, 9], &[option::WPAD]);
        let bytes = question.encode();
        assert_eq!(bytes.len(), 300);
        assert_eq!(bytes[..4], [1, 1, 6, 0]);
        assert_eq!(bytes[12..16], [192, 0, 2, 9]);
        assert_eq!(bytes[236..243], [99, 130, 83, 99, 53, 1, 8]);
        assert_eq!(Message::parse(&bytes).unwrap().message_type(), Some(message_type::INFORM));
    }

    #[test]
    fn options_in_other_fields_are_found() {
        let mut bytes = reply(vec![(option::OVERLOAD, vec![3]), (option::WPAD, b"http://".to_vec())]).encode();
        // In `file`, the second part of the URL; in `sname`, the type.
        bytes[108..114].copy_from_slice(&[option::WPAD, 3, b'w', b'/', b'x', option::END]);
        bytes[44..48].copy_from_slice(&[option::MESSAGE_TYPE, 1, message_type::ACK, option::END]);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.option(option::WPAD), Some(&b"http://w/x"[..]));
        assert_eq!(message.message_type(), Some(message_type::ACK));
    }

    #[test]
    fn what_is_not_a_message_is_refused() {
        let bytes = reply(vec![(option::WPAD, b"x".to_vec())]).encode();
        for length in 0..243 {
            assert_eq!(Message::parse(&bytes[..length]).err(), (length != 240).then_some(Error::Short), "{length}");
        }
        let mut other = bytes.clone();
        other[0] = 9;
        assert_eq!(Message::parse(&other), Err(Error::NotDhcp));
        other = bytes.clone();
        other[236] = 0;
        assert_eq!(Message::parse(&other), Err(Error::NotDhcp));
        assert_eq!(Message::parse(&vec![1; MESSAGE_LIMIT + 1]), Err(Error::TooLong));
    }

    #[test]
    fn urls_are_freed_of_what_servers_add() {
        assert_eq!(wpad_url(b"http://wpad.example/wpad.dat\0"), Some("http://wpad.example/wpad.dat"));
        assert_eq!(wpad_url(b"http://wpad.example/wpad.dat\n"), Some("http://wpad.example/wpad.dat"));
        for nothing in [&b""[..], b"\n", b"\0", b"a\x07b", &[0xff]] {
            assert_eq!(wpad_url(nothing), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            transaction: u32,
            client: u32,
            yours: u32,
            hardware: [u8; 6],
            options in proptest::collection::btree_map(
                (1u8..255).prop_filter("moves options", |code| *code != option::OVERLOAD),
                proptest::collection::vec(any::<u8>(), 0..600),
                0..8,
            ),
        ) {
            let options = options.into_iter().collect();
            let message = Message {
                op: Op::Reply, transaction, client: client.into(), yours: yours.into(), hardware, options,
            };
            prop_assert_eq!(Message::parse(&message.encode()), Ok(message));
        }

        #[test]
        fn any_octets_are_a_message_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Message::parse(&bytes);
            for (at, octet) in [(0, 2), (1, 1), (2, 6), (236, 99), (237, 130), (238, 83), (239, 99)] {
                if let Some(place) = bytes.get_mut(at) {
                    *place = octet;
                }
            }
            if let Ok(message) = Message::parse(&bytes) {
                for (_, value) in &message.options {
                    let _ = wpad_url(value);
                }
            }
        }
    }
}
