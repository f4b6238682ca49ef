//! Fields that products add to the requests that pass through them: the request marks of the table of interceptors, made
//! ready to be looked up for each field of each request.

use model::ObservedHttp;

use super::{MAX_NAMES, value as value_of};
use crate::Interceptor;
use crate::attribution::Direction;

/// A power of two well above the number of marks, so that a field that nobody adds meets an empty slot.
const SLOTS: usize = 256;

/// The marks of all products, found by length and letters of the field's name.
#[derive(Clone, Debug)]
pub(in crate::client) struct RequestMarks {
    slots: Vec<Vec<Mark>>,
    /// Those that say only how the name begins.
    prefixes: Vec<Mark>,
}

#[derive(Clone, Debug)]
struct Mark {
    name: String,
    contains: String,
    generic: bool,
    /// The row of the table of interceptors.
    row: usize,
}

/// A field that a product adds, or that something adds that nobody can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) struct Added<'o> {
    pub(in crate::client) name: &'o str,
    pub(in crate::client) value: Option<&'o str>,
    /// The row of the table of interceptors; `None` where every kind of proxy adds the same, the service's own included.
    pub(in crate::client) row: Option<usize>,
}

impl RequestMarks {
    pub(in crate::client) fn new(interceptors: &[Interceptor]) -> Self {
        let mut marks = Self { slots: vec![Vec::new(); SLOTS], prefixes: Vec::new() };
        for (row, interceptor) in interceptors.iter().enumerate() {
            let in_requests = |direction| matches!(direction, Direction::Request | Direction::Both);
            for mark in interceptor.headers.iter().filter(|mark| in_requests(mark.direction)) {
                let prefix = mark.name.strip_suffix('*');
                let name = prefix.unwrap_or(&mark.name).to_ascii_lowercase();
                let generic = mark.generic || !interceptor.is_a_product();
                let known = Mark { contains: mark.contains.to_ascii_lowercase(), generic, row, name };
                if prefix.is_some() {
                    marks.prefixes.push(known);
                } else if let Some(slot) = marks.slots.get_mut(slot(&known.name)) {
                    slot.push(known);
                }
            }
        }
        marks
    }

    /// The fields of this request that somebody on its way added. One that names a product is not reported as generic too.
    pub(in crate::client) fn seen<'o>(&self, http: &'o ObservedHttp<'_>) -> Vec<Added<'o>> {
        let mut added: Vec<Added<'o>> = Vec::new();
        for (name, value) in http.headers.iter().take(MAX_NAMES) {
            self.look_up(name, Some(value), &mut added);
        }
        let with_values = added.len();
        for name in http.header_names.iter().flatten().take(MAX_NAMES) {
            self.look_up(name, None, &mut added);
        }
        // Those that were recorded with their values have been told.
        let mut place = 0;
        added.retain(|found| {
            place += 1;
            place <= with_values || value_of(http, found.name).is_none()
        });
        added
    }

    fn look_up<'o>(&self, name: &'o str, value: Option<&'o str>, added: &mut Vec<Added<'o>>) {
        let exact = self.slots.get(slot(name)).into_iter().flatten().filter(|m| m.name.eq_ignore_ascii_case(name));
        let begins =
            |mark: &&Mark| name.get(..mark.name.len()).is_some_and(|start| start.eq_ignore_ascii_case(&mark.name));
        // Without its value, a field counts only where the name is all there is to the mark.
        let fits = |mark: &&Mark| contains(value.unwrap_or_default(), &mark.contains);
        let marks = exact.chain(self.prefixes.iter().filter(begins)).filter(fits);
        let (mut named, mut generic) = (false, false);
        for mark in marks {
            if mark.generic {
                generic = true;
            } else {
                named = true;
                added.push(Added { name, value, row: Some(mark.row) });
            }
        }
        if generic && !named {
            added.push(Added { name, value, row: None });
        }
    }
}

/// Names of fields differ most in their length, their ends and their middle.
fn slot(name: &str) -> usize {
    let bytes = name.as_bytes();
    let at = |place: usize| bytes.get(place).map_or(0, |byte| usize::from(byte.to_ascii_lowercase()));
    let mixed = bytes.len() * 37 + at(0) * 7 + at(bytes.len() / 2) * 13 + at(bytes.len().saturating_sub(1)) * 29;
    mixed % SLOTS
}

/// `part` is in small letters.
fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Knowledge;

    fn check(headers: &[(&'static str, &'static str)], expected: &[(&str, Option<&str>)]) {
        let knowledge = Knowledge::builtin();
        let http = ObservedHttp {
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            ..ObservedHttp::default()
        };
        let seen = RequestMarks::new(knowledge.interceptors()).seen(&http);
        let product = |row: usize| knowledge.interceptors()[row].product.as_str();
        let seen: Vec<_> = seen.iter().map(|added| (added.name, added.row.map(product))).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn products_are_told_by_name_or_token() {
        check(
            &[("Via", "1.1 swg01.corp.example (squid/5.7)"), ("X-Forwarded-For", "198.51.100.10")],
            &[("Via", Some("Squid with SslBump")), ("X-Forwarded-For", None)],
        );
        check(
            &[("x-bluecoat-via", "0123456789abcdef")],
            &[("x-bluecoat-via", Some("ProxySG / Edge SWG, Cloud SWG (WSS)"))],
        );
        check(&[("via", "1.1 gw")], &[("via", None)]);
        check(&[("accept", "*/*"), ("user-agent", "curl/8"), ("", "")], &[]);
    }

    #[test]
    fn a_name_without_its_value_is_no_token() {
        let knowledge = Knowledge::builtin();
        let http =
            ObservedHttp { header_names: Some(vec!["Via".into(), "X-FCCKV2".into()]), ..ObservedHttp::default() };
        let seen = RequestMarks::new(knowledge.interceptors()).seen(&http);
        let rows: Vec<_> = seen.iter().map(|added| (added.name, added.row.is_some())).collect();
        assert_eq!(rows, [("Via", false), ("X-FCCKV2", true)]);
    }
}
