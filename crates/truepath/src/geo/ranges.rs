//! Sorted CSV of address ranges: `first,last,asn,organisation`. Searched by halves in the file itself, which has tens of
//! megabytes of which a run needs a few lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;

use model::{Place, Timestamp};

/// Longer lines are no lines of such a file.
const LINE_LIMIT: usize = 1024;

pub(crate) struct Ranges {
    file: BufReader<File>,
    length: u64,
    modified: Option<Timestamp>,
}

impl Ranges {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let since_epoch = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified =
            since_epoch.and_then(|time| i64::try_from(time.as_secs()).ok()).and_then(Timestamp::from_unix_seconds);
        let mut ranges = Self { file: BufReader::with_capacity(4096, file), length: metadata.len(), modified };
        if ranges.line_from(0)?.is_none_or(|(_, line)| parse(&line).is_none()) {
            return Err(io::Error::other("the first line is not `first,last,asn,organisation`"));
        }
        Ok(ranges)
    }

    pub(super) fn lookup(&mut self, address: IpAddr) -> Option<Place> {
        // Invariant: every line that begins before `low` begins with a range at or before the address.
        let (mut low, mut high) = (0, self.length);
        let mut best = None;
        while low < high {
            let middle = low + (high - low) / 2;
            let Some((start, line)) = self.line_from(middle).ok()? else {
                high = middle;
                continue;
            };
            let range = parse(&line)?;
            if range.first <= address && range.first.is_ipv4() == address.is_ipv4() {
                low = start + line.len() as u64 + 1;
                best = Some(range);
            } else {
                high = middle;
            }
        }
        let range = best.filter(|range| range.last >= address)?;
        Some(Place { asn: Some(range.asn), network: Some(range.organisation), ..Place::default() })
    }

    pub(super) fn modified(&self) -> String {
        self.modified.map_or_else(|| "an unknown day".to_owned(), |time| time.0.strftime("%Y-%m-%d").to_string())
    }

    /// The first line that begins at this octet or after it, and where it begins.
    fn line_from(&mut self, at: u64) -> io::Result<Option<(u64, String)>> {
        let mut start = at.saturating_sub(1);
        self.file.seek(SeekFrom::Start(start))?;
        if at > 0 {
            start += self.skip_line()?;
        }
        let mut line = Vec::new();
        io::Read::take(&mut self.file, LINE_LIMIT as u64).read_until(b'\n', &mut line)?;
        while line.last().is_some_and(|octet| octet.is_ascii_whitespace()) {
            line.pop();
        }
        Ok((!line.is_empty()).then(|| (start, String::from_utf8_lossy(&line).into_owned())))
    }

    fn skip_line(&mut self) -> io::Result<u64> {
        let mut rest = Vec::new();
        let count = io::Read::take(&mut self.file, LINE_LIMIT as u64).read_until(b'\n', &mut rest)?;
        Ok(count as u64)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: IpAddr,
    last: IpAddr,
    asn: u32,
    organisation: String,
}

fn parse(line: &str) -> Option<Range> {
    let mut fields = line.splitn(4, ',');
    let (first, last, asn) = (fields.next()?, fields.next()?, fields.next()?);
    let organisation = fields.next().unwrap_or_default().trim_matches('"').replace("\"\"", "\"");
    Some(Range { first: first.parse().ok()?, last: last.parse().ok()?, asn: asn.parse().ok()?, organisation })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Ranges;

    const LIST: &str = "1.0.0.0,1.0.0.255,13335,\"Cloudflare, Inc.\"\n1.0.4.0,1.0.7.255,38803,Gtelecom Pty Ltd\n\
                        9.0.0.0,9.255.255.255,3,\"A \"\"quoted\"\" name\"\n203.0.113.0,203.0.113.255,64496,Contoso\n";

    fn list(text: &str, name: &str) -> std::io::Result<Ranges> {
        let path = std::env::temp_dir().join(format!("truepath-ranges-{name}-{}.csv", std::process::id()));
        std::fs::File::create(&path)?.write_all(text.as_bytes())?;
        let ranges = Ranges::open(&path);
        std::fs::remove_file(&path)?;
        ranges
    }

    #[test]
    fn every_address_of_every_range_is_found_and_no_other() {
        let mut ranges = list(LIST, "found").unwrap();
        let mut asn = |address: &str| ranges.lookup(address.parse().unwrap()).and_then(|place| place.asn);
        for (address, expected) in [
            ("0.255.255.255", None),
            ("1.0.0.0", Some(13335)),
            ("1.0.0.255", Some(13335)),
            ("1.0.1.0", None),
            ("1.0.3.255", None),
            ("1.0.4.0", Some(38803)),
            ("1.0.7.255", Some(38803)),
            ("9.1.2.3", Some(3)),
            ("203.0.113.0", Some(64496)),
            ("203.0.113.255", Some(64496)),
            ("203.0.114.0", None),
            ("255.255.255.255", None),
            ("2001:db8::1", None),
        ] {
            assert_eq!(asn(address), expected, "{address}");
        }
        let network = |ranges: &mut Ranges, address: &str| ranges.lookup(address.parse().unwrap()).unwrap().network;
        assert_eq!(network(&mut ranges, "1.0.0.1").as_deref(), Some("Cloudflare, Inc."));
        assert_eq!(network(&mut ranges, "9.0.0.1").as_deref(), Some("A \"quoted\" name"));
    }

    #[test]
    fn another_file_is_refused() {
        for (name, text) in [("empty", ""), ("header", "from,to,asn,org\n"), ("noise", "\u{0}\u{1}\u{2}")] {
            assert!(list(text, name).is_err(), "{name}");
        }
        let long = format!("1.0.0.0,1.0.0.255,1,{}\n2.0.0.0,2.0.0.255,2,b\n", "x".repeat(5_000));
        let mut ranges = list(&long, "long").unwrap();
        assert!(ranges.lookup("2.0.0.1".parse().unwrap()).is_none_or(|place| place.asn == Some(2)));
    }
}
