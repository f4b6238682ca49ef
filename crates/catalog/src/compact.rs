//! Our own form of an endpoint list: the facts alone, one a line, so that the difference of two versions reads as what
//! was added and removed.
//!
//! ```text
//! truepath-endpoints 1
//! instance worldwide
//! version 2025063000
//! source where it comes from, and when it was made
//!
//! set 1 Exchange Optimize required express-route
//! name Exchange Online
//! tcp 80,443
//! udp 443
//! host outlook.office.com
//! net 52.96.0.0/14
//! ```
//!
//! The first line tells the format and its version. `instance`, `version` and `source` follow in any order, once each.
//! `set` begins an endpoint set: id, service area, category, then `required` and `express-route` where they hold. The
//! lines up to the next `set` belong to it: `name`, `tcp`, `udp`, `note` at most once, `host` and `net` as often as
//! needed. Blank lines and lines that begin with `#` say nothing.
//!
//! Writing and reading again is identity. What cannot be read is an error with its line; nothing is skipped.

use core::fmt::Write;

use crate::catalogue::{Catalogue, Category, EndpointSet};
use crate::json::{HOST_EXPECTED, ListError, NETWORK_EXPECTED, line_of_text, read_network, within};
use crate::limits;
use crate::names::{Instance, Version, excerpt, label};
use crate::pattern::HostPattern;
use crate::ports::Ports;

const HEADER: &str = "truepath-endpoints 1";

impl Catalogue {
    /// Reads our own format.
    pub fn from_compact(text: &str) -> Result<Self, ListError> {
        if text.len() > limits::LIST_BYTES {
            return Err(ListError::TooLarge { bytes: text.len() });
        }
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end()));
        match lines.next() {
            Some((_, HEADER)) => (),
            first => return Err(wrong(1, "format", first.map_or("", |(_, line)| line), &format!("`{HEADER}`"))),
        }
        let mut reader = Reader::default();
        for (line, text) in lines {
            if !text.is_empty() && !text.starts_with('#') {
                let (key, value) = text.split_once(' ').unwrap_or((text, ""));
                reader.line(line, key, value.trim())?;
            }
        }
        Self::checked(
            reader.instance.ok_or(ListError::Missing("instance"))?,
            reader.version.ok_or(ListError::Missing("version"))?,
            &reader.source.ok_or(ListError::Missing("source"))?,
            reader.sets,
        )
    }

    /// Writes our own format.
    pub fn to_compact(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write_compact(&mut out);
        out
    }

    fn write_compact(&self, out: &mut String) -> core::fmt::Result {
        writeln!(out, "{HEADER}\ninstance {}\nversion {}\nsource {}", self.instance(), self.version(), self.source())?;
        for set in self.sets() {
            write!(out, "\nset {} {} {}", set.id, set.area, set.category)?;
            out.push_str(if set.required { " required" } else { "" });
            out.push_str(if set.express_route { " express-route" } else { "" });
            out.push('\n');
            if let Some(name) = &set.area_name {
                writeln!(out, "name {name}")?;
            }
            for (key, ports) in [("tcp", &set.tcp), ("udp", &set.udp)] {
                if !ports.is_empty() {
                    writeln!(out, "{key} {ports}")?;
                }
            }
            for host in &set.hosts {
                writeln!(out, "host {host}")?;
            }
            for network in &set.networks {
                writeln!(out, "net {network}")?;
            }
            if let Some(notes) = &set.notes {
                writeln!(out, "note {notes}")?;
            }
        }
        Ok(())
    }
}

fn wrong(line: usize, field: &str, value: &str, expected: &str) -> ListError {
    ListError::Line {
        line,
        field: field.to_owned(),
        value: format!("`{}`", excerpt(value)),
        expected: expected.to_owned(),
    }
}

#[derive(Default)]
struct Reader {
    instance: Option<Instance>,
    version: Option<Version>,
    source: Option<String>,
    sets: Vec<EndpointSet>,
}

impl Reader {
    fn line(&mut self, line: usize, key: &str, value: &str) -> Result<(), ListError> {
        let expected = |expected: &str| wrong(line, key, value, expected);
        match (key, self.sets.last_mut()) {
            ("instance", None) => once(&mut self.instance, Instance::parse(value)?).map_err(|()| expected("it once")),
            ("version", None) => once(&mut self.version, Version::parse(value)?).map_err(|()| expected("it once")),
            ("source", None) => once(&mut self.source, value.to_owned()).map_err(|()| expected("it once")),
            ("set", _) => {
                let set = read_head(value).ok_or_else(|| {
                    expected("an id, a service area, a category, then `required` and `express-route` where they hold")
                })?;
                within("endpoint sets", self.sets.len() + 1, limits::SETS)?;
                self.sets.push(set);
                Ok(())
            }
            ("host", Some(set)) => {
                within("hosts in one set", set.hosts.len() + 1, limits::HOSTS_PER_SET)?;
                set.hosts.push(HostPattern::parse(value).map_err(|_| expected(HOST_EXPECTED))?);
                Ok(())
            }
            ("net", Some(set)) => {
                within("address ranges in one set", set.networks.len() + 1, limits::NETWORKS_PER_SET)?;
                set.networks.push(read_network(value).ok_or_else(|| expected(NETWORK_EXPECTED))?);
                Ok(())
            }
            ("tcp" | "udp", Some(set)) => {
                let ports =
                    Ports::parse(value).map_err(|_| expected("ports or ranges of them, separated by commas"))?;
                let place = if key == "tcp" { &mut set.tcp } else { &mut set.udp };
                if !place.is_empty() {
                    return Err(expected("it once in a set"));
                }
                *place = ports;
                Ok(())
            }
            ("name" | "note", Some(set)) => {
                let text = line_of_text(value).ok_or_else(|| expected("a line of text"))?;
                let place = if key == "name" { &mut set.area_name } else { &mut set.notes };
                once(place, text).map_err(|()| expected("it once in a set"))
            }
            (_, None) => Err(expected("`instance`, `version`, `source` or `set`")),
            (_, Some(_)) => Err(expected("`set`, `name`, `tcp`, `udp`, `host`, `net` or `note`")),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), ()> {
    if place.is_some() {
        return Err(());
    }
    *place = Some(value);
    Ok(())
}

/// `ID AREA CATEGORY [required] [express-route]`
fn read_head(value: &str) -> Option<EndpointSet> {
    let mut words = value.split_whitespace();
    let id = words.next()?.parse().ok()?;
    let area = label("service area", words.next()?).ok()?.to_owned();
    let category = Category::parse(words.next()?)?;
    let mut words = words.peekable();
    let required = words.next_if_eq(&"required").is_some();
    let express_route = words.next_if_eq(&"express-route").is_some();
    words.next().is_none().then(|| EndpointSet {
        id,
        area,
        area_name: None,
        category,
        required,
        express_route,
        hosts: Vec::new(),
        networks: Vec::new(),
        tcp: Ports::default(),
        udp: Ports::default(),
        notes: None,
    })
}

#[cfg(test)]
mod tests {
    use crate::Catalogue;

    const LIST: &str = "truepath-endpoints 1\ninstance worldwide\nversion 2025063000\nsource a test of 2026-11-23\n
set 1 Exchange Optimize required express-route\nname Exchange Online\ntcp 80,443\nudp 443\nhost outlook.office.com
net 52.96.0.0/14\nnet 2603:1006::/40\n\nset 50 Common Default\ntcp 443\nhost *.microsoft.com\nnote Notebooks\n";

    fn check_error(text: &str, message: &str) {
        assert_eq!(Catalogue::from_compact(text).unwrap_err().to_string(), message, "{text}");
    }

    #[test]
    fn what_was_written_is_read_again() {
        let list = Catalogue::from_compact(LIST).unwrap();
        assert_eq!(list.to_compact(), LIST);
        assert_eq!(list.sets().len(), 2);
    }

    #[test]
    fn errors_name_the_line() {
        check_error("", "line 1: format: ``: expected `truepath-endpoints 1`");
        check_error("truepath-endpoints 2", "line 1: format: `truepath-endpoints 2`: expected `truepath-endpoints 1`");
        check_error(
            &LIST.replace("tcp 80,443", "tcp 80;443"),
            "line 8: tcp: `80;443`: expected ports or ranges of them, separated by commas",
        );
        check_error(&LIST.replace("udp 443", "tcp 444"), "line 9: tcp: `444`: expected it once in a set");
        check_error(
            &LIST.replace("host outlook", "hots outlook"),
            "line 10: hots: `outlook.office.com`: expected `set`, `name`, `tcp`, `udp`, `host`, `net` or `note`",
        );
        check_error(
            &LIST.replace("required express-route", "express-route required"),
            "line 6: set: `1 Exchange Optimize express-route required`: expected an id, a service area, a category, \
             then `required` and `express-route` where they hold",
        );
        check_error(&LIST.replace("version 2025063000\n", ""), "no line says the version of the list");
        check_error(&LIST.replace("set 50", "set 1"), "endpoint set 1 occurs twice");
    }
}
