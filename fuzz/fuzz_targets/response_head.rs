//! Any octets after which a response may be due: a head is read alike in one piece and octet by octet, and its body too.
#![no_main]

use wire::http::{BodyFraming, Chunked, ResponseHead};

fn read(octets: &[u8], piece: usize) -> Option<(Vec<u8>, usize, Vec<(String, String)>)> {
    let (mut chunked, mut data, mut read) = (Chunked::default(), Vec::new(), 0);
    for piece in octets.chunks(piece.max(1)) {
        let taken = chunked.push(piece, |octets| data.extend_from_slice(octets)).ok()?;
        read += taken;
        if taken < piece.len() {
            assert!(chunked.is_done());
            break;
        }
    }
    Some((data, read, chunked.trailers().to_vec()))
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(Some((head, length))) = ResponseHead::parse(data) else { return };
    let (text, body) = data.split_at(length);
    assert_eq!(ResponseHead::parse(text), Ok(Some((head.clone(), length))));
    let shorter = ResponseHead::parse(&text[..length - 1]);
    assert!(!matches!(shorter, Ok(Some((_, read))) if read > length - 1));
    let _ = head.keeps_open();
    if head.framing("GET") == Ok(BodyFraming::Chunked) {
        assert_eq!(read(body, body.len()), read(body, 1));
    }
});
