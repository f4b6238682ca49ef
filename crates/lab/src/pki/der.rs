//! The few lines of DER that certificate transparency needs: cutting a TBSCertificate out of a certificate.

use anyhow::{Context, Result, ensure};

/// The TBSCertificate (RFC 5280 section 4.1) of a certificate, its own tag and length included.
pub(crate) fn tbs_certificate(certificate: &[u8]) -> Result<&[u8]> {
    let (outer, rest) = value(certificate)?;
    ensure!(rest.is_empty(), "octets behind the certificate");
    let (_, behind) = value(outer)?;
    outer.get(..outer.len() - behind.len()).context("the TBSCertificate is cut short")
}

/// The value of the first element, and what follows the element.
pub(crate) fn value(element: &[u8]) -> Result<(&[u8], &[u8])> {
    let (_tag, rest) = element.split_first().context("no tag")?;
    let (&first, rest) = rest.split_first().context("no length")?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let octets = usize::from(first & 0x7f);
        ensure!((1..=4).contains(&octets), "a length of {octets} octets");
        let (length, rest) = rest.split_at_checked(octets).context("the length is cut short")?;
        (length.iter().fold(0, |sum, &octet| sum << 8 | usize::from(octet)), rest)
    };
    rest.split_at_checked(length).context("the value is cut short")
}

/// One element.
pub(crate) fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(length) if length < 0x80 => out.push(length),
        _ => {
            let length: Vec<u8> = value.len().to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
            out.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
            out.extend(length);
        }
    }
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use super::{element, tbs_certificate, value};

    #[test]
    fn an_element_reads_back() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let inner = vec![7; length];
            let outer = element(0x30, &inner);
            assert_eq!(value(&outer).unwrap(), (inner.as_slice(), [].as_slice()));
        }
    }

    #[test]
    fn every_prefix_fails_cleanly() {
        let certificate = element(0x30, &[element(0x30, &[1, 2, 3]), element(0x03, &[4; 200])].concat());
        assert_eq!(tbs_certificate(&certificate).unwrap(), element(0x30, &[1, 2, 3]));
        for end in 0..certificate.len() {
            assert!(tbs_certificate(&certificate[..end]).is_err());
        }
    }
}
