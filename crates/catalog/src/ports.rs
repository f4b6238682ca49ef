//! The ports of an endpoint set.

use core::fmt;

use crate::limits;
use crate::names::excerpt;

/// Ports as ranges: sorted, without overlap, neighbours joined, so that equal sets of ports are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ports(Vec<PortRange>);

/// `first` to `last`, both included; `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}`: expected ports from 1 to 65535 or ranges of them, separated by commas, at most {limit}",
    limit = limits::PORT_RANGES
)]
pub struct InvalidPorts(String);

impl Ports {
    /// Reads `80,443,1000-1999`, the form of the web service's `tcpPorts` and `udpPorts`. Blanks around a number do not
    /// matter; no text at all is no ports.
    pub fn parse(text: &str) -> Result<Self, InvalidPorts> {
        let invalid = || InvalidPorts(excerpt(text));
        let port = |digits: &str| digits.trim().parse::<u16>().ok().filter(|&port| port != 0);
        let mut ranges = Vec::new();
        if text.trim().is_empty() {
            return Ok(Self(ranges));
        }
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first = port(first).ok_or_else(invalid)?;
            let last = port(last).filter(|&last| last >= first).ok_or_else(invalid)?;
            if ranges.len() == limits::PORT_RANGES {
                return Err(invalid());
            }
            ranges.push(PortRange { first, last });
        }
        Ok(Self::joined(ranges))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, port: u16) -> bool {
        self.0.iter().any(|range| (range.first..=range.last).contains(&port))
    }

    pub fn ranges(&self) -> &[PortRange] {
        &self.0
    }

    fn joined(mut ranges: Vec<PortRange>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<PortRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match joined.last_mut() {
                Some(before) if range.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(range.last);
                }
                _ => joined.push(range),
            }
        }
        Self(joined)
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            range.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

#[cfg(test)]
mod tests {
    use super::Ports;

    #[test]
    fn ports_are_read_and_joined() {
        for (text, canonical) in [
            ("80,443", "80,443"),
            ("443, 80", "80,443"),
            ("3478,3479,3480,3481", "3478-3481"),
            ("50000-59999,40000-50010", "40000-59999"),
            ("65535,1", "1,65535"),
            ("", ""),
        ] {
            assert_eq!(Ports::parse(text).unwrap().to_string(), canonical, "{text}");
        }
        for text in ["0", "65536", "443-80", "80;443", "https", "80,", "-", "1-2-3"] {
            assert!(Ports::parse(text).is_err(), "{text}");
        }
        assert!(Ports::parse(&vec!["1"; 65].join(",")).is_err());
    }

    #[test]
    fn ports_contain_what_their_ranges_say() {
        let ports = Ports::parse("80,443,3478-3481").unwrap();
        assert!([80, 443, 3478, 3481].into_iter().all(|port| ports.contains(port)));
        assert!([79, 81, 3477, 3482].into_iter().all(|port| !ports.contains(port)));
    }
}
