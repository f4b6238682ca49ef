//! The few parts of DER (ITU-T X.690 section 10) that reading and re-encoding a certificate needs.
//!
//! `x509-parser` reads what is for people; this reader keeps the exact octets, which is what signatures are made over.
//! Only definite, shortest lengths and tag numbers below 31 are taken: nothing else occurs in a certificate.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The identifier octet of a constructed, context-specific tag: `[number]`, explicit or of a structure.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the DER encoding is damaged")]
pub(super) struct DerError;

/// One tag, length and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// Header and content.
    pub(super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside a constructed one.
    pub(super) fn inside(&self) -> Reader<'a> {
        Reader::new(self.content)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn next(&mut self) -> Result<Element<'a>, DerError> {
        let (&tag, after_tag) = self.rest.split_first().ok_or(DerError)?;
        let (&first, mut content) = after_tag.split_first().ok_or(DerError)?;
        if tag & 0x1f == 0x1f {
            return Err(DerError);
        }
        let mut length = usize::from(first);
        if first >= 0x80 {
            let octets = usize::from(first & 0x7f);
            if !(1..=4).contains(&octets) {
                return Err(DerError);
            }
            let (encoded, rest) = content.split_at_checked(octets).ok_or(DerError)?;
            length = encoded.iter().fold(0, |length, &octet| length << 8 | usize::from(octet));
            if length < 0x80 || encoded.first() == Some(&0) {
                return Err(DerError);
            }
            content = rest;
        }
        let (content, rest) = content.split_at_checked(length).ok_or(DerError)?;
        let whole = self.rest.get(..self.rest.len() - rest.len()).ok_or(DerError)?;
        self.rest = rest;
        Ok(Element { tag, content, whole })
    }

    pub(super) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        let element = self.next()?;
        if element.tag == tag { Ok(element) } else { Err(DerError) }
    }

    /// Takes the next element if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DerError> {
        if self.rest.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }

    pub(super) fn end(self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(DerError) }
    }
}

/// Reads bytes that are one element and nothing else.
pub(super) fn single(bytes: &[u8], tag: u8) -> Result<Element<'_>, DerError> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag)?;
    reader.end()?;
    Ok(element)
}

/// Encodes one element from the parts of its content.
pub(super) fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut encoded = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => encoded.push(short),
        _ => {
            let octets: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|&octet| octet == 0).collect();
            encoded.push(0x80 | u8::try_from(octets.len()).unwrap_or_default());
            encoded.extend(octets);
        }
    }
    for part in parts {
        encoded.extend_from_slice(part);
    }
    encoded
}

/// An object identifier's content octets in dotted form; `None` where they are not one.
pub(super) fn dotted(oid: &[u8]) -> Option<String> {
    const MAX_OCTETS: usize = 64;
    if oid.len() > MAX_OCTETS || oid.last().is_none_or(|last| last & 0x80 != 0) {
        return None;
    }
    let mut text = String::new();
    let mut arc: u64 = 0;
    for octet in oid {
        if arc == 0 && *octet == 0x80 {
            return None;
        }
        arc = arc.checked_mul(0x80)?.checked_add(u64::from(octet & 0x7f))?;
        if octet & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let first = (arc / 40).min(2);
            text = format!("{first}.{}", arc - first * 40);
        } else {
            text.push('.');
            text.push_str(&arc.to_string());
        }
        arc = 0;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn object_identifiers_are_dotted() {
        for (octets, text) in [
            (&[0x55, 0x04, 0x03][..], Some("2.5.4.3")),
            (&[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02], Some("1.3.6.1.4.1.11129.2.4.2")),
            (&[0x88, 0x37, 0x03], Some("2.999.3")),
            (&[0x55, 0x80, 0x01], None),
            (&[0x55, 0x84], None),
            (&[], None),
        ] {
            assert_eq!(dotted(octets).as_deref(), text);
        }
    }

    #[test]
    fn only_the_shortest_definite_length_is_taken() {
        for damaged in [&[0x30, 0x80, 0, 0][..], &[0x04, 0x81, 0x01, 0], &[0x04, 0x82, 0, 0x80], &[0x1f, 0x20, 0]] {
            assert_eq!(Reader::new(damaged).next().err(), Some(DerError), "{damaged:02x?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_again(tag in 0_u8..0x1f, content in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let encoded = encode(tag, &[&content]);
            let element = single(&encoded, tag).unwrap();
            prop_assert_eq!(element.content, &content);
            prop_assert_eq!(element.whole, &encoded);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            while reader.next().is_ok() {}
            let _ = dotted(&bytes);
        }
    }
}
