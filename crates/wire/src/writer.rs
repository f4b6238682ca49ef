//! The counterpart of [`Reader`](crate::reader::Reader): length-prefixed vectors (RFC 8446 section 3.4).
//!
//! A vector that is longer than its length can say is cut off, so that what is written is always well framed. What was
//! parsed, and all that is built here, fits.

pub(crate) fn vector8(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend(bytes.iter().take(length.into()));
}

pub(crate) fn vector16(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend(bytes.iter().take(length.into()));
}
