//! The head of an HTTP/1.x response as its octets have it (RFC 9112 sections 4 and 5): names as they were spelled, in the
//! order in which they came, repeated ones in their places. A library's map of headers no longer has all of that.
//!
//! In: the octets of a connection from the start of a response. Out: the head and its length, nothing yet where its end has
//! not come, or why it is none. Lenient where a receiver may be (bare LF, folded lines, no reason phrase), because a device
//! that writes sloppily is to be recorded and not to be refused.

/// Octets of a head, and fields in it; larger ones come from no honest peer.
const HEAD_LIMIT: usize = 64 << 10;
const FIELDS_LIMIT: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// "1.0" or "1.1".
    pub version: &'static str,
    pub status: u16,
    /// Name and value. Octets that are not UTF-8 are replaced.
    pub fields: Vec<(String, String)>,
}

/// Where a response's body ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    #[error("the answer is not HTTP/1")]
    NotHttp,
    #[error("a line of the head is no field")]
    Field,
    #[error("the head is longer than is accepted")]
    TooLarge,
    #[error("the head says two lengths")]
    Length,
}

impl ResponseHead {
    /// The head at the start of `octets` and its length; `None` where more octets are needed to tell.
    pub fn parse(octets: &[u8]) -> Result<Option<(Self, usize)>, HeadError> {
        let start = octets.get(..octets.len().min(7)).unwrap_or_default();
        if !b"HTTP/1.".starts_with(start) {
            return Err(HeadError::NotHttp);
        }
        let mut lines = octets.split_inclusive(|octet| *octet == b'\n');
        let mut read = 0;
        let mut next = || {
            let line = lines.next()?;
            read += line.len();
            let text = line.strip_suffix(b"\n")?;
            Some((text.strip_suffix(b"\r").unwrap_or(text), read))
        };
        let incomplete = || if octets.len() > HEAD_LIMIT { Err(HeadError::TooLarge) } else { Ok(None) };
        let Some((line, _)) = next() else { return incomplete() };
        let (version, status) = status_line(line).ok_or(HeadError::NotHttp)?;
        let mut fields: Vec<(String, String)> = Vec::new();
        loop {
            let Some((line, length)) = next() else { return incomplete() };
            if length > HEAD_LIMIT || fields.len() > FIELDS_LIMIT {
                return Err(HeadError::TooLarge);
            }
            if line.is_empty() {
                return Ok(Some((Self { version, status, fields }, length)));
            }
            // A folded line goes on with the value before it (section 5.2).
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                let (_, value) = fields.last_mut().ok_or(HeadError::Field)?;
                value.push(' ');
                value.push_str(&String::from_utf8_lossy(line.trim_ascii()));
                continue;
            }
            fields.push(field(line).ok_or(HeadError::Field)?);
        }
    }

    /// The values of all fields of this name, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1.as_str())
    }

    /// How the body that follows is delimited, in answer to a request of `method`.
    pub fn framing(&self, method: &str) -> Result<BodyFraming, HeadError> {
        if method == "HEAD" || self.status < 200 || self.status == 204 || self.status == 304 {
            return Ok(BodyFraming::None);
        }
        let codings = self.values("transfer-encoding").flat_map(|value| value.split(','));
        if let Some(last) = codings.last() {
            let chunked = last.trim().eq_ignore_ascii_case("chunked");
            return Ok(if chunked { BodyFraming::Chunked } else { BodyFraming::UntilClose });
        }
        let mut length = None;
        for value in self.values("content-length").flat_map(|value| value.split(',')) {
            let value = value.trim();
            let number = value.parse().ok().filter(|_| value.bytes().all(|octet| octet.is_ascii_digit()));
            let number: u64 = number.ok_or(HeadError::Length)?;
            if length.is_some_and(|length| length != number) {
                return Err(HeadError::Length);
            }
            length = Some(number);
        }
        Ok(length.map_or(BodyFraming::UntilClose, BodyFraming::Length))
    }

    /// Whether another request may follow on this connection, as far as the head says (section 9.3).
    pub fn keeps_open(&self) -> bool {
        let says = |token: &str| {
            let mut options = self.values("connection").flat_map(|value| value.split(','));
            options.any(|option| option.trim().eq_ignore_ascii_case(token))
        };
        if self.version == "1.0" { says("keep-alive") } else { !says("close") }
    }
}

/// `HTTP/1.1 200 OK`, the reason phrase left out by some.
fn status_line(line: &[u8]) -> Option<(&'static str, u16)> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let version = if rest.starts_with(b"0") { "1.0" } else { "1.1" };
    let status = rest.strip_prefix(b"0 ").or(rest.strip_prefix(b"1 "))?.trim_ascii_start();
    let (digits, rest) = status.split_at_checked(3)?;
    let status = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let ends = rest.first().is_none_or(|octet| *octet == b' ');
    (ends && digits.iter().all(u8::is_ascii_digit) && (100..=999).contains(&status)).then_some((version, status))
}

/// `name: value`, without the white space around the value.
pub(super) fn field(line: &[u8]) -> Option<(String, String)> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let (name, value) = line.split_at(colon);
    if name.is_empty() {
        return None;
    }
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    Some((text(name), text(value.strip_prefix(b":")?.trim_ascii())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> ResponseHead {
        ResponseHead::parse(text.as_bytes()).unwrap().unwrap().0
    }

    #[test]
    fn order_spelling_and_repetition_are_kept() {
        let head = b"HTTP/1.1 200 OK\r\nX-B: 1\r\nx-a:2\r\nX-b:  3 \r\nEmpty:\r\nFold: a\r\n b\r\n\r\nbody";
        let (head, length) = ResponseHead::parse(head).unwrap().unwrap();
        let fields: Vec<_> = head.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(fields, [("X-B", "1"), ("x-a", "2"), ("X-b", "3"), ("Empty", ""), ("Fold", "a b")]);
        assert_eq!((head.version, head.status, length), ("1.1", 200, 65));
    }

    #[test]
    fn sloppy_heads_are_read_and_others_refused() {
        assert_eq!(parsed("HTTP/1.0 407\n\n").status, 407);
        for (text, error) in [
            ("SSH-2.0-x\r\n", HeadError::NotHttp),
            ("HTTP/1.1 20 OK\r\n\r\n", HeadError::NotHttp),
            ("HTTP/1.1 2000 OK\r\n\r\n", HeadError::NotHttp),
            ("HTTP/1.1 200 OK\r\n: x\r\n\r\n", HeadError::Field),
            ("HTTP/1.1 200 OK\r\n fold\r\n\r\n", HeadError::Field),
        ] {
            assert_eq!(ResponseHead::parse(text.as_bytes()), Err(error), "{text}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(FIELDS_LIMIT + 2));
        assert_eq!(ResponseHead::parse(many.as_bytes()), Err(HeadError::TooLarge));
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(HEAD_LIMIT));
        assert_eq!(ResponseHead::parse(long.as_bytes()), Err(HeadError::TooLarge));
    }

    /// RFC 9112 section 6.3, rule by rule.
    #[test]
    fn the_end_of_the_body_is_known() {
        for (method, text, framing) in [
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Ok(BodyFraming::None)),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Ok(BodyFraming::None)),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n", Ok(BodyFraming::Length(5))),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n", Err(HeadError::Length)),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", Err(HeadError::Length)),
            (
                "GET",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n",
                Ok(BodyFraming::Chunked),
            ),
            ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Ok(BodyFraming::UntilClose)),
            ("GET", "HTTP/1.1 200 OK\r\n\r\n", Ok(BodyFraming::UntilClose)),
        ] {
            assert_eq!(parsed(text).framing(method), framing, "{text}");
        }
    }

    #[test]
    fn connections_that_stay_open_are_told_from_those_that_do_not() {
        for (text, open) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true),
        ] {
            assert_eq!(parsed(text).keeps_open(), open, "{text}");
        }
    }

    proptest! {
        #[test]
        fn heads_are_read_back(
            lines in prop::collection::vec(("[A-Za-z_-]{1,20}", "([!-~]([ -~]{0,20}[!-~])?)?"), 0..20),
        ) {
            let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
            for (name, value) in &lines {
                head.extend(format!("{name}: {value}\r\n").bytes());
            }
            head.extend(b"\r\n");
            let expected = ResponseHead { version: "1.1", status: 200, fields: lines };
            prop_assert_eq!(ResponseHead::parse(&head), Ok(Some((expected, head.len()))));
            for end in 0..head.len() {
                prop_assert_eq!(ResponseHead::parse(&head[..end]), Ok(None));
            }
        }

        #[test]
        fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            let octets = [b"HTTP/1.1 200 OK\r\n", &octets[..]].concat();
            if let Ok(Some((head, length))) = ResponseHead::parse(&octets) {
                prop_assert!(length <= octets.len());
                let _ = (head.framing("GET"), head.keeps_open());
            }
        }
    }
}
