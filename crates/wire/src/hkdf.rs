//! HKDF-Expand-Label (RFC 8446 section 7.1), which TLS 1.3 and QUIC derive all their keys with.

use aws_lc_rs::hkdf::{KeyType, Prk};

use crate::writer::vector8;

/// `length` octets for a label, which is written here without the "tls13 " in front. `None` only where HKDF refuses the
/// length.
pub(crate) fn expand_label(secret: &Prk, label: &[u8], context: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut info = Vec::new();
    info.extend(u16::try_from(length).ok()?.to_be_bytes());
    vector8(&[b"tls13 ", label].concat(), &mut info);
    vector8(context, &mut info);
    let mut out = vec![0; length];
    secret.expand(&[&info], Length(length)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
