//! Packet protection of Initial packets (RFC 9001 section 5): keys from a connection id that everybody on the path can
//! read, and the integrity tag of Retry packets.

use aws_lc_rs::aead::quic::{AES_128, HeaderProtectionKey};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};

use crate::hkdf::expand_label;

use super::packet::{InitialPacket, RetryPacket};
use super::version::Version;
use super::{Error, Sender};

const KEY: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Octets of SHA-256, which all versions use for Initial packets.
const SECRET: usize = 32;

/// The sample for header protection begins where a packet number of this length would end (RFC 9001 section 5.4.2).
const MAX_PACKET_NUMBER: usize = 4;
const SAMPLE: usize = 16;

/// Octets that the library takes for a key of AES-128-GCM beside the [`Opener`] itself.
pub(super) const KEY_MEMORY: usize = 600;

/// Opens what one side sends.
#[derive(Debug)]
pub(super) struct Opener {
    key: LessSafeKey,
    iv: [u8; NONCE],
    header: Mask,
}

/// A packet without its protection.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) number: u64,
    pub(super) frames: Vec<u8>,
}

impl Opener {
    /// `id` is the destination of the client's first Initial packet, or the one that a Retry put in its place (RFC 9001
    /// section 5.2). `None` only where HKDF refuses a length, which none of these is.
    pub(super) fn new(version: &Version, id: &[u8], sender: Sender) -> Option<Self> {
        let (key, iv, header) = secrets(version, id, sender)?;
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?),
            iv: iv.try_into().ok()?,
            header: Mask(HeaderProtectionKey::new(&AES_128, &header).ok()?),
        })
    }

    /// `expected` is the number after the largest one that this side has used.
    pub(super) fn open(&self, packet: &InitialPacket<'_>, expected: u64) -> Result<Opened, Error> {
        let cut = Error::Truncated("the packet");
        let sample_at = packet.number_at.saturating_add(MAX_PACKET_NUMBER);
        let sample = packet.octets.get(sample_at..sample_at.saturating_add(SAMPLE)).ok_or(cut.clone())?;
        let [mask, number_mask @ ..] = self.header.0.new_mask(sample).map_err(|_| Error::Decrypt)?;

        // The header without its protection is what the tag covers (RFC 9001 section 5.3).
        let first = packet.octets.first().ok_or(cut.clone())? ^ (mask & 0x0f);
        let number_octets = usize::from(first & 0b11).saturating_add(1);
        let number_end = packet.number_at.saturating_add(number_octets);
        let (header, payload) = packet.octets.split_at_checked(number_end).ok_or(cut)?;
        let mut header = header.to_vec();
        if let Some(octet) = header.first_mut() {
            *octet = first;
        }
        let mut truncated = 0_u64;
        for (octet, mask) in header.iter_mut().skip(packet.number_at).zip(number_mask) {
            *octet ^= mask;
            truncated = (truncated << 8) | u64::from(*octet);
        }

        let number = packet_number(expected, truncated, number_octets);
        let mut nonce = self.iv;
        for (octet, number) in nonce.iter_mut().skip(NONCE - 8).zip(number.to_be_bytes()) {
            *octet ^= number;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        let mut frames = payload.to_vec();
        let opened = self.key.open_in_place(nonce, Aad::from(header), &mut frames).map_err(|_| Error::Decrypt)?;
        let length = opened.len();
        frames.truncate(length);
        Ok(Opened { number, frames })
    }
}

/// Whether a Retry packet was made by somebody who saw the client's first Initial packet, which had the destination
/// `original` (RFC 9001 section 5.8). A client drops a Retry for which this does not hold.
pub(super) fn is_valid_retry(packet: &RetryPacket<'_>, original: &[u8]) -> bool {
    let Some((retry, tag)) = packet.octets.split_last_chunk::<TAG>() else { return false };
    let Ok(key) = UnboundKey::new(&AES_128_GCM, &packet.version.retry_key) else { return false };
    let mut pseudo_packet = Vec::new();
    crate::writer::vector8(original, &mut pseudo_packet);
    pseudo_packet.extend(retry);
    let nonce = Nonce::assume_unique_for_key(packet.version.retry_nonce);
    let mut nothing_but_tag = *tag;
    LessSafeKey::new(key).open_in_place(nonce, Aad::from(pseudo_packet), &mut nothing_but_tag).is_ok()
}

/// Key, iv and header protection key.
pub(super) fn secrets(version: &Version, id: &[u8], sender: Sender) -> Option<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let initial_secret = Salt::new(HKDF_SHA256, &version.salt).extract(id);
    let label: &[u8] = match sender {
        Sender::Client => b"client in",
        Sender::Server => b"server in",
    };
    let secret = Prk::new_less_safe(HKDF_SHA256, &expand_label(&initial_secret, label, &[], SECRET)?);
    let [key, iv, header] = version.labels;
    Some((
        expand_label(&secret, key, &[], KEY)?,
        expand_label(&secret, iv, &[], NONCE)?,
        expand_label(&secret, header, &[], KEY)?,
    ))
}

/// RFC 9000 appendix A.3.
fn packet_number(expected: u64, truncated: u64, octets: usize) -> u64 {
    let window = 1_u64 << (8 * octets.min(MAX_PACKET_NUMBER));
    let candidate = (expected & !(window - 1)) | truncated;
    if candidate.saturating_add(window / 2) <= expected && candidate < MAX_NUMBER - window {
        candidate.saturating_add(window)
    } else if candidate > expected.saturating_add(window / 2) && candidate >= window {
        candidate.saturating_sub(window)
    } else {
        candidate
    }
}

/// RFC 9000 section 12.3.
const MAX_NUMBER: u64 = 1 << 62;

struct Mask(HeaderProtectionKey);

impl core::fmt::Debug for Mask {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HeaderProtectionKey")
    }
}
