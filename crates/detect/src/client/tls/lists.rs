//! The fields of a hello as lists of numbers, GREASE left out, in memory of a fixed size.

use model::{HelloFacts, HelloSource};

use super::tells;
use crate::client::browsers::{Condition, Field, mask, place};

/// More entries than any browser has in all of its lists. What lies behind is not looked at: such a hello breaks rules long
/// before.
const MAX_ENTRIES: usize = 512;
const FIELDS: usize = Field::ALL.len();

#[derive(Debug)]
pub(in crate::client) struct Lists {
    entries: [u16; MAX_ENTRIES],
    ends: [u16; FIELDS],
    masks: [u64; FIELDS],
    source: HelloSource,
    http2: bool,
    extended_master_secret: bool,
}

impl Lists {
    pub(in crate::client) fn of(hello: &HelloFacts) -> Self {
        let mut lists = Self {
            entries: [0; MAX_ENTRIES],
            ends: [0; FIELDS],
            masks: [0; FIELDS],
            source: hello.source,
            http2: false,
            extended_master_secret: hello.has_extension(23),
        };
        let mut end = 0_usize;
        for (field, place) in Field::ALL.into_iter().zip(0..FIELDS) {
            let start = end;
            lists.fill(field, hello, &mut end);
            let members = lists.entries.get(start..end).unwrap_or_default();
            let members = members.iter().fold(0, |all, code| all | mask(*code));
            if let (Some(slot), Ok(end)) = (lists.ends.get_mut(place), u16::try_from(end)) {
                *slot = end;
            }
            if let Some(slot) = lists.masks.get_mut(place) {
                *slot = members;
            }
        }
        lists
    }

    fn fill(&mut self, field: Field, hello: &HelloFacts, end: &mut usize) {
        match field {
            Field::Suites => self.push(&hello.cipher_suites, end),
            Field::Extensions => self.push(&hello.extensions, end),
            Field::Groups => self.push(&hello.supported_groups, end),
            Field::SignatureAlgorithms => self.push(&hello.signature_algorithms, end),
            Field::Versions => self.push(&hello.supported_versions, end),
            Field::KeyShares => self.push(&hello.key_shares, end),
            Field::CertificateCompression => self.push(&hello.certificate_compression, end),
            Field::PointFormats => self.push_octets(&hello.point_formats, end),
            Field::PskModes => self.push_octets(&hello.psk_key_exchange_modes, end),
            Field::CompressionMethods => self.push_octets(&hello.compression_methods, end),
            Field::LegacyVersion => self.push(&[hello.legacy_version], end),
            Field::SessionId => self.push_octets(&[hello.session_id_length], end),
            Field::Alpn => {
                for protocol in hello.alpn() {
                    self.http2 |= protocol == b"h2";
                    self.add(place::protocol(protocol), end);
                }
            }
            Field::Grease => self.places_of_grease(hello, end),
        }
    }

    fn places_of_grease(&mut self, hello: &HelloFacts, end: &mut usize) {
        let is = |list: &[u16]| list.iter().any(|code| HelloFacts::is_grease(*code));
        if is(&hello.cipher_suites) {
            self.add(place::SUITES, end);
        }
        // The last one stands before padding (21) and pre_shared_key (41), which have to be at the end (RFC 8446 section
        // 4.2.11).
        let mut extensions = hello.extensions.iter();
        if extensions.next().is_some_and(|code| HelloFacts::is_grease(*code)) {
            self.add(place::FIRST_EXTENSION, end);
        }
        if extensions.rfind(|code| !matches!(code, 21 | 41)).is_some_and(|code| HelloFacts::is_grease(*code)) {
            self.add(place::LAST_EXTENSION, end);
        }
        if is(&hello.supported_groups) {
            self.add(place::GROUPS, end);
        }
    }

    fn push(&mut self, list: &[u16], end: &mut usize) {
        for code in list.iter().filter(|code| !HelloFacts::is_grease(**code)) {
            self.add(*code, end);
        }
    }

    fn push_octets(&mut self, list: &[u8], end: &mut usize) {
        for code in list {
            self.add(u16::from(*code), end);
        }
    }

    fn add(&mut self, code: u16, end: &mut usize) {
        if let Some(slot) = self.entries.get_mut(*end) {
            *slot = code;
            *end = end.saturating_add(1);
        }
    }

    /// `None` where the recorder could not tell.
    pub(in crate::client) fn get(&self, field: Field) -> Option<&[u16]> {
        if !tells(self.source, field) {
            return None;
        }
        let place = field as usize;
        let end = usize::from(*self.ends.get(place)?);
        let start = match place.checked_sub(1) {
            Some(before) => usize::from(*self.ends.get(before)?),
            None => 0,
        };
        let list = self.entries.get(start..end)?;
        // A recorder that keeps some of the lists may have been without one of those.
        let untold = list.is_empty() || field == Field::LegacyVersion && list == [0];
        (self.source == HelloSource::Octets || !untold).then_some(list)
    }

    /// A bit for each member of the field's list.
    pub(in crate::client) fn mask(&self, field: Field) -> u64 {
        self.masks.get(field as usize).copied().unwrap_or(u64::MAX)
    }

    pub(in crate::client) fn is(&self, condition: Condition) -> bool {
        match condition {
            Condition::Http2 => self.http2,
            Condition::ExtendedMasterSecret => self.extended_master_secret,
        }
    }
}
