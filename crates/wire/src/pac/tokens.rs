//! The words, strings and signs of a script, with their places: as much of ECMA-262 section 12 as it takes to tell code
//! from what only looks like it.
//!
//! Whether a slash divides or opens a regular expression depends on the grammar; here it depends on the token before,
//! which is wrong only in code that nobody writes. A template literal is one token, its substitutions included.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    /// A string, a template or a regular expression.
    Literal,
    /// One octet that is none of the others.
    Sign(u8),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Octets from the start of the script.
    pub(super) start: usize,
    /// From 1.
    pub(super) line: u32,
    /// A line ends between the token before and this one.
    pub(super) after_line_end: bool,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(super) fn is_sign(&self, sign: u8) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// The tokens of a script, without its comments. Any text has some.
pub(super) fn tokens(script: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let bytes = script.as_bytes();
    let (mut at, mut line, mut line_end) = (0, 1, true);
    // Up to here no slash opens a regular expression: an earlier one on the line found none that closes it. So no line is
    // searched twice, however many slashes it has.
    let mut no_regex_before = 0;
    while let Some(&octet) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let before = tokens.last();
        let (kind, length) = match octet {
            b'\r' | b'\n' => {
                line += 1;
                line_end = true;
                at += if rest.starts_with(b"\r\n") { 2 } else { 1 };
                continue;
            }
            b' ' | b'\t' | 0x0b | 0x0c => {
                at += 1;
                continue;
            }
            b'/' | b'<' if is_comment(rest) => {
                let length = comment(rest);
                let lines = lines(rest.get(..length).unwrap_or_default());
                line += lines;
                line_end |= lines > 0;
                at += length;
                continue;
            }
            b'"' | b'\'' => (Kind::Literal, string(rest)),
            b'`' => (Kind::Literal, template(rest)),
            b'/' if at >= no_regex_before && regex_may_follow(before) => match regex(rest) {
                Ok(length) => (Kind::Literal, length),
                Err(searched) => {
                    no_regex_before = at + searched;
                    (Kind::Sign(octet), 1)
                }
            },
            b'0'..=b'9' => (Kind::Number, span(rest, |o| is_word(o) || o == b'.')),
            _ if is_word(octet) => (Kind::Word, span(rest, is_word)),
            _ => (Kind::Sign(octet), 1),
        };
        // Every token ends where a character does: an octet that is not ASCII is part of a word, or inside of a literal.
        let Some(text) = script.get(at..at + length) else { break };
        tokens.push(Token { kind, text, start: at, line, after_line_end: line_end });
        line_end = false;
        line += lines(text.as_bytes());
        at += length;
    }
    tokens
}

fn is_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'$' | b'\\' | 0x80..)
}

fn span(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|octet| !belongs(*octet)).unwrap_or(bytes.len())
}

fn lines(bytes: &[u8]) -> u32 {
    let ends = bytes.iter().enumerate().filter(|(n, octet)| match octet {
        b'\n' => true,
        b'\r' => bytes.get(n + 1) != Some(&b'\n'),
        _ => false,
    });
    u32::try_from(ends.count()).unwrap_or(u32::MAX)
}

fn is_comment(bytes: &[u8]) -> bool {
    // The third one is annex B.1.1 of ECMA-262: scripts were once hidden from browsers that knew none.
    bytes.starts_with(b"//") || bytes.starts_with(b"/*") || bytes.starts_with(b"<!--")
}

fn comment(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"/*") {
        let end = bytes.windows(2).skip(2).position(|pair| pair == b"*/");
        return end.map_or(bytes.len(), |end| end + 4);
    }
    span(bytes, |octet| !matches!(octet, b'\r' | b'\n'))
}

/// The length of a string, quotes included. One that is not closed ends with its line.
fn string(bytes: &[u8]) -> usize {
    let quote = bytes.first().copied();
    let mut at = 1;
    while let Some(&octet) = bytes.get(at) {
        match octet {
            b'\\' => at += escape(bytes.get(at..).unwrap_or_default()),
            b'\r' | b'\n' => return at,
            _ if Some(octet) == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A backslash and what it stands before: a line end counts as one.
fn escape(bytes: &[u8]) -> usize {
    if bytes.get(1..).is_some_and(|rest| rest.starts_with(b"\r\n")) { 3 } else { 2 }
}

/// The length of a template literal, the ones within its substitutions included.
fn template(bytes: &[u8]) -> usize {
    /// Where the octets belong to: the text of a template, or a substitution with so many braces open in it.
    enum Inside {
        Text,
        Code(usize),
    }
    let mut inside = vec![Inside::Text];
    let mut at = 1;
    while let (Some(&octet), Some(innermost)) = (bytes.get(at), inside.last_mut()) {
        let rest = bytes.get(at..).unwrap_or_default();
        match (innermost, octet) {
            (Inside::Text, b'\\') => at += 1,
            (Inside::Text, b'`') => {
                inside.pop();
            }
            (Inside::Text, b'$') if rest.starts_with(b"${") => {
                at += 1;
                inside.push(Inside::Code(0));
            }
            (Inside::Text, _) => {}
            (Inside::Code(_), b'`') => inside.push(Inside::Text),
            (Inside::Code(_), b'"' | b'\'') => at += string(rest) - 1,
            (Inside::Code(_), b'/') if is_comment(rest) => at += comment(rest) - 1,
            (Inside::Code(open), b'{') => *open += 1,
            (Inside::Code(0), b'}') => {
                inside.pop();
            }
            (Inside::Code(open), b'}') => *open -= 1,
            (Inside::Code(_), _) => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}

fn regex_may_follow(before: Option<&Token<'_>>) -> bool {
    const OPERATORS: &[&str] = &[
        "await",
        "case",
        "delete",
        "do",
        "else",
        "in",
        "instanceof",
        "new",
        "of",
        "return",
        "throw",
        "typeof",
        "void",
        "yield",
    ];
    match before.map(|token| (token.kind, token.text)) {
        None => true,
        Some((Kind::Word, word)) => OPERATORS.contains(&word),
        Some((Kind::Sign(sign), _)) => !matches!(sign, b')' | b']'),
        Some((Kind::Number | Kind::Literal, _)) => false,
    }
}

/// The length of a regular expression with its flags, or how much was searched where no second slash is on the line.
fn regex(bytes: &[u8]) -> Result<usize, usize> {
    let mut in_class = false;
    let mut at = 1;
    while let Some(&octet) = bytes.get(at) {
        match octet {
            b'\r' | b'\n' => return Err(at),
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'/' if !in_class => {
                return Ok(at + 1 + span(bytes.get(at + 1..).unwrap_or_default(), is_word));
            }
            _ => {}
        }
        at += 1;
    }
    Err(bytes.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(script: &str) -> Vec<&str> {
        tokens(script).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn code_is_told_from_what_looks_like_it() {
        assert_eq!(
            texts("a /* return */ = 'return \\' x' // return\n+ \"\\\r\ny\""),
            ["a", "=", "'return \\' x'", "+", "\"\\\r\ny\""]
        );
        assert_eq!(
            texts("x = /[/\"]return/g.test(y) / 2 / z"),
            ["x", "=", "/[/\"]return/g", ".", "test", "(", "y", ")", "/", "2", "/", "z"]
        );
        assert_eq!(
            texts("f(`a ${ {b: `}`, c: '}'}.b } return`, é)"),
            ["f", "(", "`a ${ {b: `}`, c: '}'}.b } return`", ",", "é", ")"]
        );
        assert_eq!(texts("<!-- hidden\nreturn/x/"), ["return", "/x/"]);
        assert_eq!(texts("a\n/*\n*/ b 'open\nc"), ["a", "b", "'open", "c"]);
    }

    #[test]
    fn lines_are_counted_as_editors_count_them() {
        let places: Vec<(u32, bool)> = tokens("a\r\nb /*\n\n*/ c\rd 'x\\\ny' e `\n` f")
            .into_iter()
            .map(|token| (token.line, token.after_line_end))
            .collect();
        assert_eq!(
            places,
            [(1, true), (2, true), (4, true), (5, true), (5, false), (6, false), (6, false), (7, false)]
        );
    }

    /// A search from every slash would take minutes.
    #[test]
    fn a_line_full_of_slashes_is_searched_once() {
        let script = "=/[".repeat(300_000);
        let started = std::time::Instant::now();
        assert_eq!(tokens(&script).len(), script.len());
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
        assert_eq!(texts("= /[ b\n= /c/"), ["=", "/", "[", "b", "=", "/c/"]);
    }

    proptest! {
        #[test]
        fn tokens_are_pieces_of_the_script_in_order(script in "\\PC{0,40}|[`'\"/\\\\${}\\[\\]()a\n\r* é]{0,40}") {
            let mut end = 0;
            for token in tokens(&script) {
                prop_assert!(token.start >= end && !token.text.is_empty());
                end = token.end();
                prop_assert_eq!(script.get(token.start..end), Some(token.text));
            }
        }
    }
}
