//! What a ClientHello says (RFC 8446 section 4.1.2), as numbers: the meeting point of who reads it and who judges it.

/// A ClientHello's lists, each in the order in which it came, GREASE (RFC 8701) and code points that nobody has registered
/// included.
///
/// One value can be filled again and again: [`clear`](Self::clear) keeps the room that the lists have taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelloFacts {
    pub source: HelloSource,
    pub legacy_version: u16,
    /// 0 to 32.
    pub session_id_length: u8,
    pub cipher_suites: Vec<u16>,
    pub compression_methods: Vec<u8>,
    pub extensions: Vec<u16>,
    pub supported_groups: Vec<u16>,
    pub point_formats: Vec<u8>,
    pub signature_algorithms: Vec<u16>,
    pub supported_versions: Vec<u16>,
    /// The groups for which a key share came along.
    pub key_shares: Vec<u16>,
    pub psk_key_exchange_modes: Vec<u8>,
    pub certificate_compression: Vec<u16>,
    /// The protocols offered, one after the other, each with its length in front: the list of RFC 7301 section 3.1 without
    /// its own length. See [`alpn`](Self::alpn).
    pub alpn_octets: Vec<u8>,
    /// The name asked for (RFC 6066 section 3), as it stood there.
    pub server_name: Vec<u8>,
    /// Octets of the handshake message, its header included.
    pub length: usize,
}

/// How much of a ClientHello its source could tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HelloSource {
    /// All of it: the octets themselves.
    #[default]
    Octets,
    /// Version, cipher suites, extensions, groups and point formats, as in the text that JA3 hashes; without GREASE where
    /// the writer left it out, so that its absence says nothing.
    Ja3Text,
    /// Cipher suites and groups alone, as nginx can log them.
    SuitesAndGroups,
}

impl HelloFacts {
    /// Empties all lists.
    pub fn clear(&mut self) {
        let Self {
            source,
            legacy_version,
            session_id_length,
            cipher_suites,
            compression_methods,
            extensions,
            supported_groups,
            point_formats,
            signature_algorithms,
            supported_versions,
            key_shares,
            psk_key_exchange_modes,
            certificate_compression,
            alpn_octets,
            server_name,
            length,
        } = self;
        (*source, *legacy_version, *session_id_length, *length) = (HelloSource::Octets, 0, 0, 0);
        for list in [
            cipher_suites,
            extensions,
            supported_groups,
            signature_algorithms,
            supported_versions,
            key_shares,
            certificate_compression,
        ] {
            list.clear();
        }
        for list in [compression_methods, point_formats, psk_key_exchange_modes, alpn_octets, server_name] {
            list.clear();
        }
    }

    pub fn has_extension(&self, code: u16) -> bool {
        self.extensions.contains(&code)
    }

    /// The application protocols offered, in order. Ends where the list is damaged.
    pub fn alpn(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.alpn_octets.as_slice();
        core::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (name, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(name)
        })
    }

    /// The values that RFC 8701 keeps free: 0x0a0a, 0x1a1a and so on to 0xfafa.
    pub const fn is_grease(code: u16) -> bool {
        code & 0x0f0f == 0x0a0a && code >> 8 == code & 0xff
    }
}

#[cfg(test)]
mod tests {
    use super::HelloFacts;

    #[test]
    fn grease_is_sixteen_values() {
        let all: Vec<u16> = (0..=u16::MAX).filter(|code| HelloFacts::is_grease(*code)).collect();
        assert_eq!(all.len(), 16);
        assert_eq!((all[0], all[15]), (0x0a0a, 0xfafa));
    }

    #[test]
    fn protocols_are_read_up_to_the_damage() {
        let facts = HelloFacts { alpn_octets: b"\x02h2\x08http/1.1\x09cut".to_vec(), ..HelloFacts::default() };
        assert_eq!(facts.alpn().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
    }
}
