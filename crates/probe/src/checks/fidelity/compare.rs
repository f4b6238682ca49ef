//! What was sent held against what arrived: header by header, body by body.
//!
//! In: two lists of fields, or two bodies. Out: the differences, each once, in words short enough for a record. Nothing here
//! knows what a difference means.

use aws_lc_rs::digest;
use model::{Answer, ArrivedBody, ArrivedHeader, Difference, DifferenceKind, Way};

use crate::exact::{Field, Request, Response};

/// Characters of a value in the record.
const VALUE_LIMIT: usize = 256;
/// Differences told of one test: a hostile head can have hundreds.
const DIFFERENCES_LIMIT: usize = 48;

/// They say where a body ends and belong to one hop alone (RFC 9112 section 6); what became of them is told by
/// [`framing`].
const FRAMING: &[&str] = &["content-length", "transfer-encoding"];
/// On the way back they are the business of the last hop (RFC 9110 section 7.6.1).
const HOP_BY_HOP: &[&str] = &["connection", "keep-alive"];

pub(super) fn difference(
    way: Way,
    kind: DifferenceKind,
    what: &str,
    sent: Option<&str>,
    arrived: Option<&str>,
) -> Difference {
    let short = |text: &str| text.chars().take(VALUE_LIMIT).collect::<String>();
    Difference { way, kind, what: short(what), sent: sent.map(short), arrived: arrived.map(short) }
}

fn changed(way: Way, what: &str, sent: &str, arrived: &str) -> Option<Difference> {
    (sent != arrived).then(|| difference(way, DifferenceKind::Changed, what, Some(sent), Some(arrived)))
}

/// The request as it left against the request as it arrived.
pub(super) fn request(sent: &Request, authority: &str, version: &str, answer: &Answer) -> Vec<Difference> {
    let way = Way::Request;
    let mut differences: Vec<Difference> = Vec::new();
    differences.extend(changed(way, "method", sent.method, &answer.method));
    differences.extend(changed(way, "path", &sent.path, &answer.path));
    if version != answer.http_version {
        let (here, there) = (Some(version), Some(answer.http_version.as_str()));
        differences.push(difference(way, DifferenceKind::Translated, "version", here, there));
    }
    let arrived: Vec<Field> = answer.headers.iter().map(field).collect();
    // Over HTTP/2 the host travels as a pseudo-header, which stands before all others (RFC 9113 section 8.3).
    let told = arrived.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    let spelled = if version == "2" { "host" } else { "Host" };
    let host = told.then(|| (spelled.to_owned(), authority.to_owned()));
    let left: Vec<Field> = host.into_iter().chain(sent.headers.iter().cloned()).collect();
    differences.extend(headers(way, &left, &arrived, FRAMING));
    if translated(version, answer) {
        differences.retain(|difference| difference.kind != DifferenceKind::Recased);
    }
    differences.extend(upload(sent, answer.body.as_ref()));
    differences.truncate(DIFFERENCES_LIMIT);
    differences
}

/// From HTTP/1.1 to HTTP/2 or back: HTTP/2 has names in lower case alone (RFC 9113 section 8.2.1), so how they were spelled is
/// lost with the version, and not once more.
fn translated(here: &str, answer: &Answer) -> bool {
    here.starts_with('1') != answer.http_version.starts_with('1')
}

/// The response as it left against the response as it arrived, with the far end's word on its headers.
pub(super) fn response(answer: &Answer, framing_sent: &str, arrived: &Response) -> Vec<Difference> {
    let way = Way::Response;
    let mut differences = Vec::new();
    if !answer.response_headers.is_empty() {
        let sent: Vec<Field> = answer.response_headers.iter().map(field).collect();
        let skipped = [FRAMING, HOP_BY_HOP].concat();
        differences.extend(headers(way, &sent, &arrived.headers, &skipped));
    }
    if translated(arrived.version, answer) {
        differences.retain(|difference| difference.kind != DifferenceKind::Recased);
    }
    // The far end answers HTTP/1.1 with HTTP/1.1 (RFC 9110 section 2.5).
    if arrived.version == "1.0" {
        differences.push(difference(way, DifferenceKind::Translated, "version", Some("1.1"), Some("1.0")));
    }
    differences.extend(framing(way, framing_sent, arrived.framing));
    differences.truncate(DIFFERENCES_LIMIT);
    differences
}

/// How the body was delimited. Chunks and frames are the same thing in two versions: no length was told.
pub(super) fn framing(way: Way, sent: &str, arrived: &str) -> Option<Difference> {
    let told = |framing: &str| framing == "length";
    (told(sent) != told(arrived))
        .then(|| difference(way, DifferenceKind::Translated, "framing", Some(sent), Some(arrived)))
}

fn upload(sent: &Request, arrived: Option<&ArrivedBody>) -> Vec<Difference> {
    let way = Way::Request;
    let empty = (0, sha256(&[]));
    let (left, left_framing, left_trailers) = match &sent.body {
        None => (empty.clone(), None, Vec::new()),
        Some(body) => {
            let framing = if body.piece.is_some() { "chunked" } else { "length" };
            let sum = (u64::try_from(body.octets.len()).unwrap_or(u64::MAX), sha256(&body.octets));
            (sum, Some(framing), body.trailers.clone())
        }
    };
    let there = arrived.map_or(empty, |body| (body.length, body.sha256.to_string()));
    let mut differences = Vec::new();
    if left != there {
        let sum = |(length, sha256): &(u64, String)| format!("{length} octets with SHA-256 {sha256}");
        differences.extend(changed(way, "body", &sum(&left), &sum(&there)));
    }
    if let (Some(left), Some(body)) = (left_framing, arrived) {
        differences.extend(framing(way, left, &body.framing));
    }
    let there = arrived.map(|body| body.trailers.iter().map(field).collect::<Vec<_>>()).unwrap_or_default();
    differences.extend(trailers(way, &left_trailers, &there));
    differences
}

/// Their order and spelling is nobody's concern: a receiver merges them into the headers (RFC 9110 section 6.5.2).
pub(super) fn trailers(way: Way, sent: &[Field], arrived: &[Field]) -> Vec<Difference> {
    let text = |fields: &[Field]| {
        let lines: Vec<_> = fields.iter().map(|(name, value)| format!("{}: {value}", name.to_lowercase())).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    };
    let (sent, arrived) = (text(sent), text(arrived));
    let kind = match (&sent, &arrived) {
        _ if sent == arrived => return Vec::new(),
        (Some(_), None) => DifferenceKind::Removed,
        (None, _) => DifferenceKind::Added,
        _ => DifferenceKind::Changed,
    };
    vec![difference(way, kind, "trailers", sent.as_deref(), arrived.as_deref())]
}

/// Two bodies, with the surroundings of the first octet that differs where they are text.
pub(super) fn body(way: Way, sent: &[u8], arrived: &[u8]) -> Option<Difference> {
    const BEFORE: usize = 40;
    if sent == arrived {
        return None;
    }
    let at = sent.iter().zip(arrived).take_while(|(sent, arrived)| sent == arrived).count();
    let shown = |octets: &[u8]| {
        let around = octets.get(at.saturating_sub(BEFORE)..octets.len().min(at + 120)).unwrap_or_default();
        let text = String::from_utf8_lossy(around);
        let readable = !text.chars().any(|c| c == '\u{fffd}' || c.is_control() && !c.is_whitespace());
        let around = if readable { format!("; around octet {at}: {text}") } else { format!("; from octet {at} on") };
        format!("{} octets{around}", octets.len())
    };
    Some(difference(way, DifferenceKind::Changed, "body", Some(&shown(sent)), Some(&shown(arrived))))
}

/// Two lists of fields: names that are gone, new, respelled, with other values, and in another order.
pub(super) fn headers(way: Way, sent: &[Field], arrived: &[Field], skipped: &[&str]) -> Vec<Difference> {
    let (sent, arrived) = (Grouped::new(sent, skipped), Grouped::new(arrived, skipped));
    let mut differences = Vec::new();
    for group in &sent.0 {
        let values = group.values();
        let Some(there) = arrived.find(&group.name) else {
            differences.push(difference(way, DifferenceKind::Removed, &group.name, Some(&values), None));
            continue;
        };
        if group.values.len() == there.values.len() {
            let pairs = group.values.iter().zip(&there.values);
            differences.extend(pairs.filter_map(|(value, there)| changed(way, &group.name, value, there)));
        } else {
            differences.extend(changed(way, &group.name, &values, &there.values()).or_else(|| {
                // The same text, cut into fields in another way.
                let count = |group: &Group| match group.values.len() {
                    1 => format!("one field: {}", group.values()),
                    count => format!("{count} fields: {}", group.values()),
                };
                changed(way, &group.name, &count(group), &count(there))
            }));
        }
        // Where fields are missing it is told already; what is left of them may still be spelled as it was.
        let respelled = there.spelled.iter().any(|name| !group.spelled.contains(name))
            || group.spelled.len() == there.spelled.len() && group.spelled != there.spelled;
        if respelled {
            let (here, there) = (group.spelled.join(", "), there.spelled.join(", "));
            differences.push(difference(way, DifferenceKind::Recased, &group.name, Some(&here), Some(&there)));
        }
    }
    for group in arrived.0.iter().filter(|group| sent.find(&group.name).is_none()) {
        differences.push(difference(way, DifferenceKind::Added, &group.name, None, Some(&group.values())));
    }
    differences.extend(order(way, &sent, &arrived));
    differences
}

/// The names that both lists have, in the order of the first field of each; told from the first to the last that moved.
fn order(way: Way, sent: &Grouped, arrived: &Grouped) -> Option<Difference> {
    let common = |list: &Grouped, other: &Grouped| -> Vec<String> {
        list.0.iter().filter(|group| other.find(&group.name).is_some()).map(|group| group.name.clone()).collect()
    };
    let (left, there) = (common(sent, arrived), common(arrived, sent));
    let same = |(left, there): &(&String, &String)| left == there;
    let start = left.iter().zip(&there).take_while(same).count();
    let end = left.iter().rev().zip(there.iter().rev()).take_while(same).count();
    let moved = |names: &[String]| {
        names
            .get(start..names.len().saturating_sub(end))
            .filter(|names| !names.is_empty())
            .map(|names| names.join(", "))
    };
    let (left, there) = (moved(&left)?, moved(&there)?);
    Some(difference(way, DifferenceKind::Reordered, "headers", Some(&left), Some(&there)))
}

/// Fields by name, in the order of the first of each name.
struct Grouped(Vec<Group>);

struct Group {
    /// In lower case.
    name: String,
    spelled: Vec<String>,
    values: Vec<String>,
}

impl Group {
    fn values(&self) -> String {
        self.values.join(", ")
    }
}

impl Grouped {
    fn new(fields: &[Field], skipped: &[&str]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (spelled, value) in fields {
            let name = spelled.to_lowercase();
            if skipped.contains(&name.as_str()) {
                continue;
            }
            match groups.iter_mut().find(|group| group.name == name) {
                // Over HTTP/2 a Cookie may be cut at its semicolons and is put together again (RFC 9113 section 8.2.3).
                Some(Group { values, .. }) if name == "cookie" => {
                    if let Some(joined) = values.first_mut() {
                        joined.push_str("; ");
                        joined.push_str(value);
                    }
                }
                Some(group) => {
                    group.spelled.push(spelled.clone());
                    group.values.push(value.clone());
                }
                None => groups.push(Group { name, spelled: vec![spelled.clone()], values: vec![value.clone()] }),
            }
        }
        Self(groups)
    }

    fn find(&self, name: &str) -> Option<&Group> {
        self.0.iter().find(|group| group.name == name)
    }
}

fn field(header: &ArrivedHeader) -> Field {
    (header.0.clone(), header.1.clone())
}

fn sha256(octets: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, octets))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<Field> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn check(sent: &[(&str, &str)], arrived: &[(&str, &str)], expected: &[(DifferenceKind, &str, &str, &str)]) {
        let found = headers(Way::Request, &fields(sent), &fields(arrived), FRAMING);
        let found: Vec<_> = found
            .iter()
            .map(|d| (d.kind, &*d.what, d.sent.as_deref().unwrap_or("-"), d.arrived.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_a_device_does_to_headers_is_named() {
        use DifferenceKind::{Added, Changed, Recased, Removed, Reordered};
        let sent = [("Host", "a"), ("X-One", "1"), ("x-two", "2"), ("X-one", "3")];
        check(&sent, &sent, &[]);
        check(&sent, &sent[..3], &[(Changed, "x-one", "1, 3", "1")]);
        check(
            &sent,
            &[("Host", "a"), ("X-One", "1, 3"), ("x-two", "2")],
            &[(Changed, "x-one", "2 fields: 1, 3", "one field: 1, 3")],
        );
        check(
            &sent[..3],
            &[("X-One", "1"), ("x-two", "2"), ("Host", "a"), ("Via", "1.1 x")],
            &[(Added, "via", "-", "1.1 x"), (Reordered, "headers", "host, x-one, x-two", "x-one, x-two, host")],
        );
        check(&sent[..2], &[("host", "a")], &[(Recased, "host", "Host", "host"), (Removed, "x-one", "1", "-")]);
        check(&[("cookie", "a=1; b=2")], &[("cookie", "a=1"), ("cookie", "b=2")], &[]);
        check(&[("a", "1"), ("Content-Length", "1")], &[("a", "1"), ("transfer-encoding", "chunked")], &[]);
    }

    #[test]
    fn the_place_where_bodies_part_is_shown() {
        let sent = b"<a href=\"https://a.example/\">";
        let arrived = b"<a href=\"https://a.example.proxy.example/\">";
        let found = body(Way::Response, sent, arrived).map(|difference| (difference.sent, difference.arrived));
        let around = |octets: &[u8]| {
            Some(format!("{} octets; around octet 26: {}", octets.len(), String::from_utf8_lossy(octets)))
        };
        assert_eq!(found, Some((around(sent), around(arrived))));
        assert_eq!(body(Way::Response, sent, sent), None);
        assert!(body(Way::Response, &[0; 9], &[]).is_some());
    }

    proptest! {
        /// Equal lists have no difference, and different ones have at least one.
        #[test]
        fn differences_are_there_where_lists_differ(
            sent in prop::collection::vec(("[a-cA-C]", "[x-z]{0,2}"), 0..6),
            arrived in prop::collection::vec(("[a-cA-C]", "[x-z]{0,2}"), 0..6),
        ) {
            prop_assert_eq!(headers(Way::Request, &sent, &sent, &[]), []);
            // Where fields of other names stand between those of one name cannot be told from the groups.
            let flat = |fields: &[Field]| {
                let groups = Grouped::new(fields, &[]).0;
                groups.into_iter().map(|group| (group.name, group.values)).collect::<Vec<_>>()
            };
            prop_assert_eq!(flat(&sent) != flat(&arrived), !headers(Way::Request, &sent, &arrived, &[])
                .iter()
                .all(|difference| difference.kind == DifferenceKind::Recased));
        }
    }
}
