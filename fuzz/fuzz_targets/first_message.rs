//! Any bytes of one direction of a connection give the same first message, or the same error, in one piece and in pieces
//! of the length that the first octet says.
#![no_main]

use wire::tls::{Error, FirstMessage};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((length, octets)) = data.split_first() else { return };
    let whole = FirstMessage::new().push(octets);
    let mut first = FirstMessage::new();
    let pieces = octets.chunks(usize::from(*length).max(1)).map(|piece| first.push(piece));
    let pieces = { pieces }.find(|result| *result != Ok(None)).unwrap_or(Ok(None));
    match (&whole, &pieces) {
        // How much of a foreign protocol was at hand depends on the pieces.
        (Err(Error::NotTls { .. }), Err(Error::NotTls { .. })) => {}
        _ => assert_eq!(whole, pieces),
    }
});
