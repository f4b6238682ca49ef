//! The two directions of one connection: octets to frames and messages, and back.

use bytes::{Buf, BytesMut};

use super::frame::apply_mask;
use super::{Error, Frame, FrameHeader, Message, Opcode, deflate};

/// Which end of the connection this is: a client masks, a server does not (RFC 6455 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// In octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload of one frame, as it comes.
    pub frame: usize,
    /// Payload of one message, fragments joined and inflated.
    pub message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame: 16 << 20, message: 16 << 20 }
    }
}

/// Reads and writes the frames of one connection.
///
/// An error is given again at each further read: after it the octets have no meaning. What is held is at most one frame,
/// one message and what was last pushed. Read either frames or messages; mixing them loses the fragments of a message.
#[derive(Clone, Debug)]
pub struct Codec {
    role: Role,
    limits: Limits,
    deflate: bool,
    incoming: BytesMut,
    /// A fragmented message is under way, as far as frames go.
    fragmented: bool,
    partial: Option<Partial>,
    failed: Option<Error>,
}

/// A message of which the last fragment has not come yet.
#[derive(Clone, Debug)]
struct Partial {
    opcode: Opcode,
    compressed: bool,
    payload: Vec<u8>,
}

impl Codec {
    /// `deflate`: permessage-deflate was negotiated ([`accept_offer`](super::accept_offer),
    /// [`accept_answer`](super::accept_answer)).
    pub fn new(role: Role, deflate: bool, limits: Limits) -> Self {
        Self { role, limits, deflate, incoming: BytesMut::new(), fragmented: false, partial: None, failed: None }
    }

    /// Takes what the transport received.
    pub fn push(&mut self, octets: &[u8]) {
        if self.failed.is_none() {
            self.incoming.extend_from_slice(octets);
        }
    }

    /// The next whole frame; `None` where more octets are needed.
    #[expect(clippy::should_implement_trait, reason = "it ends where octets are missing, and goes on after a push")]
    pub fn next(&mut self) -> Result<Option<Frame>, Error> {
        self.remember_failure(Self::read_frame)
    }

    /// The next control frame or whole message, inflated; `None` where more octets are needed. Control frames come out
    /// before the fragmented message that they interrupt (RFC 6455 section 5.4).
    pub fn next_message(&mut self) -> Result<Option<Message>, Error> {
        self.remember_failure(Self::read_message)
    }

    /// A frame for the transport to send, as it stands: its bits are the caller's. A client's is masked with a fresh key.
    pub fn encode(&self, frame: &Frame) -> Result<Vec<u8>, Error> {
        let mask = match self.role {
            Role::Server => None,
            Role::Client => {
                let mut mask = [0; 4];
                aws_lc_rs::rand::fill(&mut mask).map_err(|_| Error::Random)?;
                Some(mask)
            }
        };
        let mut octets = frame.header(mask)?.encode();
        let start = octets.len();
        octets.extend_from_slice(&frame.payload);
        if let (Some(mask), Some(payload)) = (mask, octets.get_mut(start..)) {
            apply_mask(mask, payload);
        }
        Ok(octets)
    }

    /// A message in one frame, compressed where that was negotiated and makes it shorter.
    pub fn encode_message(&self, message: &Message) -> Result<Vec<u8>, Error> {
        let mut frame = message.to_frame();
        if self.deflate && !frame.opcode.is_control() {
            let packed = deflate::deflate(&frame.payload)?;
            if packed.len() < frame.payload.len() {
                frame.payload = packed;
                frame.rsv1 = true;
            }
        }
        self.encode(&frame)
    }

    fn remember_failure<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = read(self);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.incoming = BytesMut::new();
            self.partial = None;
        }
        result
    }

    fn read_frame(&mut self) -> Result<Option<Frame>, Error> {
        let Some((header, header_length)) = FrameHeader::parse(&self.incoming)? else { return Ok(None) };
        self.check(&header)?;
        let limit = self.limits.frame;
        let length = usize::try_from(header.length)
            .ok()
            .filter(|length| *length <= limit)
            .ok_or(Error::TooLarge { what: "a frame", limit })?;
        if self.incoming.len().saturating_sub(header_length) < length {
            return Ok(None);
        }
        self.incoming.advance(header_length);
        let mut payload = Vec::from(self.incoming.split_to(length));
        if let Some(mask) = header.mask {
            apply_mask(mask, &mut payload);
        }
        if !header.opcode.is_control() {
            self.fragmented = !header.fin;
        }
        let FrameHeader { fin, rsv1, rsv2, rsv3, opcode, .. } = header;
        Ok(Some(Frame { fin, rsv1, rsv2, rsv3, opcode, payload }))
    }

    /// What depends on the connection: whose turn it is to mask, which bits mean something, where a message may start.
    fn check(&self, header: &FrameHeader) -> Result<(), Error> {
        match (self.role, header.mask) {
            (Role::Server, None) => return Err(Error::NotMasked),
            (Role::Client, Some(_)) => return Err(Error::Masked),
            _ => {}
        }
        let starts_message = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        // RSV1 says "compressed" on the first frame of a message and means nothing elsewhere (RFC 7692 section 6).
        let rsv1_has_meaning = self.deflate && starts_message;
        if (header.rsv1 && !rsv1_has_meaning) || header.rsv2 || header.rsv3 {
            return Err(Error::ReservedBits { rsv1: header.rsv1, rsv2: header.rsv2, rsv3: header.rsv3 });
        }
        match (header.opcode, self.fragmented) {
            (Opcode::Continuation, false) => Err(Error::ContinuationOfNothing),
            (Opcode::Text | Opcode::Binary, true) => Err(Error::Interleaved),
            _ => Ok(()),
        }
    }

    fn read_message(&mut self) -> Result<Option<Message>, Error> {
        while let Some(frame) = self.read_frame()? {
            if frame.opcode.is_control() {
                return Message::from_whole(frame.opcode, frame.payload).map(Some);
            }
            let mut message = match self.partial.take() {
                None => Partial { opcode: frame.opcode, compressed: frame.rsv1, payload: frame.payload },
                Some(mut partial) => {
                    partial.payload.extend_from_slice(&frame.payload);
                    partial
                }
            };
            let limit = self.limits.message;
            if message.payload.len() > limit {
                return Err(Error::TooLarge { what: "a message", limit });
            }
            if !frame.fin {
                self.partial = Some(message);
                continue;
            }
            if message.compressed {
                message.payload = deflate::inflate(&message.payload, limit)?;
            }
            return Message::from_whole(message.opcode, message.payload).map(Some);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Close;
    use super::*;

    fn codec(role: Role, deflate: bool) -> Codec {
        Codec::new(role, deflate, Limits { frame: 300_000, message: 300_000 })
    }

    fn client_to_server(deflate: bool) -> (Codec, Codec) {
        (codec(Role::Client, deflate), codec(Role::Server, deflate))
    }

    /// What a server-side codec says to octets that come in one piece.
    fn read(codec: &mut Codec, octets: &[u8]) -> (Vec<Message>, Option<Error>) {
        codec.push(octets);
        let mut messages = Vec::new();
        loop {
            match codec.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return (messages, None),
                Err(error) => return (messages, Some(error)),
            }
        }
    }

    #[test]
    fn a_ping_comes_out_of_the_middle_of_a_message() {
        let (client, mut server) = client_to_server(false);
        let mut octets = Vec::new();
        for (opcode, fin, payload) in [
            (Opcode::Text, false, "Gr\u{fc}".as_bytes()),
            (Opcode::Ping, true, b"alive?"),
            (Opcode::Continuation, false, b""),
            (Opcode::Continuation, true, "\u{df}e".as_bytes()),
        ] {
            octets.extend(client.encode(&Frame { fin, ..Frame::new(opcode, payload.to_vec()) }).unwrap());
        }
        let (messages, error) = read(&mut server, &octets);
        assert_eq!(messages, [Message::Ping(b"alive?".to_vec()), Message::Text("Grüße".to_owned())]);
        assert_eq!(error, None);
    }

    #[test]
    fn rules_of_the_connection() {
        let masked = |octets: &[u8]| {
            let mut frame = vec![octets[0], octets[1] | 0x80, 0, 0, 0, 0];
            frame.extend(&octets[2..]);
            frame
        };
        for (octets, error) in [
            (b"\x81\x00".to_vec(), Error::NotMasked),
            (masked(b"\x80\x00"), Error::ContinuationOfNothing),
            ([masked(b"\x01\x00"), masked(b"\x01\x00")].concat(), Error::Interleaved),
            (masked(b"\x91\x00"), Error::ReservedBits { rsv1: false, rsv2: false, rsv3: true }),
            (masked(b"\xc1\x00"), Error::ReservedBits { rsv1: true, rsv2: false, rsv3: false }),
            (masked(b"\x81\x01\xff"), Error::Utf8),
            (
                b"\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xff\0\0\0\0".to_vec(),
                Error::TooLarge { what: "a frame", limit: 300_000 },
            ),
        ] {
            let mut server = codec(Role::Server, false);
            assert_eq!(read(&mut server, &octets), (vec![], Some(error.clone())), "{octets:x?}");
            server.push(&masked(b"\x81\x00"));
            assert_eq!(server.next_message(), Err(error), "after an error nothing has a meaning");
        }
        assert_eq!(codec(Role::Client, false).read_from(b"\x81\x80\0\0\0\0"), Err(Error::Masked));
        // With the extension RSV1 means compressed, but only where a message starts.
        let mut server = codec(Role::Server, true);
        assert_eq!(
            read(&mut server, &[masked(b"\x41\x01\x00"), masked(b"\xc0\x00")].concat()).1,
            Some(Error::ReservedBits { rsv1: true, rsv2: false, rsv3: false })
        );
        assert_eq!(Error::Interleaved.close_code(), 1002);
    }

    impl Codec {
        fn read_from(mut self, octets: &[u8]) -> Result<Option<Message>, Error> {
            self.push(octets);
            self.next_message()
        }
    }

    #[test]
    fn fragments_together_may_not_exceed_the_message_limit() {
        let client = codec(Role::Client, false);
        let mut server = codec(Role::Server, false);
        let mut opcode = Opcode::Binary;
        for _ in 0..3 {
            let frame = Frame { fin: false, ..Frame::new(opcode, vec![0; 100_000]) };
            assert_eq!(read(&mut server, &client.encode(&frame).unwrap()), (vec![], None));
            opcode = Opcode::Continuation;
        }
        let frame = Frame::new(opcode, vec![0; 1]);
        let error = Error::TooLarge { what: "a message", limit: 300_000 };
        assert_eq!(read(&mut server, &client.encode(&frame).unwrap()), (vec![], Some(error)));
    }

    #[test]
    fn control_frames_are_checked_before_they_are_sent() {
        let client = codec(Role::Client, false);
        assert_eq!(client.encode_message(&Message::Ping(vec![0; 126])), Err(Error::Control));
        assert!(client.encode_message(&Message::Ping(vec![0; 125])).is_ok());
    }

    fn message() -> impl Strategy<Value = Message> {
        let control = || prop::collection::vec(any::<u8>(), 0..=125);
        prop_oneof![
            "\\PC{0,300}".prop_map(Message::Text),
            prop::collection::vec(0..4u8, 0..70_000).prop_map(Message::Binary),
            control().prop_map(Message::Ping),
            control().prop_map(Message::Pong),
            Just(Message::Close(None)),
            (3000..5000u16, "[a-z]{0,100}").prop_map(|(code, reason)| Message::Close(Some(Close { code, reason }))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn messages_arrive_however_they_are_cut(
            messages in prop::collection::vec(message(), 0..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            deflate in any::<bool>(),
            from_client in any::<bool>(),
        ) {
            let (sender, receiver) =
                if from_client { (Role::Client, Role::Server) } else { (Role::Server, Role::Client) };
            let (sender, mut receiver) = (codec(sender, deflate), codec(receiver, deflate));
            let octets: Vec<u8> =
                messages.iter().flat_map(|message| sender.encode_message(message).unwrap()).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
            cuts.extend([0, octets.len()]);
            cuts.sort_unstable();
            let mut arrived = Vec::new();
            for piece in cuts.windows(2) {
                let (messages, error) = read(&mut receiver, &octets[piece[0]..piece[1]]);
                prop_assert_eq!(error, None);
                arrived.extend(messages);
            }
            prop_assert_eq!(arrived, messages);
        }

        #[test]
        fn any_octets_are_read_alike_however_they_are_cut(
            octets in prop::collection::vec(any::<u8>(), 0..300),
            cut in any::<prop::sample::Index>(),
            deflate in any::<bool>(),
        ) {
            let cut = cut.index(octets.len() + 1);
            let whole = read(&mut codec(Role::Client, deflate), &octets);
            let mut pieces = codec(Role::Client, deflate);
            let (mut messages, mut error) = read(&mut pieces, &octets[..cut]);
            if error.is_none() {
                let (more, end) = read(&mut pieces, &octets[cut..]);
                messages.extend(more);
                error = end;
            }
            prop_assert_eq!((messages, error), whole);
        }
    }
}
