//! Any bytes of a connection, in both roles, with and without compression: the same messages and the same end in one piece
//! and in pieces, within the limits, and each message is read again after it was written.
#![no_main]

use wire::http::websocket::{Codec, Error, Limits, Message, Role, accept_answer, accept_offer};

const LIMITS: Limits = Limits { frame: 4096, message: 8192 };

fn read<'a>(codec: &mut Codec, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    for piece in pieces {
        codec.push(piece);
        loop {
            match codec.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((options, octets)) = data.split_first() else { return };
    let (role, other) = if options & 1 == 0 { (Role::Client, Role::Server) } else { (Role::Server, Role::Client) };
    let deflate = options & 2 != 0;
    let whole = read(&mut Codec::new(role, deflate, LIMITS), [octets].into_iter());
    let pieces = octets.chunks(usize::from(options >> 2).max(1));
    assert_eq!(read(&mut Codec::new(role, deflate, LIMITS), pieces), whole);

    for message in whole.0 {
        let sent = Codec::new(other, deflate, LIMITS).encode_message(&message).unwrap();
        // Compressed text may need more frames than one when it is not compressed; the limit then is the message's.
        let limits = Limits { frame: LIMITS.message, ..LIMITS };
        let (messages, error) = read(&mut Codec::new(role, deflate, limits), [&sent[..]].into_iter());
        assert_eq!((messages, error), (vec![message], None));
    }
    if let Ok(header) = std::str::from_utf8(octets) {
        let _ = accept_answer(Some(header));
        if let Some(answer) = accept_offer(header) {
            assert_eq!(accept_answer(Some(&answer)), Ok(true));
        }
    }
});
