//! The versions whose Initial packets open: what RFC 9001 fixes for version 1, RFC 9369 changed for version 2, and drafts
//! had before.

use core::fmt;

/// What differs from version to version in the protection of Initial and Retry packets.
pub(super) struct Version {
    /// The number in long headers.
    pub(super) number: u32,
    /// RFC 9001 section 5.2.
    pub(super) salt: [u8; 20],
    /// The labels of key, iv and header protection (RFC 9001 section 5.1).
    pub(super) labels: [&'static [u8]; 3],
    /// The two bits of the packet type (RFC 9000 section 17.2).
    pub(super) initial: u8,
    pub(super) retry: u8,
    /// RFC 9001 section 5.8.
    pub(super) retry_key: [u8; 16],
    pub(super) retry_nonce: [u8; 12],
}

const LABELS_1: [&[u8]; 3] = [b"quic key", b"quic iv", b"quic hp"];

static VERSIONS: [Version; 3] = [
    // RFC 9001.
    Version {
        number: 1,
        salt: *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a",
        labels: LABELS_1,
        initial: 0,
        retry: 3,
        retry_key: *b"\xbe\x0c\x69\x0b\x9f\x66\x57\x5a\x1d\x76\x6b\x54\xe3\x68\xc8\x4e",
        retry_nonce: *b"\x46\x15\x99\xd3\x5d\x63\x2b\xf2\x23\x98\x25\xbb",
    },
    // RFC 9369 section 3.
    Version {
        number: 0x6b33_43cf,
        salt: *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
        labels: [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"],
        initial: 1,
        retry: 0,
        retry_key: *b"\x8f\xb4\xb0\x1b\x56\xac\x48\xe2\x60\xfb\xcb\xce\xad\x7c\xcc\x92",
        retry_nonce: *b"\xd8\x69\x69\xbc\x2d\x7c\x6d\x99\x90\xef\xb0\x4a",
    },
    // draft-ietf-quic-tls-29 sections 5.2 and 5.8: the one draft that reached wide use.
    Version {
        number: 0xff00_001d,
        salt: *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99",
        labels: LABELS_1,
        initial: 0,
        retry: 3,
        retry_key: *b"\xcc\xce\x18\x7e\xd0\x9a\x09\xd0\x57\x28\x15\x5a\x6c\xb9\x6b\xe1",
        retry_nonce: *b"\xe5\x49\x30\xf9\x7f\x21\x36\xf0\x53\x0a\x8c\x1c",
    },
];

impl Version {
    pub(super) fn find(number: u32) -> Option<&'static Self> {
        VERSIONS.iter().find(|version| version.number == number)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({:#010x})", self.number)
    }
}
