//! The hosts that a page links to.
//!
//! A page is markup, script and data in one, so this is no HTML parser: it takes every name that stands where the host of
//! a URL does, after `scheme://` or after `//` at the start of an attribute's value, a string or a CSS `url(`. Slashes may
//! be escaped as JSON allows (RFC 8259 section 7, `https:\/\/`). That finds links of every kind, and now and then a host
//! of a comment, which does no harm: what is asked of the list is what a device put into it.
//!
//! Octets come in pieces as they arrive, of any text encoding that has ASCII in it. Memory is limited: one name of
//! [`NAME_OCTETS`], and [`HOSTS`] results.

use std::collections::BTreeSet;

use model::HostName;

/// Different hosts kept. Pages of the services that we know have some dozens.
const HOSTS: usize = 256;
/// The longest host name (RFC 1035 section 2.3.4), its trailing dot and a little more, to tell that one is too long.
const NAME_OCTETS: usize = 256;

/// Reads a page piece by piece.
#[derive(Clone, Debug, Default)]
pub struct LinkHosts {
    found: BTreeSet<HostName>,
    state: State,
    /// The name that is being read.
    name: Vec<u8>,
    /// The octet before the one at hand, backslashes aside.
    before: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// One slash, after an octet that may stand before the host of a URL.
    Slash,
    /// Behind both slashes.
    Name,
    /// A name that cannot be one, to its end.
    Skip,
}

impl LinkHosts {
    pub fn push(&mut self, octets: &[u8]) {
        for &octet in octets {
            // An escaped slash is a slash; what else a backslash does is of no interest.
            if octet == b'\\' && self.state != State::Name && self.state != State::Skip {
                continue;
            }
            self.state = match self.state {
                State::Text if octet == b'/' && may_precede(self.before) => State::Slash,
                State::Text => State::Text,
                State::Slash if octet == b'/' => State::Name,
                State::Slash => State::Text,
                State::Name if is_name(octet) => {
                    if self.name.len() < NAME_OCTETS {
                        self.name.push(octet);
                        State::Name
                    } else {
                        State::Skip
                    }
                }
                // What came was the user's name (RFC 3986 section 3.2.1); the host comes now.
                State::Name if octet == b'@' => {
                    self.name.clear();
                    State::Name
                }
                State::Name => {
                    self.end();
                    State::Text
                }
                State::Skip if is_name(octet) => State::Skip,
                State::Skip => {
                    self.name.clear();
                    State::Text
                }
            };
            self.before = octet;
        }
    }

    /// The hosts, each once, in alphabetical order.
    pub fn finish(mut self) -> Vec<HostName> {
        if self.state == State::Name {
            self.end();
        }
        self.found.into_iter().collect()
    }

    fn end(&mut self) {
        let name = std::mem::take(&mut self.name);
        if self.found.len() < HOSTS
            && let Some(host) = std::str::from_utf8(&name).ok().and_then(public_name)
        {
            self.found.insert(host);
        }
    }
}

/// What stands before the slashes of a URL: the scheme's colon, or the beginning of a value.
fn may_precede(octet: u8) -> bool {
    matches!(octet, b':' | b'"' | b'\'' | b'`' | b'=' | b'(')
}

fn is_name(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_')
}

/// A name of two labels or more whose last one begins with a letter: so no address, and no name of a local machine.
fn public_name(text: &str) -> Option<HostName> {
    let host = HostName::parse(text).ok()?;
    let (_, top) = host.as_str().rsplit_once('.')?;
    top.starts_with(|first: char| first.is_ascii_alphabetic()).then_some(host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hosts(page: &[u8]) -> Vec<String> {
        let mut links = LinkHosts::default();
        links.push(page);
        links.finish().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_of_every_kind() {
        for (page, host) in [
            (r#"<a href="https://login.example.com/a?b">"#, "login.example.com"),
            (r#"<img src='//cdn.example.net/x.png'>"#, "cdn.example.net"),
            (r#"<form action=//post.example.org>"#, "post.example.org"),
            (r#"{"url":"https:\/\/api.example.com\/v1"}"#, "api.example.com"),
            ("a{background:url(//img.example.com/a.png)}", "img.example.com"),
            ("new WebSocket('wss://Chat.Example.com:8443/hub')", "chat.example.com"),
            ("https://user@real.example.com/", "real.example.com"),
            ("<meta content=\"0; url=https://contoso.sharepoint.com.mcas.ms\">", "contoso.sharepoint.com.mcas.ms"),
            ("https://end.example.com", "end.example.com"),
            ("https://dot.example.com./", "dot.example.com"),
        ] {
            assert_eq!(hosts(page.as_bytes()), [host], "{page}");
        }
    }

    #[test]
    fn what_is_no_link_to_a_public_name() {
        for page in [
            "// a comment",
            "//comment.of.script",
            "a//b.example.com",
            "https:/one.example.com",
            "https://192.0.2.1/",
            "https://localhost/",
            "https://[2001:db8::1]/",
            "https:///path.example.com",
            "https://-a.example.com/",
            "https://${host}.example.com",
            "",
        ] {
            assert_eq!(hosts(page.as_bytes()), [""; 0], "{page}");
        }
        let long = format!("https://{}.example.com/ 'https://next.example.com'", "a".repeat(400));
        assert_eq!(hosts(long.as_bytes()), ["next.example.com"]);
    }

    #[test]
    fn each_host_once_and_not_more_than_the_limit() {
        assert_eq!(hosts(b"https://b.example.com https://a.example.com https://b.example.com").len(), 2);
        let page: String = (0..1000).map(|n| format!("https://h{n}.example.com ")).collect();
        assert_eq!(hosts(page.as_bytes()).len(), HOSTS);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(page: Vec<u8>, link in "(https:|\"|=)(//|\\\\/\\\\/)([a-z@.:\\-]{0,12})", cut: prop::sample::Index) {
            let mut octets = page.clone();
            octets.extend(link.as_bytes());
            octets.extend(page);
            let (left, right) = octets.split_at(cut.index(octets.len()));
            let mut links = LinkHosts::default();
            links.push(left);
            links.push(right);
            let whole = hosts(&octets);
            prop_assert_eq!(links.finish().iter().map(ToString::to_string).collect::<Vec<_>>(), whole);
        }

        #[test]
        fn every_name_that_is_linked_is_found(name in "[a-z][a-z0-9]{0,9}(\\.[a-z][a-z0-9]{0,9}){0,3}\\.[a-z]{2,6}") {
            prop_assert_eq!(hosts(format!("<a href=\"https://{name}/\">").as_bytes()), vec![name]);
        }
    }
}
