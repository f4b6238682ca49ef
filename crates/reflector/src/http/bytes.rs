//! `/v1/bytes?length=N`: octets to download.
//!
//! They look random, so that nothing on the path can compress them, and are always the same, so that whoever reads them
//! can tell whether they were altered: SplitMix64 (Steele, Lea and Flood, 2014) from seed 0, each number in
//! little-endian order.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response};

use crate::session::Busy;

use super::Site;
use super::body::Content;
use super::problem::Problem;
use super::query::number;

const DEFAULT_LENGTH: u64 = 1 << 20;
const MAX_LENGTH: u64 = 16 << 20;
/// As much as one TLS record holds.
const PIECE: usize = 16 << 10;

pub(super) fn bytes(site: &Site, busy: &Busy, query: &str) -> Result<Response<Content>, Problem> {
    let text = "length: a number of octets up to 16777216 is needed";
    let length = number(query, "length", DEFAULT_LENGTH, MAX_LENGTH, text)?;
    let pass = site.transfers.enter(busy.session().client.ip())?;
    let mut response = Response::new(Content::Octets(Octets { remaining: length, state: 0 }, pass));
    let headers = response.headers_mut();
    // HTTP/2 would leave out a length of 0.
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    Ok(response)
}

#[derive(Debug)]
pub(super) struct Octets {
    remaining: u64,
    state: u64,
}

impl Octets {
    pub(super) fn remaining(&self) -> u64 {
        self.remaining
    }

    pub(super) fn next(&mut self) -> Option<Bytes> {
        if self.remaining == 0 {
            return None;
        }
        let length = usize::try_from(self.remaining).map_or(PIECE, |remaining| remaining.min(PIECE));
        let mut piece = BytesMut::with_capacity(PIECE + 8);
        while piece.len() < length {
            piece.put_u64_le(self.number());
        }
        piece.truncate(length);
        self.remaining = self.remaining.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        Some(piece.freeze())
    }

    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_octets_are_those_of_splitmix64() {
        let mut octets = Octets { remaining: 20, state: 0 };
        let piece = octets.next().unwrap();
        // The generator's published first outputs for seed 0.
        assert_eq!(piece[..8], 0xe220_a839_7b1d_cdaf_u64.to_le_bytes());
        assert_eq!(piece[8..16], 0x6e78_9e6a_a1b9_65f4_u64.to_le_bytes());
        assert_eq!(piece.len(), 20);
        assert_eq!(octets.next(), None);
    }

    #[test]
    fn pieces_add_up_to_the_length() {
        let length = 3 * PIECE + 5;
        let mut octets = Octets { remaining: length as u64, state: 0 };
        let read: usize = std::iter::from_fn(|| octets.next()).map(|piece| piece.len()).sum();
        assert_eq!(read, length);
    }
}
