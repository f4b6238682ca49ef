//! The few parameters that our endpoints take: numbers and hex digits, which need no percent-encoding.

use super::problem::Problem;

/// The first parameter of this name.
pub(super) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// A decimal number up to `limit`, or `default` where the parameter is absent.
pub(super) fn number(query: &str, name: &str, default: u64, limit: u64, text: &'static str) -> Result<u64, Problem> {
    let Some(digits) = parameter(query, name) else { return Ok(default) };
    let number = digits.parse().ok().filter(|number| *number <= limit && digits.bytes().all(|b| b.is_ascii_digit()));
    number.ok_or(Problem::bad_request(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_whole_name() {
        assert_eq!(parameter("gap_ms=5&events=3&events=4", "events"), Some("3"));
        assert_eq!(parameter("xevents=3&events", "events"), None);
    }

    #[test]
    fn numbers_have_limits() {
        for (query, expected) in
            [("n=7", Some(7)), ("n=10", Some(10)), ("n=11", None), ("n=+1", None), ("n=", None), ("", Some(3))]
        {
            assert_eq!(number(query, "n", 3, 10, "no").ok(), expected, "{query}");
        }
        assert!(number("n=99999999999999999999", "n", 0, u64::MAX, "no").is_err());
    }
}
