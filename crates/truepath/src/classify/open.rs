//! The input of `classify`: a file or standard input, plain, gzip or Zstandard, told by its first octets.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use anyhow::Result;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::exit::misuse;

const READ_AHEAD: usize = 256 * 1024;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTANDARD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Opens it; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    let unreadable = |error: io::Error| misuse(format!("{}: {error}", path.display()));
    let plain: Box<dyn Read + Send> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            return Err(misuse(format!("{}: a folder, not a file", path.display())));
        }
        Box::new(file)
    };
    decompressed(plain).map_err(unreadable)
}

fn decompressed(mut input: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::new();
    (&mut input).take(ZSTANDARD.len() as u64).read_to_end(&mut start)?;
    let whole = BufReader::with_capacity(READ_AHEAD, Cursor::new(start.clone()).chain(input));
    Ok(if start.starts_with(&GZIP) {
        // Several members one after the other are one file, as rotated logs are (RFC 1952 section 2.2).
        Box::new(MultiGzDecoder::new(whole))
    } else if start.starts_with(&ZSTANDARD) {
        Box::new(Frames { input: Some(whole), frame: None })
    } else {
        Box::new(whole)
    })
}

/// Frames of Zstandard one after the other (RFC 8878 section 3.1), of which the decoder reads one.
struct Frames<R: Read> {
    input: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: io::BufRead> Read for Frames<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(room)?;
                if read > 0 || room.is_empty() {
                    return Ok(read);
                }
                self.input = self.frame.take().map(StreamingDecoder::into_inner);
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.fill_buf()?.is_empty() {
                self.input = Some(input);
                return Ok(0);
            }
            let damaged = |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
            self.frame = Some(StreamingDecoder::new(input).map_err(|error| damaged(&error))?);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn read(octets: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decompressed(Box::new(Cursor::new(octets)))?.read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_packed_input_are_the_same() {
        let text: Vec<u8> = (0..100_000u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
        let zstandard = compress_to_vec(&text[..], CompressionLevel::Fastest);
        assert_eq!(read(text.clone()).unwrap(), text);
        assert_eq!(read(gzip(&text)).unwrap(), text);
        assert_eq!(read(zstandard.clone()).unwrap(), text);
        let twice = [text.clone(), text.clone()].concat();
        assert_eq!(read([gzip(&text), gzip(&text)].concat()).unwrap(), twice);
        assert_eq!(read([zstandard.clone(), zstandard].concat()).unwrap(), twice);
        assert_eq!(read(Vec::new()).unwrap(), b"");
        assert_eq!(read(b"x".to_vec()).unwrap(), b"x");
    }

    #[test]
    fn damaged_input_is_an_error() {
        let text = vec![b'a'; 100_000];
        for packed in [gzip(&text), compress_to_vec(&text[..], CompressionLevel::Fastest)] {
            assert!(read(packed[..packed.len() - 5].to_vec()).is_err());
        }
    }
}
