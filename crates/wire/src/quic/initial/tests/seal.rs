//! The other direction: datagrams as an endpoint makes them, for what the tests push.

use aws_lc_rs::aead::quic::{AES_128, HeaderProtectionKey};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::super::protection::secrets;
use super::super::{Sender, frame};
use crate::quic::initial::version::Version;
use crate::quic::varint::tests::write;

pub(super) const V1: u32 = 1;
pub(super) const V2: u32 = 0x6b33_43cf;
pub(super) const DRAFT_29: u32 = 0xff00_001d;

/// An Initial packet that is not protected yet.
#[derive(Clone, Debug)]
pub(super) struct Plain<'a> {
    pub(super) version: u32,
    pub(super) sender: Sender,
    /// What the keys are made from.
    pub(super) keyed: &'a [u8],
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
    pub(super) token: &'a [u8],
    pub(super) number: u64,
    /// Of the packet number in the header, 1 to 4.
    pub(super) number_octets: usize,
    pub(super) frames: &'a [u8],
}

impl Plain<'_> {
    pub(super) fn seal(&self) -> Vec<u8> {
        let version = Version::find(self.version).unwrap();
        let (key, iv, header_key) = secrets(version, self.keyed, self.sender).unwrap();
        let mut header = vec![0xc0 | version.initial << 4 | u8::try_from(self.number_octets - 1).unwrap()];
        header.extend(self.version.to_be_bytes());
        for id in [self.destination, self.source] {
            crate::writer::vector8(id, &mut header);
        }
        write(self.token.len() as u64, 1, &mut header);
        header.extend(self.token);
        write((self.number_octets + self.frames.len() + 16) as u64, 2, &mut header);
        let number_at = header.len();
        header.extend(&self.number.to_be_bytes()[8 - self.number_octets..]);

        let mut nonce: [u8; 12] = iv.try_into().unwrap();
        for (octet, number) in nonce[4..].iter_mut().zip(self.number.to_be_bytes()) {
            *octet ^= number;
        }
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut payload = self.frames.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut payload).unwrap();
        let mut packet = [header, payload].concat();

        let header_key = HeaderProtectionKey::new(&AES_128, &header_key).unwrap();
        let mask = header_key.new_mask(&packet[number_at + 4..number_at + 20]).unwrap();
        packet[0] ^= mask[0] & 0x0f;
        for (octet, mask) in packet[number_at..number_at + self.number_octets].iter_mut().zip(&mask[1..]) {
            *octet ^= mask;
        }
        packet
    }
}

pub(super) fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write(frame::CRYPTO, 1, &mut frame);
    write(offset as u64, 1, &mut frame);
    write(data.len() as u64, 1, &mut frame);
    frame.extend(data);
    frame
}

/// A Retry packet with the tag that RFC 9001 section 5.8 wants.
pub(super) fn retry(version: u32, original: &[u8], destination: &[u8], source: &[u8], token: &[u8]) -> Vec<u8> {
    let version = Version::find(version).unwrap();
    let mut packet = vec![0xcf | version.retry << 4];
    packet.extend(version.number.to_be_bytes());
    for id in [destination, source] {
        crate::writer::vector8(id, &mut packet);
    }
    packet.extend(token);
    let mut pseudo_packet = Vec::new();
    crate::writer::vector8(original, &mut pseudo_packet);
    pseudo_packet.extend(&packet);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &version.retry_key).unwrap());
    let nonce = Nonce::assume_unique_for_key(version.retry_nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(pseudo_packet), &mut []).unwrap();
    packet.extend(tag.as_ref());
    packet
}

/// A handshake message of a type and a body that differs from place to place.
pub(super) fn message(kind: u8, body: usize) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend(&u32::try_from(body).unwrap().to_be_bytes()[1..]);
    message.extend((0..body).map(|at| u8::try_from(at * 7 % 251).unwrap()));
    message
}
