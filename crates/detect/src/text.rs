//! Words for people out of words from the network.

/// What a peer sent, fit to be shown: without control characters, which a terminal would obey, and cut to a length
/// that leaves room for the sentence around it.
pub(crate) fn quoted(text: &str) -> String {
    const LIMIT: usize = 120;
    let mut shown: String =
        text.chars().take(LIMIT).map(|c| if c.is_control() || is_direction_mark(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LIMIT).is_some() {
        shown.push('…');
    }
    shown
}

/// Marks that turn the direction of the text around them (Unicode Standard Annex 9): a name must not hide behind them.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// "a", "a and b", "a, b and c".
pub(crate) fn listed<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [start @ .., last] => {
            let start: Vec<&str> = start.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", start.join(", "), last.as_ref())
        }
    }
}

/// As [`listed`], but names at most `limit` of them: "a, b and 7 more".
pub(crate) fn listed_up_to(items: &[String], limit: usize) -> String {
    if items.len() <= limit {
        return listed(items);
    }
    let mut shown: Vec<String> = items.iter().take(limit).cloned().collect();
    shown.push(format!("{} more", items.len() - limit));
    listed(&shown)
}

/// "1 host", "3 hosts".
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A span in the unit that suits it: "40 s", "12 min", "3 h", "8 days".
pub(crate) fn span(seconds: i64) -> String {
    match seconds.saturating_abs() {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}

/// A wait that people count in seconds: "5.0 s".
pub(crate) fn seconds(wait: model::Milliseconds) -> String {
    if wait.0 >= 1e3 { format!("{:.1} s", wait.0 / 1e3) } else { wait.to_string() }
}

/// With a capital letter at its start, unless it starts with a name such as "http/1.1".
pub(crate) fn sentence(text: &str) -> String {
    let is_word = text.split(' ').next().is_some_and(|word| word.chars().all(char::is_alphabetic));
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if is_word => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// For the middle of a sentence; names of protocols keep their capitals.
pub(crate) fn in_sentence(title: &str) -> String {
    let mut chars = title.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() && !title.starts_with("WebSocket") => {
            first.to_lowercase().chain(core::iter::once(second)).chain(chars).collect()
        }
        _ => title.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_sent_cannot_steer_a_terminal() {
        assert_eq!(quoted("a\x1b[31mb\r\n\u{202e}"), "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(quoted(&"ä".repeat(200)).chars().count(), 121);
    }

    #[test]
    fn lists_and_spans_read_aloud() {
        assert_eq!(listed::<&str>(&[]), "");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        let many: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        assert_eq!(listed_up_to(&many, 3), "0, 1, 2 and 2 more");
        assert_eq!(counted(1, "host"), "1 host");
        assert_eq!(span(-90_000), "25 h");
        assert_eq!(span(i64::MIN), "106751991167300 days");
        assert_eq!(sentence("tls is"), "Tls is");
    }
}
