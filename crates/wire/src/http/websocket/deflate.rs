//! The payload transformation of permessage-deflate (RFC 7692 section 7.2), each message by itself.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::Error;

/// What ends every message in the raw stream and is left out on the wire (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// How much is inflated before the limit is looked at again.
const STEP: usize = 16 * 1024;

pub(super) fn deflate(payload: &[u8]) -> Result<Vec<u8>, Error> {
    let mut stream = Compress::new(Compression::fast(), false);
    let mut out = Vec::with_capacity(payload.len() / 2 + 64);
    let mut read = 0;
    loop {
        let rest = payload.get(read..).unwrap_or_default();
        stream.compress_vec(rest, &mut out, FlushCompress::Sync).map_err(|_| Error::Deflate)?;
        read = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        // Room left over means that the flush is complete.
        if read >= payload.len() && out.len() < out.capacity() {
            break;
        }
        out.reserve(out.capacity().max(64));
    }
    if out.ends_with(&TAIL) {
        out.truncate(out.len().saturating_sub(TAIL.len()));
    }
    if out.is_empty() {
        // An empty message is one empty block without its tail (RFC 7692 section 7.2.3.6).
        out.push(0);
    }
    Ok(out)
}

/// Gives at most `limit` octets, and holds no more than one step beyond it, whatever the ratio.
pub(super) fn inflate(payload: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    let mut stream = Decompress::new(false);
    let mut out = Vec::new();
    // The payload and then its tail, as if they were one.
    for mut input in [payload, &TAIL] {
        loop {
            out.reserve(STEP);
            let before = stream.total_in();
            let written = out.len();
            let status = stream.decompress_vec(input, &mut out, FlushDecompress::Sync).map_err(|_| Error::Deflate)?;
            let read = usize::try_from(stream.total_in().saturating_sub(before)).unwrap_or(usize::MAX);
            input = input.get(read..).unwrap_or_default();
            if out.len() > limit {
                return Err(Error::TooLarge { what: "an inflated message", limit });
            }
            match status {
                // A block marked as the last one may be followed by others (RFC 7692 section 7.2.3.5).
                Status::StreamEnd => {
                    stream = Decompress::new(false);
                    if input.is_empty() {
                        break;
                    }
                }
                Status::Ok | Status::BufError if out.len() < out.capacity() && input.is_empty() => break,
                Status::Ok | Status::BufError if read == 0 && out.len() == written => return Err(Error::Deflate),
                Status::Ok | Status::BufError => {}
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 7692 section 7.2.3: "Hello" as one block, as two blocks, stored, and with BFINAL set.
    #[test]
    fn examples_of_the_standard() {
        for octets in [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ] {
            assert_eq!(inflate(octets, 5).as_deref(), Ok(&b"Hello"[..]), "{octets:x?}");
        }
        assert_eq!(deflate(b"Hello").as_deref(), Ok(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..]));
        assert_eq!(inflate(&[0x00], 0).as_deref(), Ok(&[][..]));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let bomb = deflate(&vec![0; 32 << 20]).unwrap();
        assert!(bomb.len() < 512 << 10, "{}", bomb.len());
        let limit = 1 << 20;
        assert_eq!(inflate(&bomb, limit), Err(Error::TooLarge { what: "an inflated message", limit }));
    }

    proptest! {
        #[test]
        fn messages_are_inflated_again(payload in prop::collection::vec(0..9u8, 0..100_000)) {
            let packed = deflate(&payload).unwrap();
            prop_assert_eq!(inflate(&packed, payload.len()), Ok(payload));
        }

        #[test]
        fn any_octets_end(octets in prop::collection::vec(any::<u8>(), 0..500)) {
            if let Ok(out) = inflate(&octets, 10_000) {
                prop_assert!(out.len() <= 10_000);
            }
        }
    }
}
